"""The headers of a call: those of HTTP's form, and who is calling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from coactive.credentials import Secret
from coactive.exceptions import ApiTypeError, ApiValueError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


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


def authorize_otherwise(
    auths: Iterable[Mapping[str, Any]], headers: dict[str, str], query: list[tuple[str, str]]
) -> list[str]:
    """Put in what `_request_auths` says instead of the token, as generated clients do; gives the secrets in it."""
    secrets = []
    for auth in auths:
        secrets.append(auth["value"])
        if auth["in"] == "header":
            set_header(headers, auth["key"], Secret(auth["value"]))
        elif auth["in"] == "cookie":
            set_header(headers, "Cookie", Secret(f"{auth['key']}={auth['value']}"))
        else:
            query.append((auth["key"], auth["value"]))
    return secrets
