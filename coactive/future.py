"""Calls in the background: a future that can be awaited, and the few threads that make the calls."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from coactive.exceptions import CLOSED, ApiValueError

T = TypeVar("T")

_IDLE_SECONDS = 2.0
"""How long a thread without work stays."""


class ApiFuture(Future[T]):
    """What a call will return: a `concurrent.futures.Future` that can be awaited in any event loop.

    `get`, `wait`, `ready` and `successful` are those of the futures that generated clients return.
    """

    def __await__(self) -> Generator[Any, None, T]:
        from asyncio import wrap_future

        return wrap_future(self).__await__()

    def get(self, timeout: float | None = None) -> T:
        """Wait for what the call returns, or raise what it raised; TimeoutError after `timeout` seconds."""
        return self.result(timeout)

    def wait(self, timeout: float | None = None) -> None:
        """Wait for the end of the call, at most `timeout` seconds."""
        from concurrent.futures import wait

        wait([self], timeout)

    def ready(self) -> bool:
        """Whether the call has ended."""
        return self.done()

    def successful(self) -> bool:
        """Whether the call ended without an exception.

        Raises:
            ValueError: it has not ended.
        """
        if not self.done():
            raise ValueError("the call has not ended yet")
        return not self.cancelled() and self.exception() is None


class Workers:
    """At most `size` threads that run work in order; none before there is any, none long after.

    They are daemons: a program that ends does not wait for calls in flight.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._work: deque[tuple[ApiFuture[Any], Callable[[], Any]]] = deque()
        self._changed = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._closed = False

    def submit(self, work: Callable[[], T]) -> ApiFuture[T]:
        """Run `work` as soon as a thread is free, in the context of the caller: its traces go on there."""
        future: ApiFuture[T] = ApiFuture()
        with self._changed:
            if self._closed:
                raise ApiValueError(CLOSED)
            if len(self._work) >= self._idle and len(self._threads) < self._size:
                thread = threading.Thread(target=self._run, name="coactive", daemon=True)
                thread.start()
                self._threads.add(thread)
            self._work.append((future, partial(copy_context().run, work)))
            self._changed.notify()
        return future

    def close(self, *, cancel: bool = False) -> None:
        """Take no more work, and wait for what was taken; `cancel`: drop what has not begun, wait for nothing."""
        with self._changed:
            self._closed = True
            dropped = [self._work.popleft() for _ in range(len(self._work))] if cancel else []
            self._changed.notify_all()
            wait = not cancel and threading.current_thread() not in self._threads  # a worker would wait for itself
            while wait and self._threads:
                self._changed.wait()
        for future, _ in dropped:
            future.cancel()

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            future, work = taken
            if future.set_running_or_notify_cancel():
                try:
                    result = work()
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del taken, future, work

    def _take(self) -> tuple[ApiFuture[Any], Callable[[], Any]] | None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._work or self._closed, _IDLE_SECONDS)
            self._idle -= 1
            if self._work:
                return self._work.popleft()
            self._threads.discard(threading.current_thread())
            self._changed.notify_all()
            return None
