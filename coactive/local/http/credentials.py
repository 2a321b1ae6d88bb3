"""Who may search: a client id and a client secret, joined as clients send them, and tokens issued to that client."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import time
from base64 import b64decode
from collections.abc import Callable

LOOPBACK_CREDENTIALS = ("local", "stand-in")
"""Client id and client secret where nobody gives any, which only this machine may use."""

TOKEN_LIFETIME = 3600
"""Seconds for which an issued token is good unless told otherwise."""


class Tokens:
    """The tokens that one service takes: `CLIENT_ID:CLIENT_SECRET` for ever, and those that it issued for a time.

    An issued token is its own record, the time of its end and a signature of that: none is kept here.

    Attributes:
        lifetime: seconds for which an issued token is good.
    """

    def __init__(self, own: str, lifetime: int = TOKEN_LIFETIME, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """`own` is the client id and secret joined by a colon; `clock` tells the time in nanoseconds."""
        self.lifetime = lifetime
        self._own = own.encode()
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def issue(self) -> str:
        """A new token."""
        end = str(self._clock() + self.lifetime * 10**9)
        return f"{end}.{self._signature(end.encode())}"

    def problem_of_bearer(self, token: bytes, /) -> str | None:
        """What is wrong with a bearer token, in words; None: nothing."""
        if hmac.compare_digest(token, self._own):
            return None
        end, _, signature = token.partition(b".")
        if not hmac.compare_digest(signature, self._signature(end).encode()):
            return "the token is not known here"
        return "the token has expired; log in again" if self._clock() >= int(end) else None

    def problem_of_basic(self, credentials: bytes, /) -> str | None:
        """What is wrong with a client's id and secret, encoded as in HTTP's basic authentication; None: nothing."""
        try:
            known = hmac.compare_digest(b64decode(credentials, validate=True), self._own)
        except ValueError:
            known = False
        return None if known else "the client id or the client secret is wrong"

    def _signature(self, end: bytes) -> str:
        return hmac.digest(self._key, end, "sha256").hex()


def token_for(address: str, client_id: str | None, client_secret: str | None) -> str:
    """The token that clients must send to a service at an IP address.

    Raises TypeError and ValueError for credentials that are missing, or that no client can send.
    """
    if client_id is None and client_secret is None:
        if not ipaddress.ip_address(address).is_loopback:
            raise ValueError(f"client_id and client_secret: other machines can reach {address}, so give both")
        return ":".join(LOOPBACK_CREDENTIALS)
    if client_id is None or client_secret is None:
        raise ValueError("client_id and client_secret: give both, or neither")
    _check("client_id", client_id)
    _check("client_secret", client_secret)
    if ":" in client_id:
        raise ValueError("client_id: invalid, it has a colon, which separates the client id from the client secret")
    return f"{client_id}:{client_secret}"


def _check(name: str, value: object) -> None:
    """Raise where a header cannot carry the value; no message repeats it."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a str, got {type(value).__name__}")
    if not value:
        raise ValueError(f"{name}: it is empty")
    for char in value:
        if not "!" <= char <= "~":
            raise ValueError(f"{name}: invalid, it has {_kind(char)}")


def _kind(char: str) -> str:
    if char in "\r\n":
        return "a line break"
    if not char.isascii():
        return "a character that is not ASCII"
    return "a space" if char == " " else "a control character"
