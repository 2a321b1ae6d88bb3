"""The head of an answer in its plainest form, read at once; any other form is http.client's to read."""

from __future__ import annotations

import re
from typing import NamedTuple

_PLAIN = re.compile(
    rb"HTTP/1\.1 ([2-5]\d\d) ([\t -~]*)\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)+)\r\n"
)
_LENGTH = re.compile(r"\d{1,15}")
_WITHOUT_BODY = frozenset({204, 304})
_MOST = 100
"""Lines after the first one, the blank one included, as http.client counts them."""


class Head(NamedTuple):
    """What comes before the body of an answer.

    Attributes:
        status, reason: the status in digits and in words.
        headers: in order.
        length: of the body, in bytes.
        size: of the head itself, in bytes.
    """

    status: int
    reason: str
    headers: list[tuple[str, str]]
    length: int
    size: int


def plain_head(received: bytes) -> Head | None:
    """The head that an answer of HTTP/1.1 begins with, in ASCII and with one Content-Length; None: there is no such."""
    found = _PLAIN.match(received)
    if not found:
        return None
    headers, lengths = [], []
    for line in found[3].decode().split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        headers.append((name, value.lstrip(" \t")))
        lower = name.lower()
        if lower == "content-length":
            lengths.append(value.strip(" \t"))
        elif lower == "transfer-encoding":
            return None
    status = int(found[1])
    known = len(lengths) == 1 and _LENGTH.fullmatch(lengths[0])
    if not known or status in _WITHOUT_BODY or len(headers) >= _MOST:
        return None
    return Head(status, found[2].decode().strip(), headers, int(lengths[0]), found.end())
