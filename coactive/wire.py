"""A request as it goes over the wire: address, headers, body, the clock it goes by, and the secrets in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from coactive.authorization import Caller, authorize
from coactive.credentials import ClientCredentials, Secret
from coactive.headers import checked_headers, set_header

if TYPE_CHECKING:
    from coactive.clock import Clock
    from coactive.request import Request


class HttpRequest(NamedTuple):
    """What goes over the wire, and how long that may take.

    Attributes:
        body: its blocks, the same ones each time; None: it has none.
        clock: runs over all tries of the call.
        secrets: what no message may repeat.
        token: the one among the secrets that may be renewed; None: there is none.
        parameters: the names of the operation's arguments, for messages.
        hint: what may help where the answer has a certain status.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: Iterable[bytes | memoryview] | None
    clock: Clock
    secrets: Sequence[str]
    token: Secret | None = None
    parameters: Sequence[str] = ()
    hint: Callable[[HttpRequest, int], str | None] = lambda request, status: None

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.url.partition('?')[0]})"


def on_the_wire(
    request: Request[Any], caller: Caller, headers: Mapping[str, str], clock: Clock, token: Callable[[], Secret]
) -> HttpRequest:
    """The request for a service.

    Args:
        request: what an operation made of its arguments.
        caller: who is calling, and where the service is.
        headers: sent beside those that the request needs.
        clock: what the call goes by.
        token: gives the token to send; is asked only if one is sent.

    Raises:
        ApiTypeError, ApiValueError: the token, a header or an option cannot be used.
        ApiException: there is no token, because it was to be granted.
    """
    sent = checked_headers(headers.items())
    if request.form:
        set_header(sent, "Content-Type", request.form.content_type)
        set_header(sent, "Content-Length", str(request.form.length))
    query = list(request.query)
    secrets, bearer = authorize(request.options.get("_request_auths"), caller, token, sent, query)
    url = f"{caller.host}{request.path}{'?' if query else ''}{urlencode(query)}"
    hint = partial(_hint, request, caller)
    return HttpRequest(request.method, url, sent, request.form, clock, secrets, bearer, request.parameters, hint)


def with_token(wire: HttpRequest, token: Secret) -> HttpRequest:
    """The same request with this token, in the place of another one."""
    headers = dict(wire.headers)
    set_header(headers, "Authorization", f"Bearer {token}")
    return wire._replace(headers=headers, token=token, secrets=[*wire.secrets, token])


def _hint(request: Request[Any], caller: Caller, wire: HttpRequest, status: int) -> str | None:
    granted = isinstance(caller.access_token, ClientCredentials)
    if status == 401 and wire.token and ":" not in wire.token and not granted:
        return "the token has no colon; expected is CLIENT_ID:CLIENT_SECRET"
    if status == 404 and request.in_path:
        asked_for = ", ".join(f"{name} {value!r}" for name, value in request.in_path.items())
        return f"this asked for {asked_for} at {caller.host}; a wrong path in host gives a 404 too"
    return None
