"""A request as it goes over the wire: address, headers, body, the clock it goes by, and the secrets in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from coactive.credentials import AccessToken, ClientCredentials, Secret
from coactive.exceptions import ApiTypeError, ApiValueError

if TYPE_CHECKING:
    from coactive.clock import Clock
    from coactive.request import Request

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Caller(NamedTuple):
    """Who calls whom: one look at a configuration, which may change while the call runs.

    Attributes:
        host: the origin with its base path.
        access_token: as the configuration has it.
    """

    host: str
    access_token: AccessToken | None


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
    secrets, bearer = _authorize(request.options.get("_request_auths"), caller, token, sent, query)
    url = f"{caller.host}{request.path}{'?' if query else ''}{urlencode(query)}"
    hint = partial(_hint, request, caller)
    return HttpRequest(request.method, url, sent, request.form, clock, secrets, bearer, request.parameters, hint)


def with_token(wire: HttpRequest, token: Secret) -> HttpRequest:
    """The same request with this token, in the place of another one."""
    headers = dict(wire.headers)
    set_header(headers, "Authorization", f"Bearer {token}")
    return wire._replace(headers=headers, token=token, secrets=[*wire.secrets, token])


def checked_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers that can be sent; of those with one name in any case the last. Raises as `set_header` does."""
    checked: dict[str, str] = {}
    for name, value in headers:
        set_header(checked, name, value)
    return checked


def set_header(headers: dict[str, str], name: str, value: str) -> None:
    """Put in a header, in the place of one of that name in any case.

    Raises:
        ApiTypeError: the value is no str.
        ApiValueError: a header cannot carry it, or cannot have that name.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ApiValueError(f"header_name: {name!r} cannot name a header")
    if not isinstance(value, str):
        raise ApiTypeError(f"header_value: expected a str for {name}, got {type(value).__name__}")
    if not value.isprintable() or not (value.isascii() or max(value) <= "\xff"):
        raise ApiValueError(f"header_value: the header {name} cannot carry a line break or this script")
    lower = name.lower()
    for known in headers:
        if known.lower() == lower:
            name = known
            break
    headers[name] = Secret(value) if lower in _SECRET else value


_SECRET = frozenset({"authorization", "proxy-authorization", "cookie"})
"""Headers that say who is calling."""


def _authorize(
    auths: Any, caller: Caller, token: Callable[[], Secret], headers: dict[str, str], query: list[tuple[str, str]]
) -> tuple[list[Secret], Secret | None]:
    """Put in who is calling, as `_request_auths` says or else by the token; the secrets that are in, and the token."""
    if auths:
        return [_put_in(_checked_auth(auth), headers, query) for auth in auths], None
    own = _own_authorization(headers) if caller.access_token is None else None
    if own is not None:
        return [Secret(own), Secret(own.partition(" ")[2])], None
    bearer = token()
    set_header(headers, "Authorization", f"Bearer {bearer}")
    known = caller.access_token._secrets if isinstance(caller.access_token, ClientCredentials) else []
    return [bearer, *known], bearer


def _own_authorization(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == "authorization"), None)


def _hint(request: Request[Any], caller: Caller, wire: HttpRequest, status: int) -> str | None:
    granted = isinstance(caller.access_token, ClientCredentials)
    if status == 401 and wire.token and ":" not in wire.token and not granted:
        return "the token has no colon; expected is CLIENT_ID:CLIENT_SECRET"
    if status == 404 and request.in_path:
        asked_for = ", ".join(f"{name} {value!r}" for name, value in request.in_path.items())
        return f"this asked for {asked_for} at {caller.host}; a wrong path in host gives a 404 too"
    return None


def _put_in(auth: Mapping[str, str], headers: dict[str, str], query: list[tuple[str, str]]) -> Secret:
    place, key, value = auth["in"], auth["key"], Secret(auth["value"])
    if place == "header":
        set_header(headers, key, value)
    elif place == "cookie":
        set_header(headers, "Cookie", f"{key}={value}")
    else:
        query.append((key, value))
    return value


def _checked_auth(auth: Any) -> Mapping[str, str]:
    parts = [auth.get(name) for name in ("in", "key", "value")] if isinstance(auth, Mapping) else [None]
    if not all(isinstance(part, str) for part in parts) or parts[0] not in ("header", "cookie", "query"):
        raise ApiTypeError(
            "_request_auths: expected a list of dicts with 'in' ('header', 'cookie' or 'query'), 'key' and 'value'"
        )
    checked: Mapping[str, str] = auth
    return checked
