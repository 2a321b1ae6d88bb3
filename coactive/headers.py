"""Headers that can be sent: what may stand in one, and one of each name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from coactive.credentials import Secret
from coactive.exceptions import ApiTypeError, ApiValueError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SECRET = frozenset({"authorization", "proxy-authorization", "cookie"})
"""Headers that say who is calling."""


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
