"""Who is calling: the bearer token, where it comes from and what it may look like."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Callable
from typing import TypeAlias

from coactive.exceptions import ApiTypeError, ApiValueError

_HOW_TO_SET = (
    'pass Configuration(access_token=f"{CLIENT_ID}:{CLIENT_SECRET}"), or set COACTIVE_CLIENT_ID and '
    "COACTIVE_CLIENT_SECRET, or COACTIVE_ACCESS_TOKEN, in the environment"
)


class Secret(str):
    """Text that is itself on the wire and three stars wherever a program shows its values."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class ClientCredentials:
    """A client id and its secret, to be exchanged for tokens that last an hour, instead of being sent with each call.

    Give it as `Configuration(access_token=ClientCredentials(...))`: the client logs in at `/api/v0/login` before its
    first call, again shortly before the token expires, and once more should the service refuse it.

    Args:
        client_id: None: COACTIVE_CLIENT_ID in the environment, read when it is needed.
        client_secret: None: COACTIVE_CLIENT_SECRET.

    Raises:
        ApiTypeError, ApiValueError: one of them cannot be sent, or is missing. The message does not repeat it.
    """

    def __init__(self, client_id: str | None = None, client_secret: str | None = None) -> None:
        if (client_id is None) != (client_secret is None):
            raise ApiValueError("client_id and client_secret: give both, or neither to take them from the environment")
        for name, value in (("client_id", client_id), ("client_secret", client_secret)):
            if value is not None:
                _check(name, value)
        if client_id and ":" in client_id:
            raise ApiValueError("client_id: it has a colon, which separates it from the client secret")
        self._given = None if client_id is None else Secret(f"{client_id}:{client_secret}")

    _given: Secret | None = None

    @property
    def _pair(self) -> Secret:
        """Id and secret, joined by a colon.

        Raises:
            ApiValueError: they were to come from the environment and are not there, or cannot be sent.
        """
        return self._given or checked_token(_pair_of_environment())

    @property
    def _basic(self) -> Secret:
        """Both as HTTP's basic authentication writes them; raises as `_pair` does."""
        return Secret(b64encode(self._pair.encode()).decode())

    @property
    def _secrets(self) -> list[Secret]:
        """What no message may repeat."""
        return [self._pair, self._basic]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClientCredentials) and self._given == other._given

    def __hash__(self) -> int:
        return hash(self._given)

    def __repr__(self) -> str:
        shown = f"{self._given.partition(':')[0]!r}, '***'" if self._given else ""
        return f"ClientCredentials({shown})"


AccessToken: TypeAlias = str | Callable[[], str] | ClientCredentials
"""The token itself, a callable that gives the current one and is asked at every call, or what is exchanged for one."""


def from_environment() -> str | None:
    """COACTIVE_ACCESS_TOKEN, else COACTIVE_CLIENT_ID and COACTIVE_CLIENT_SECRET joined by a colon, else None."""
    return os.environ.get("COACTIVE_ACCESS_TOKEN") or _pair_of_environment()


def _pair_of_environment() -> str | None:
    client_id, secret = (os.environ.get(name) for name in _PAIR)
    return f"{client_id}:{secret}" if client_id and secret else None


def without_secrets(access_token: AccessToken | None) -> AccessToken | None:
    """What may be kept of it where secrets may not: enough to take them from the environment again."""
    if isinstance(access_token, ClientCredentials):
        return ClientCredentials()
    return access_token if callable(access_token) else None


def checked_token(token: str | None) -> Secret:
    """A token that a header can carry.

    Raises:
        ApiTypeError: it is no str.
        ApiValueError: there is none, or a header cannot carry it. The message does not repeat it.
    """
    if token is None:
        half = [name for name in _PAIR if os.environ.get(name)]
        missing = f"{half[0]} is set in the environment, {_PAIR[half[0] == _PAIR[0]]} is not" if half else "none is set"
        raise ApiValueError(f"access_token: {missing}; {_HOW_TO_SET}")
    token = Secret(token) if isinstance(token, str) else token  # so that no frame shows it
    if not isinstance(token, str):
        raise ApiTypeError(f"access_token: expected a str or a callable that returns one, got {type(token).__name__}")
    if not token.strip():
        raise ApiValueError(f"access_token: it is blank; {_HOW_TO_SET}")
    if token[:7].lower() == "bearer ":
        raise ApiValueError("access_token: give the token alone, without the word Bearer")
    _check("access_token", token)
    return token


def _check(name: str, value: str) -> None:
    """Raise where a header cannot carry a part of a token; no message repeats it."""
    if not isinstance(value, str):
        raise ApiTypeError(f"{name}: expected a str, got {type(value).__name__}")
    if not value:
        raise ApiValueError(f"{name}: it is empty")
    if odd := _NOT_IN_A_TOKEN.search(value):
        raise ApiValueError(
            f"{name}: the character at position {odd.start()} of {len(value)} is a space, a line break or "
            "another that a token cannot hold"
        )


_PAIR = ("COACTIVE_CLIENT_ID", "COACTIVE_CLIENT_SECRET")
_NOT_IN_A_TOKEN = re.compile(r"[^!-~]")
