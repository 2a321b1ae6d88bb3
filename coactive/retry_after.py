"""The header `Retry-After`."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds_of(value: str | None) -> float | None:
    """`Retry-After` in seconds, given as a number or as a date; None where it is neither."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
