"""A request as it goes over the wire: address, headers, time limits, and the secrets in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from coactive.credentials import Secret, current_token
from coactive.exceptions import ApiTypeError, ApiValueError

if TYPE_CHECKING:
    from urllib3 import Timeout

    from coactive.configuration import Configuration
    from coactive.multipart import MultipartForm
    from coactive.request import Request
    from coactive.timeout import Timeouts

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class HttpRequest(NamedTuple):
    """What goes over the wire, and how long that may take.

    Attributes:
        parameters: the names of the operation's arguments, for messages.
        secrets: what no message may repeat.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    form: MultipartForm | None
    timeout: Timeouts | Timeout
    parameters: Sequence[str]
    secrets: Sequence[str]


def on_the_wire(request: Request[Any], configuration: Configuration, headers: Mapping[str, str]) -> HttpRequest:
    """The request for the service of a configuration, with its token.

    Args:
        request: what an operation made of its arguments.
        configuration: where the service is, who is calling, and which time limits apply.
        headers: sent beside those that the request needs.

    Raises:
        ApiTypeError, ApiValueError: the token, a header or an option cannot be used.
    """
    sent: dict[str, str] = {}
    for name, value in headers.items():
        set_header(sent, name, value)
    if request.form:
        set_header(sent, "Content-Type", request.form.content_type)
        set_header(sent, "Content-Length", str(request.form.length))
    query = list(request.query)
    secrets = _authorize(request.options.get("_request_auths"), configuration, sent, query)
    timeout = configuration.timeouts.override(request.options.get("_request_timeout", ...))
    url = f"{configuration.host}{request.path}{'?' if query else ''}{urlencode(query)}"
    return HttpRequest(request.method, url, sent, request.form, timeout, request.parameters, secrets)


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
    if not value.isprintable() or any(char > "\xff" for char in value):
        raise ApiValueError(f"header_value: the header {name} cannot carry a line break or this script")
    headers[next((known for known in headers if known.lower() == name.lower()), name)] = value


def _authorize(
    auths: Any, configuration: Configuration, headers: dict[str, str], query: list[tuple[str, str]]
) -> list[str]:
    """Put in who is calling, as `_request_auths` says or else by the token; gives the secrets that are in now."""
    if auths:
        return [_put_in(_checked_auth(auth), headers, query) for auth in auths]
    given = next((value for name, value in headers.items() if name.lower() == "authorization"), None)
    if configuration.access_token is None and given is not None:
        return [given, given.partition(" ")[2]]
    token = current_token(configuration.access_token)
    set_header(headers, "Authorization", Secret(f"Bearer {token}"))
    return [token]


def _put_in(auth: Mapping[str, str], headers: dict[str, str], query: list[tuple[str, str]]) -> str:
    place, key, value = auth["in"], auth["key"], auth["value"]
    if place == "header":
        set_header(headers, key, Secret(value))
    elif place == "cookie":
        set_header(headers, "Cookie", Secret(f"{key}={value}"))
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
