"""Which failures are worth another try, and how long to wait before it.

Every operation only reads, so that a POST is as safe to repeat as a GET.
"""

from __future__ import annotations

import random
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from coactive.exceptions import ApiException, ApiTypeError, ApiValueError

if TYPE_CHECKING:
    from urllib3 import HTTPResponse, Retry

RETRIES = 2
"""Tries after the first one."""

_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 8.0
_LONGEST_RETRY_AFTER = 60.0
_TOKENS, _COST = 100, 2


class Budget:
    """What the retries of one client may cost, so that they do not double the load of a service that is down.

    Each failure that is worth a retry costs, each success returns something; at half of it there are no retries.
    """

    def __init__(self) -> None:
        self._tokens = _TOKENS
        self._lock = Lock()

    def spend(self) -> bool:
        """Pay for a failure; whether there is enough left for a retry."""
        with self._lock:
            self._tokens = max(self._tokens - _COST, 0)
            return self._tokens > _TOKENS / 2

    def earn(self) -> None:
        """Take what a success returns."""
        with self._lock:
            self._tokens = min(self._tokens + 1, _TOKENS)


class Attempts(Protocol):
    """The tries of one call."""

    def delay(self, failure: ApiException) -> float | None:
        """Seconds to wait before the next try; None: there is none."""
        ...


def checked(retries: Any) -> Any:
    """What `Configuration.retries` can be, as it is.

    Raises:
        ApiTypeError: it is neither a number, False, None nor a urllib3 Retry.
        ApiValueError: it is negative.
    """
    if retries is None or retries is False or (hasattr(retries, "increment") and not isinstance(retries, type)):
        return retries
    if isinstance(retries, bool) or not isinstance(retries, int):
        raise ApiTypeError(f"retries: expected an int, False or a urllib3 Retry, got {type(retries).__name__}")
    if retries < 0:
        raise ApiValueError(f"retries: expected 0 or more, got {retries}")
    return retries


def attempts(retries: int | Retry | None, method: str, url: str, budget: Budget) -> Attempts:
    """The tries that `Configuration.retries` allows one call; None is the default.

    A urllib3 `Retry` decides alone, without a look at the budget.
    """
    if retries is None or isinstance(retries, int):
        return _Backoff(RETRIES if retries is None else int(retries), budget)
    return _OfUrllib3(retries, method, url)


class _Backoff:
    """Exponential backoff with jitter, overruled by the answer's `Retry-After`."""

    def __init__(self, retries: int, budget: Budget) -> None:
        self._left = retries
        self._budget = budget
        self._base = _FIRST_DELAY

    def delay(self, failure: ApiException) -> float | None:
        if not (failure.status in _STATUSES or failure.transient):
            return None
        if not self._budget.spend() or not self._left:
            return None
        asked = failure.retry_after
        if asked is not None:
            base = asked
        else:
            base = min(self._base, _LONGEST_DELAY) * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load
            base *= 2 if failure.status == 429 else 1
        self._left -= 1
        self._base *= 2
        return base if base <= _LONGEST_RETRY_AFTER else None


class _OfUrllib3:
    """The user's own `urllib3.Retry`, asked as urllib3 asks it."""

    def __init__(self, retry: Retry, method: str, url: str) -> None:
        self._retry, self._method, self._url = retry, method, url

    def delay(self, failure: ApiException) -> float | None:
        from urllib3 import HTTPResponse

        retry = self._retry
        if not failure.status and not failure.transient:
            return None
        answer = HTTPResponse(status=failure.status, headers=dict(failure.headers)) if failure.status else None
        cause = failure.__cause__
        try:
            if answer and not retry.is_retry(self._method, failure.status, "Retry-After" in answer.headers):
                return None
            self._retry = retry.increment(
                self._method, self._url, answer, cause if isinstance(cause, Exception) else None
            )
        except Exception:
            return None
        asked = _asked(retry, answer) if answer and retry.respect_retry_after_header else None
        return asked if asked is not None else self._retry.get_backoff_time()


def _asked(retry: Retry, answer: HTTPResponse) -> float | None:
    try:
        return retry.get_retry_after(answer)
    except Exception:  # what it makes of a header that is neither a number nor a date
        return None
