"""The time that a call has: running from its first step to its last, over retries and the waits between them."""

from __future__ import annotations

from time import monotonic

from coactive.timeout import Seconds, Timeouts


class Clock:
    """The limits of one call, and how much of its total is left.

    Attributes:
        limits: in seconds, as they were when the clock started.
    """

    def __init__(self, limits: Timeouts) -> None:
        self.limits = limits
        self._ends = float("inf") if limits.total is None else monotonic() + limits.total

    @property
    def left(self) -> Seconds:
        """Seconds of the total that are left, 0 or less once it is over; None: there is no total."""
        return None if self._ends == float("inf") else self._ends - monotonic()

    def within(self, limit: Seconds) -> Seconds:
        """How long the next step may take: `limit`, or the time left where that is less; None: for ever.

        Raises:
            TimeoutError: there is no time left.
        """
        left = self.left
        if left is None:
            return limit
        if left <= 0:
            raise TimeoutError("the total time is over")
        return left if limit is None else min(left, limit)

    def share(self, of: int) -> Seconds:
        """The time that is left, divided by `of`; None: for ever."""
        left = self.left
        return None if left is None else max(left, 0.001) / of

    def lift_total(self) -> None:
        """Go on without a total."""
        self._ends = float("inf")
