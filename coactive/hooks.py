"""What a program is shown of each request and of what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from coactive import redaction
from coactive.credentials import Secret
from coactive.exceptions import ApiException
from coactive.headers import checked_headers
from coactive.response import RawResponse
from coactive.wire import HttpRequest

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    Ended: TypeAlias = RawResponse | BaseHTTPResponse | ApiException


class Exchange:
    """A request that is sent, and what came of it: one for each try of a call, and of a login.

    Attributes:
        method: of HTTP.
        url: without its query, which may hold a secret.
        headers: of the request, without the token; what a request hook changes in them is sent.
        attempt: which try of the call this is, from 1 on.
        status: of the response; 0 before there is one, and where none came.
        response_headers: by name, in any case; empty where no response came.
        seconds: from sending to the end of the response; to its headers where it is handed on unread.
        error: the exception that this try ended in; None for a success.
    """

    def __init__(self, request: HttpRequest, attempt: int) -> None:
        self.method = request.method
        self.url = request.url.partition("?")[0]
        self.headers = {name: value for name, value in request.headers.items() if not isinstance(value, Secret)}
        self.attempt = attempt
        self.status = 0
        self.response_headers: Mapping[str, str] = {}
        self.seconds = 0.0
        self.error: ApiException | None = None
        self._began = monotonic()

    def _end(self, ended: Ended, secrets: Sequence[str]) -> None:
        """Take over what the exchange ended in, without the secrets that the service may repeat."""
        self.seconds = monotonic() - self._began
        self.status, self.response_headers = ended.status, redaction.of_headers(ended.headers, secrets)
        self.error = ended if isinstance(ended, ApiException) else None

    def __repr__(self) -> str:
        return f"Exchange({self.method} {self.url}, attempt {self.attempt}: {self.status} after {self.seconds:.3f} s)"


Hook: TypeAlias = Callable[[Exchange], object]
"""Is called in the thread that makes the call; what it raises ends the call, as it is."""


class Hooks:
    """What a client calls with each exchange, in the order of the lists.

    Attributes:
        request: called before the request is sent.
        response: called after its response, or after it ended without one.
    """

    def __init__(self, request: Iterable[Hook] = (), response: Iterable[Hook] = ()) -> None:
        self.request: list[Hook] = list(request)
        self.response: list[Hook] = list(response)


def show_request(hooks: Hooks, request: HttpRequest, attempt: int) -> tuple[HttpRequest, Exchange | None]:
    """Show hooks a request; what is to be sent then, and the exchange that begins, None where nobody looks."""
    if not hooks.request and not hooks.response:
        return request, None
    exchange = Exchange(request, attempt)
    for hook in tuple(hooks.request):
        hook(exchange)
    return request._replace(headers=_with_secrets(exchange.headers, request)), exchange


def show_end(hooks: Hooks, exchange: Exchange | None, ended: Ended, secrets: Sequence[str]) -> None:
    """Show hooks what an exchange ended in."""
    if exchange is None:
        return
    exchange._end(ended, secrets)
    try:
        for hook in tuple(hooks.response):
            hook(exchange)
    except BaseException:
        if not isinstance(ended, (RawResponse, ApiException)):
            ended.close()
        raise


def _with_secrets(headers: Mapping[str, str], request: HttpRequest) -> dict[str, str]:
    """The headers as the hooks left them, and those that were kept from them."""
    secrets = [(name, value) for name, value in request.headers.items() if isinstance(value, Secret)]
    return checked_headers([*headers.items(), *secrets])
