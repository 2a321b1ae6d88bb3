"""The address of the service: what it may be, and whether it is this machine itself."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from coactive.exceptions import ApiTypeError, ApiValueError

DEFAULT_HOST = "https://app.coactive.ai"


def checked_host(name: str, host: str, allow_insecure_http: bool) -> str:
    """An origin with its base path, without a slash at the end.

    Raises:
        ApiTypeError: it is no str.
        ApiValueError: it is no such address, or is plain http to another machine, which has not been allowed.
    """
    if not isinstance(host, str):
        raise ApiTypeError(f"{name}: expected a str, got {type(host).__name__}")
    address, problem = _parsed(host)
    if problem:
        raise ApiValueError(f"{name}: expected an address such as {DEFAULT_HOST!r}, got {host!r}: {problem}")
    if "@" in address.netloc:
        raise ApiValueError(f"{name}: an address cannot hold a user's name; the token goes into access_token")
    if address.query or address.fragment:
        raise ApiValueError(f"{name}: an address ends before '?' and '#', got {host!r}")
    if address.scheme == "http" and not (allow_insecure_http or is_loopback(address.hostname or "")):
        raise ApiValueError(
            f"{name}: {host!r} would send the token over plain http, which anyone on the way can read; "
            "use https, or pass allow_insecure_http=True"
        )
    return host.rstrip("/")


def _parsed(host: str) -> tuple[SplitResult, str | None]:
    """An address in its parts, and what is wrong with it."""
    try:
        address = urlsplit(host)
        number = address.port
    except ValueError as error:
        return urlsplit(""), str(error)
    if address.scheme not in ("http", "https"):
        return address, "it lacks https:// or http:// at its beginning"
    odd = any(char <= " " or char == "\x7f" for char in host)
    return address, "it is no address" if odd or not address.hostname or number == 0 else None


def is_https(address: str) -> bool:
    """Whether an address is one of HTTPS; its scheme may be written in any case."""
    return address.lower().startswith("https:")


def is_loopback(hostname: str) -> bool:
    """Whether a host name or an IP address is this machine itself."""
    address = ip_address(hostname)
    return address.is_loopback if address else hostname == "localhost" or hostname.endswith(".localhost")


def ip_address(hostname: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a host's name is, if it is one."""
    try:
        return ipaddress.ip_address(hostname)
    except ValueError:
        return None
