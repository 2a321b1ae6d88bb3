"""Who is calling: the bearer token, where it comes from and what it may look like."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TypeAlias

from coactive.exceptions import ApiTypeError, ApiValueError

AccessToken: TypeAlias = str | Callable[[], str]
"""The token itself, or a callable that gives the current one and is asked at every call."""

_HOW_TO_SET = (
    'pass Configuration(access_token=f"{CLIENT_ID}:{CLIENT_SECRET}"), or set COACTIVE_CLIENT_ID and '
    "COACTIVE_CLIENT_SECRET, or COACTIVE_ACCESS_TOKEN, in the environment"
)


class Secret(str):
    """Text that is itself on the wire and three stars wherever a program shows its values."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def from_environment() -> str | None:
    """COACTIVE_ACCESS_TOKEN, else COACTIVE_CLIENT_ID and COACTIVE_CLIENT_SECRET joined by a colon, else None."""
    token = os.environ.get("COACTIVE_ACCESS_TOKEN")
    client_id, secret = (os.environ.get(name) for name in _PAIR)
    return token or (f"{client_id}:{secret}" if client_id and secret else None)


def current_token(access_token: AccessToken | None) -> Secret:
    """The token to send now.

    Raises:
        ApiTypeError: it is no str.
        ApiValueError: there is none, or a header cannot carry it. The message does not repeat it.
    """
    token = access_token() if callable(access_token) else access_token
    if token is None:
        half = [name for name in _PAIR if os.environ.get(name)]
        missing = f"{half[0]} is set in the environment, {_PAIR[half[0] == _PAIR[0]]} is not" if half else "none is set"
        raise ApiValueError(f"access_token: {missing}; {_HOW_TO_SET}")
    if not isinstance(token, str):
        raise ApiTypeError(f"access_token: expected a str or a callable that returns one, got {type(token).__name__}")
    token = Secret(token)
    if not token.strip():
        raise ApiValueError(f"access_token: it is blank; {_HOW_TO_SET}")
    if token[:7].lower() == "bearer ":
        raise ApiValueError("access_token: give the token alone, without the word Bearer")
    if odd := _NOT_IN_A_TOKEN.search(token):
        raise ApiValueError(
            f"access_token: the character at position {odd.start()} of {len(token)} is a space, a line break or "
            "another that a token cannot hold"
        )
    return token


_PAIR = ("COACTIVE_CLIENT_ID", "COACTIVE_CLIENT_SECRET")
_NOT_IN_A_TOKEN = re.compile(r"[^!-~]")
