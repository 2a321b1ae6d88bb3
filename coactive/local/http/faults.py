"""What is ordered to go wrong: faults written as text, such as "503x2,reset", and those of a service still to come."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from threading import Lock

_SECONDS = r"\d{1,4}(?:\.\d{1,3})?"
_ITEM = re.compile(
    rf"""(?P<text>
        (?P<status>[45]\d\d) (?::retry-after=(?P<retry_after>\d{{1,4}}))?
        | (?P<slow>slow)=(?P<seconds>{_SECONDS})
        | (?P<word>reset|cut|html|ok)
    )
    (?:x(?P<times>[1-9]\d{{0,3}}))?""",
    re.VERBOSE | re.ASCII,
)
_ALLOWED = (
    "STATUS (400 to 599), STATUS:retry-after=SECONDS (whole, to 9999), slow=SECONDS (to 9999), reset, cut, html, ok; "
    "each may end in xN, which repeats it up to 9999 times, and commas separate them: 503x2,reset"
)


@dataclass(frozen=True)
class Fault:
    """How one request is answered.

    `text` is how it is ordered; `kind` is "status", "slow", "reset", "cut", "html" or "ok". A status may come with
    `retry_after`, the header's value; `seconds` is for how long a slow answer waits.
    """

    text: str
    kind: str
    status: int = 0
    retry_after: str | None = None
    seconds: float = 0


OK = Fault("ok", "ok")


class Faults:
    """The faults of a service that are still to come. Any thread may use it at any time."""

    def __init__(self, faults: str = "") -> None:
        self._lock = Lock()
        self.order(faults)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({','.join(self.pending)!r})"

    def order(self, faults: str) -> None:
        """Have the next searches fail like this, in place of what was still to come; "" has none of them fail.

        Raises TypeError where it is no str, and ValueError for one that orders nothing known; either changes nothing.
        """
        coming = deque(_parsed(faults))
        with self._lock:
            self._coming = coming

    @property
    def pending(self) -> tuple[str, ...]:
        """The faults still to come, one for each search: ("503", "503", "reset"); () when all were served."""
        with self._lock:
            return tuple(fault.text for fault in self._coming)

    def take(self) -> Fault:
        """The fault for the request that has come, off the list; `OK` where none was ordered for it."""
        with self._lock:
            return self._coming.popleft() if self._coming else OK


def _parsed(faults: str) -> list[Fault]:
    if not isinstance(faults, str):
        raise TypeError(f"faults: expected a str, got {type(faults).__name__}")
    items = [item.strip() for item in faults.split(",")] if faults.strip() else []
    return [fault for item in items for fault in _repeated(item)]


def _repeated(item: str) -> list[Fault]:
    found = _ITEM.fullmatch(item)
    if not found:
        raise ValueError(f"faults: {item!r} is not one of {_ALLOWED}")
    kind = found["slow"] or found["word"] or "status"
    fault = Fault(found["text"], kind, int(found["status"] or 0), found["retry_after"], float(found["seconds"] or 0))
    return [fault] * int(found["times"] or 1)
