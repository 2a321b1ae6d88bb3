"""When the service wants to be called again: the headers `retry-after-ms` and `Retry-After`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime


def seconds_of(headers: Mapping[str, str]) -> float | None:
    """The wait in seconds, from milliseconds, seconds or a date; None where neither header says."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("Retry-After")
    number = _number(value)
    return _until(value) if number is None else number


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return None if number != number else max(0.0, number)


def _until(value: str | None) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
