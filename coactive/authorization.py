"""Who is calling, as a request says it: by the token, or as the call says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from coactive.credentials import AccessToken, ClientCredentials, Secret
from coactive.exceptions import ApiTypeError
from coactive.headers import set_header


class Caller(NamedTuple):
    """Who calls whom: one look at a configuration, which may change while the call runs.

    Attributes:
        host: the origin with its base path.
        access_token: as the configuration has it.
    """

    host: str
    access_token: AccessToken | None


def authorize(
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
