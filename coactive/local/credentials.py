"""Who may search: a client id and a client secret, joined as clients send them."""

from __future__ import annotations

import ipaddress

LOOPBACK_CREDENTIALS = ("local", "stand-in")
"""Client id and client secret where nobody gives any, which only this machine may use."""


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
