"""How patient a call is, in seconds."""

from __future__ import annotations

from enum import Enum
from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from coactive.exceptions import ApiTypeError, ApiValueError

if TYPE_CHECKING:
    from urllib3 import Timeout

    from coactive.configuration import Configuration

Seconds: TypeAlias = float | None
RequestTimeout: TypeAlias = "float | tuple[Seconds, Seconds] | Timeout | None"
"""`_request_timeout`: a number is the total, and the longest wait for a piece of the response if that is shorter; a
pair is connect and read, and keeps the total; a urllib3 Timeout is exactly its own limits, its total one for the whole
call too; None switches every limit off."""


CONNECT, READ, TOTAL = 5.0, 60.0, 120.0
"""The limits of a call unless told otherwise."""


class Timeouts(NamedTuple):
    """The three limits of a call; None is no limit.

    Attributes:
        connect: for a connection to stand, TLS included.
        read: between two pieces of the answer.
        total: for the call, its retries and the waits between them.
    """

    connect: Seconds = CONNECT
    read: Seconds = READ
    total: Seconds = TOTAL

    @classmethod
    def of(cls, configuration: Configuration) -> Timeouts:
        """The limits that a configuration sets for each call."""
        return cls(configuration.connect_timeout, configuration.read_timeout, configuration.total_timeout)

    def override(self, given: Any) -> Timeouts:
        """These limits as `_request_timeout` changes them for one call; `...` stands for none given.

        Raises:
            ApiTypeError: it is neither a number, a pair, a urllib3 Timeout nor None.
            ApiValueError: a number is negative, zero or no number at all.
        """
        if given is ...:
            return self
        if given is None:
            return Timeouts(None, None, None)
        if hasattr(given, "connect_timeout"):
            return Timeouts(*(_of_urllib3(limit) for limit in (given._connect, given._read, given.total)))
        if isinstance(given, tuple):
            if len(given) != 2:
                raise ApiTypeError(f"_request_timeout: a tuple must be (connect, read), got {len(given)} items")
            connect, read = (seconds("_request_timeout", item) for item in given)
            return self._replace(connect=connect, read=read)
        total = seconds("_request_timeout", given)
        return self._replace(total=total, read=self.read and total and max(self.read, total))

    def __str__(self) -> str:
        given = (f"{name} {limit:.3g}" for name, limit in self._asdict().items() if limit is not None)
        return f"limits in seconds: {', '.join(given)}"


def _of_urllib3(limit: Any) -> Seconds:
    """A limit of urllib3's; what stands for the system's own is none, as is infinity."""
    return None if isinstance(limit, Enum) or limit == float("inf") else seconds("_request_timeout", limit)


def seconds(name: str, value: Any) -> Seconds:
    """A limit in seconds, or None; the error names `name`."""
    if value is None:
        return None
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise ApiTypeError(f"{name}: expected seconds as a number, got {type(value).__name__}")
    if not 0 < value <= TIMEOUT_MAX:
        raise ApiValueError(f"{name}: expected more than 0 seconds (None switches the limit off), got {value}")
    return float(value)
