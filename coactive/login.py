"""Exchanging client credentials for a token: the request, and what its answer grants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from coactive.credentials import ClientCredentials, Secret, checked_token
from coactive.exceptions import ApiDecodeError, ApiTypeError, ApiValueError
from coactive.headers import checked_headers, set_header
from coactive.wire import HttpRequest

if TYPE_CHECKING:
    from coactive.clock import Clock
    from coactive.response import RawResponse

PATH = "/api/v0/login"

_BODY = json.dumps({"grant_type": "client_credentials"}).encode()
_EARLY = 60.0
"""Seconds before its end at which a token is renewed; a tenth of its life where that is less."""

_FOR_EVER = 1e9
"""Seconds."""


class Grant(NamedTuple):
    """A token, and when to ask for the next one, on the monotonic clock."""

    token: Secret
    renew_at: float


def request(host: str, credentials: ClientCredentials, headers: Mapping[str, str], clock: Clock) -> HttpRequest:
    """The exchange of client credentials at a host."""
    sent = checked_headers(headers.items())
    set_header(sent, "Content-Type", "application/json")
    set_header(sent, "Content-Length", str(len(_BODY)))
    set_header(sent, "Authorization", f"Basic {credentials._basic}")
    return HttpRequest("POST", f"{host}{PATH}", sent, [_BODY], clock, secrets=credentials._secrets, hint=_hint)


def grant(response: RawResponse) -> Grant:
    """What a good answer grants.

    Raises:
        ApiDecodeError: no token that can be sent. It does not show the body, which may hold one in another place.
    """
    try:
        told: Any = response.json()
        token = checked_token(told["access_token"])
    except (ValueError, TypeError, KeyError, RecursionError, ApiTypeError, ApiValueError):
        problem = f"the response of {PATH} holds no access_token that can be sent"
        failure = ApiDecodeError(response.status, response.reason, explanation=problem)
        failure.tries = response.tries
        raise failure from None
    life = told.get("expires_in")
    if isinstance(life, bool) or not isinstance(life, int | float) or not 0 < life < _FOR_EVER:
        return Grant(token, float("inf"))
    return Grant(token, monotonic() + life - min(_EARLY, life / 10))


def _hint(request: HttpRequest, status: int) -> str | None:
    if status in (401, 403):
        return f"this was the login at {PATH}: the service does not take this client_id and client_secret"
    if status in (404, 405):
        return f'the service has no {PATH}; give access_token=f"{{CLIENT_ID}}:{{CLIENT_SECRET}}" instead'
    return None
