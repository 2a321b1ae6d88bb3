"""The threads that make the calls of a run, at a pace that they share."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from itertools import count
from queue import SimpleQueue
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from coactive.exceptions import ApiException, OpenApiException
from coactive.hooks import Exchange

if TYPE_CHECKING:
    from coactive.api_client import ApiClient
    from coactive.journal import Journal
    from coactive.request import Request

T = TypeVar("T")

TRIES = 6
"""How often a call is made that finds the service too busy."""

_BUSY = frozenset({429, 503})
_FIRST_PAUSE, _LONGEST_PAUSE, _LONGEST_RETRY_AFTER = 1.0, 60.0, 3600.0

logger = logging.getLogger("coactive")


class _Stopped(Exception):  # noqa: N818 - nothing went wrong
    """No call begins any more."""


class _Busy(Exception):  # noqa: N818 - on its way to a pause
    def __init__(self, error: ApiException, tries: int) -> None:
        self.error = error
        self.tries = tries


def hand_over(exchange: Exchange) -> None:
    """A response hook that ends a call which finds the service too busy: its own retries would not slow down others."""
    if exchange.error and exchange.status in _BUSY:
        raise _Busy(exchange.error, exchange.attempt)


class _Pace:
    """When a worker may make its next call, and how many of them may at a time.

    After a refusal all wait, as long as the service asks for or else twice as long as the time before. Then half as
    many go on as before, those that were refused most often first, and one more with each round of calls that are not
    refused. All at once, some would be refused again and again until they end in errors.
    """

    def __init__(self, workers: int) -> None:
        self._most = workers
        self._allowed = float(workers)
        self._running = 0
        self._waiting: list[tuple[int, int]] = []
        self._tickets = count()
        self._refusals = 0
        self._pause = _FIRST_PAUSE
        self._resumes = 0.0
        self._stopped = False
        self._changed = Condition()

    def call(self, make: Callable[[], T]) -> T:
        """Make a call, through a client with the hook `hand_over`, until the service is not too busy for it.

        Raises:
            ApiException: it failed, or the service was too busy each time.
            _Stopped: no call begins any more.
        """
        refusals, sent = 0, 0
        while True:
            try:
                return self._in_turn(refusals, make)
            except _Busy as busy:
                refusal, refusals, sent = busy.error, refusals + 1, sent + busy.tries
            if refusals == TRIES:
                refusal.tries = sent
                raise refusal

    def stop(self) -> None:
        """Let no further call begin."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _in_turn(self, refusals: int, make: Callable[[], T]) -> T:
        known = self._begin(refusals)
        refusal = None
        try:
            return make()
        except _Busy as busy:
            refusal = busy.error
            raise
        finally:
            self._end(known, refusal)

    def _begin(self, refusals: int) -> int:
        """Wait for a turn; how many refusals of all calls are known by then."""
        with self._changed:
            place = (-refusals, next(self._tickets))
            self._waiting.append(place)
            while not self._stopped:
                left = self._resumes - monotonic()
                if left <= 0 and self._running < int(self._allowed) and place == min(self._waiting):
                    self._waiting.remove(place)
                    self._running += 1
                    self._changed.notify_all()
                    return self._refusals
                self._changed.wait(left if left > 0 else None)
            raise _Stopped

    def _end(self, known: int, refusal: ApiException | None) -> None:
        with self._changed:
            self._running -= 1
            if refusal:
                self._slow_down(known, refusal)
            elif known == self._refusals:
                self._pause = _FIRST_PAUSE
                self._allowed = min(self._most, self._allowed + 1 / self._allowed)
            self._changed.notify_all()

    def _slow_down(self, known: int, refusal: ApiException) -> None:
        wait = refusal.retry_after or 0.0
        if known == self._refusals:  # calls that were under way when another was refused say nothing new
            self._refusals += 1
            self._allowed = max(1.0, self._allowed / 2)
            if refusal.retry_after is None:
                wait = self._pause * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            logger.info("%s; all workers wait %.2f s", str(refusal).partition("\n")[0], wait)
        self._resumes = max(self._resumes, monotonic() + min(wait, _LONGEST_RETRY_AFTER))


class Job:
    """A search on its way: which inputs ask for it, and what came of it.

    Its answer is kept under `key`; inputs in flight share it that have the same options too, and so `shared_as`.
    """

    def __init__(
        self, key: bytes, shared_as: bytes, request: Request[Any], index: int, arguments: Mapping[str, Any]
    ) -> None:
        self.key = key
        self.shared_as = shared_as
        self.request = request
        self.asked_by = [(index, arguments)]
        self.outcome: tuple[Any, OpenApiException | None] | None = None
        self.failure: BaseException | None = None
        self.ended = False


class Crew:
    """The threads that make the calls of a run; they start when they are needed."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        self.size = client.pool_threads
        self.journal: Journal | None = None
        self.ended: SimpleQueue[Job] = SimpleQueue()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = 0
        self._pace = _Pace(self.size)

    def begin(self, job: Job, in_flight: int) -> None:
        """Make a call, one of so many."""
        if self._threads < in_flight:
            try:
                Thread(target=self._work, name="coactive.bulk", daemon=True).start()
                self._threads += 1
            except RuntimeError:  # the system gives no more threads: those that there are go on
                if not self._threads:
                    raise
        self._jobs.put(job)

    def stop(self) -> None:
        """Begin no further call, and wait for none."""
        self._pace.stop()
        for _ in range(self._threads):
            self._jobs.put(None)

    def close(self) -> None:
        """Free connections and journal."""
        self.client.close()
        if self.journal:
            self.journal.close()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._search(job)
            job.request.close()
            job.ended = True
            self.ended.put(job)
            del job

    def _search(self, job: Job) -> None:
        try:
            answer = self._pace.call(lambda: self.client._call(job.request).data)
        except OpenApiException as error:
            job.outcome = None, without_frames(error)
        except _Stopped:
            pass
        except BaseException as failure:
            job.failure = failure
        else:
            job.outcome = answer, None
            self._keep(job, answer)

    def _keep(self, job: Job, answer: Any) -> None:
        if self.journal:
            try:
                self.journal.write(job.key, answer)
            except Exception as failure:
                job.failure = failure


def without_frames(error: OpenApiException) -> OpenApiException:
    """The error without its traceback, which would keep the image in memory for as long as the error."""
    error.__traceback__ = None
    return error
