"""Many searches: a bounded number at a time, a result for each input, and a file to go on from after a crash.

for result in bulk.run(api.get_similar_images, inputs):
    print(result.input["file"], result.error or result.answer)
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sized
from contextlib import ExitStack, suppress
from functools import partial
from queue import Empty
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, ParamSpec, TypeVar

from coactive.crew import Crew, Job, hand_over, without_frames
from coactive.exceptions import ApiTimeoutError, ApiTypeError, ApiValueError, OpenApiException
from coactive.journal import Journal, fingerprint
from coactive.operation import Operation
from coactive.progress import bar_class, is_installed, is_watched
from coactive.timeout import Seconds, seconds

if TYPE_CHECKING:
    from coactive.api_client import ApiClient
    from coactive.request import Request

P = ParamSpec("P")
T = TypeVar("T")

_LOOK_AHEAD = 4
"""Inputs that are taken for each worker, at most, before the oldest of their results is given."""

_TICK = 0.5
"""Seconds after which a wait begins anew: on Windows Ctrl-C does not end one."""


class BulkResult(NamedTuple, Generic[T]):
    """What became of one input.

    Attributes:
        index: its place among the inputs, from 0 on.
        input: the input itself.
        answer: what the operation returned; None where there is an error.
        error: why there is no answer; None where there is one.
    """

    index: int  # type: ignore[assignment]  # in the place of the method of tuples
    input: Mapping[str, Any]
    answer: T | None
    error: OpenApiException | None


def run(
    operation: Operation[P, T],
    inputs: Iterable[Mapping[str, Any]],
    *,
    workers: int = 16,
    ordered: bool = True,
    journal: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    progress: bool | None = None,
) -> Generator[BulkResult[T], None, None]:
    """Run an operation for each of many inputs, several at a time, and give a result for each of them.

    What goes wrong with an input (an unknown argument, a missing file, a failed call) is the `error` of its result.
    Inputs are read in the caller's thread, and only as fast as they are needed: they may be without end. One that is
    identical to another in flight, or in the journal, is not searched again but has the same answer.

    The calls have connections of their own, with the settings and hooks that the client has when `run` is called. On
    a 429 or 503 all workers wait, for as long as the service asks for or else 1, 2, 4 and up to 60 seconds, and the
    search is sent again, up to six times. Other failures are retried as the client retries its calls.

    Ctrl-C ends the wait for a result: those that are there are given, and then KeyboardInterrupt is raised. To leave
    the loop, or `close()` what this returns, ends the run. Neither waits for calls in flight. An exception of the
    inputs' own, or of a hook's, is raised behind the results of all inputs that were taken before.

    Args:
        operation: of an Api object, such as `api.get_similar_images`.
        inputs: the operation's arguments for each call, a dict by name.
        workers: how many calls at a time; no more than `Configuration.connection_pool_maxsize`.
        ordered: whether the results come in the order of the inputs; else as they come in.
        journal: a file in which each answer is kept, and found again by another run, with which a run that was ended
            goes on; it is made if there is none. An image that is given as a path is known by its absolute path, its
            size and the time of its last change. Errors are not kept.
        timeout: seconds for the whole run, from when the first result is asked for; None: no limit. Once they are
            over no call begins, and behind the results that are there ApiTimeoutError is raised.
        progress: whether to show a bar by tqdm; None: where it is installed, in a notebook or on a terminal.

    Raises:
        ApiTypeError, ApiValueError: an argument is invalid, or the client is closed; or later the journal cannot be
            used. Where an answer cannot be kept in it, all results of calls in flight are given before.
        ApiTimeoutError: the timeout is over.
        ModuleNotFoundError: `progress` is True, and tqdm is not installed.
    """
    _check(operation, inputs, workers, journal)
    limit = seconds("timeout", timeout)
    bar = _bar_for(inputs, progress)
    crew = Crew(_own_client(operation, workers))
    return _Run(operation, inputs, crew, ordered).results(journal, limit, bar)


def _check(operation: object, inputs: object, workers: object, journal: object) -> None:
    if not isinstance(operation, Operation) or operation._owner is None:
        raise ApiTypeError(
            f"operation: expected one of an Api object, such as api.get_similar_images, got {operation!r}"
        )
    if isinstance(inputs, Mapping | str | bytes) or not isinstance(inputs, Iterable):
        raise ApiTypeError(f"inputs: expected an iterable of dicts, got {type(inputs).__name__}")
    if isinstance(workers, bool) or not isinstance(workers, int):
        raise ApiTypeError(f"workers: expected an int, got {type(workers).__name__}")
    if workers < 1:
        raise ApiValueError(f"workers: expected 1 or more, got {workers}")
    if not isinstance(journal, str | os.PathLike | None):
        raise ApiTypeError(f"journal: expected a path, got {type(journal).__name__}")


def _own_client(operation: Operation[P, T], workers: int) -> ApiClient:
    """A client with a connection for each worker, which leaves the retries that concern all of them to the run."""
    given: ApiClient = operation._owner.api_client  # type: ignore[union-attr]
    given._alive()
    client = copy.copy(given)
    client.pool_threads = min(workers, given.configuration.connection_pool_maxsize or workers)
    client.hooks.response.append(hand_over)
    return client


class _Run(Generic[T]):
    """Takes the inputs and gives the results, in the caller's thread alone.

    A worker only fills in its job, so that an interrupt, wherever it comes, leaves nothing that has ended unseen.
    """

    def __init__(self, operation: Operation[P, T], inputs: Iterable[Any], crew: Crew, ordered: bool) -> None:
        self._operation: Operation[..., T] = operation
        self._inputs = iter(inputs)
        self._crew = crew
        self._ordered = ordered
        self._reading = True
        self._taken = self._given = self._errors = 0
        self._in_flight: dict[bytes, Job] = {}
        self._done: dict[int, BulkResult[T]] = {}
        self._failure: BaseException | None = None

    def results(
        self, journal: str | os.PathLike[str] | None, limit: Seconds, new_bar: Callable[[], Any] | None
    ) -> Generator[BulkResult[T], None, None]:
        """What `run` gives."""
        bar = new_bar and new_bar()
        try:
            if journal is not None:
                self._crew.journal = Journal(journal, self._operation.__name__)
            yield from self._until_all_are_done(limit, bar)
        except GeneratorExit:
            raise
        except BaseException:
            self._halt()
            yield from self._give(gaps=True)
            raise
        finally:
            self._crew.stop()
            self._crew.close()
            if bar is not None:
                bar.close()

    def _until_all_are_done(self, limit: Seconds, bar: Any) -> Iterator[BulkResult[T]]:
        ends = monotonic() + (limit or float("inf"))
        while self._reading or self._in_flight:
            if monotonic() >= ends:
                self._halt()
                done = self._given + len(self._done)
                raise ApiTimeoutError(
                    0, f"timeout: the {limit:g} s for the whole run are over; {done:,} inputs are done"
                )
            if self._has_room():
                self._take()
                self._collect(0)
            else:
                self._collect(min(_TICK, max(ends - monotonic(), 0)))
            self._show(bar)
            yield from self._give(gaps=not self._ordered)
        yield from self._give(gaps=True)
        if self._failure:
            raise self._failure

    def _has_room(self) -> bool:
        size = self._crew.size
        return self._reading and len(self._in_flight) < size and self._taken - self._given < size * _LOOK_AHEAD

    def _take(self) -> None:
        """Read an input, and begin to search for it unless its answer is there or on its way."""
        try:
            arguments = next(self._inputs)
        except StopIteration:
            self._reading = False
            return
        except Exception as failure:
            self._fail(failure)
            return
        index = self._taken
        self._taken += 1
        try:
            self._begin(index, arguments)
        except OpenApiException as error:
            self._finish(index, arguments, None, without_frames(error))
        except Exception as failure:
            self._fail(failure)

    def _begin(self, index: int, arguments: Mapping[str, Any]) -> None:
        journal, service = self._crew.journal, self._crew.client.configuration.host
        with ExitStack() as undo:
            request = self._request(arguments)
            undo.callback(request.close)
            key = fingerprint(service, self._operation.__name__, request)
            shared_as = key + repr(sorted(request.options.items())).encode()
            if job := self._in_flight.get(shared_as):
                job.asked_by.append((index, arguments))
            elif journal and key in journal:
                self._finish(index, arguments, journal.read(key, request), None)
            else:
                self._in_flight[shared_as] = job = Job(key, shared_as, request, index, arguments)
                undo.callback(self._in_flight.pop, shared_as, None)
                self._crew.begin(job, len(self._in_flight))
                undo.pop_all()

    def _request(self, arguments: Any) -> Request[T]:
        if not isinstance(arguments, Mapping):
            raise ApiTypeError(f"inputs: expected a dict of the operation's arguments, got {type(arguments).__name__}")
        try:
            return self._operation._request((), arguments).detach()
        except TypeError as error:  # Python's own, where an argument is missing
            raise error if isinstance(error, OpenApiException) else ApiTypeError(str(error)) from None

    def _collect(self, wait: float) -> None:
        """See to the searches that have ended; wait so many seconds for the first of them."""
        with suppress(Empty):
            while True:
                self._settle(self._crew.ended.get(timeout=wait))
                wait = 0

    def _settle(self, job: Job) -> None:
        if job.failure:
            self._fail(job.failure)
        if job.outcome:
            answer, error = job.outcome
            for index, arguments in job.asked_by:
                self._finish(index, arguments, answer, error)
        self._in_flight.pop(job.shared_as, None)

    def _finish(self, index: int, arguments: Any, answer: T | None, error: OpenApiException | None) -> None:
        self._done[index] = BulkResult(index, arguments, answer, error)
        self._errors += error is not None

    def _fail(self, failure: BaseException) -> None:
        """Take no further input, and raise this in the end."""
        self._reading = False
        self._failure = self._failure or failure

    def _halt(self) -> None:
        """Begin no further call; of those that were begun, keep what has ended."""
        self._crew.stop()
        jobs, self._in_flight = self._in_flight, {}
        for job in jobs.values():
            if job.ended:
                self._settle(job)

    def _give(self, *, gaps: bool) -> Iterator[BulkResult[T]]:
        """The results that are there; without gaps only as far as they go on from the last one given."""
        while self._done and ((index := min(self._done)) == self._given or gaps):
            result = self._done[index]
            self._given += 1
            del self._done[index]  # no interrupt comes between this and the next line
            yield result

    def _show(self, bar: Any) -> None:
        if bar is not None:
            bar.set_postfix(errors=self._errors, refresh=False)
            bar.update(self._given + len(self._done) - bar.n)


def _bar_for(inputs: object, progress: bool | None) -> Callable[[], Any] | None:
    """What makes the progress bar; None: there is to be none."""
    if not isinstance(progress, bool | None):
        raise ApiTypeError(f"progress: expected a bool or None, got {type(progress).__name__}")
    if not (is_watched() if progress is None else progress):
        return None
    if not is_installed():
        if progress:
            raise ModuleNotFoundError("progress: the bar needs tqdm: pip install tqdm", name="tqdm")
        return None
    total = len(inputs) if isinstance(inputs, Sized) else None
    return partial(bar_class(), total=total, unit=" searches", miniters=1)
