"""What a program calls through: its settings, its headers and hooks, its threads for calls in the background."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from threading import Lock
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar

from urllib3 import HTTPHeaderDict

from coactive import answer
from coactive.configuration import Configuration
from coactive.exceptions import CLOSED, ApiTypeError, ApiValueError
from coactive.headers import set_header
from coactive.hooks import Hooks
from coactive.model.base import to_json
from coactive.response import ApiResponse, RawResponse
from coactive.transport import Transport, unread, whole
from coactive.version import USER_AGENT

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from urllib3 import BaseHTTPResponse

    from coactive.future import ApiFuture, Workers
    from coactive.request import Request

T = TypeVar("T")

_AFTER_FORK = Lock()
"""Held by the first thread of a forked process that uses a client; no other process ever waits for it."""


class ApiClient:
    """What carries the calls of any number of Api objects; safe to share between threads.

    Use it as a context manager, or `close()` it: both wait for calls in the background, then free the
    connections. It pickles without its connections, and works after a fork.

    Args:
        configuration: where and who; None: `Configuration.get_default_copy()`.
        header_name, header_value: a header to send with every call.
        cookie: the header `Cookie` to send with every call.
        pool_threads: how many calls in the background, and how many connections, there may be at a time.

    Attributes:
        configuration: the one given.
        default_headers: sent with every call.
        hooks: what to call before each request and after its response: `hooks.request` and `hooks.response` are lists
            of functions that take a `coactive.hooks.Exchange`.
    """

    def __init__(
        self,
        configuration: Configuration | None = None,
        header_name: str | None = None,
        header_value: str | None = None,
        cookie: str | None = None,
        pool_threads: int = 16,
    ) -> None:
        if isinstance(pool_threads, bool) or not isinstance(pool_threads, int):
            raise ApiTypeError(f"pool_threads: expected an int, got {type(pool_threads).__name__}")
        if pool_threads < 1:
            raise ApiValueError(f"pool_threads: expected 1 or more, got {pool_threads}")
        if not isinstance(configuration, Configuration | None):
            raise ApiTypeError(f"configuration: expected a Configuration, got {type(configuration).__name__}")
        self.configuration = Configuration.get_default_copy() if configuration is None else configuration
        self.pool_threads = pool_threads
        self.cookie = cookie
        self.default_headers: dict[str, str] = {}
        self.user_agent = USER_AGENT
        if header_name is not None:
            self.set_default_header(header_name, header_value or "")
        self.hooks = Hooks()
        self._closed = False
        self._start()

    def _start(self) -> None:
        """Begin without connections and threads: at first, and again in a process that was forked."""
        self._lock = Lock()
        self._transport: Transport | None = None
        self._workers: Workers | None = None
        self._process = os.getpid()

    @property
    def user_agent(self) -> str:
        """The header `User-Agent`."""
        return self.default_headers.get("User-Agent", USER_AGENT)

    @user_agent.setter
    def user_agent(self, value: str) -> None:
        self.set_default_header("User-Agent", value)

    def set_default_header(self, header_name: str, header_value: str) -> None:
        """Send a header with every call from now on, instead of one of that name in any case.

        Raises:
            ApiTypeError: the value is no str.
            ApiValueError: a header cannot carry it, or cannot have that name.
        """
        set_header(self.default_headers, header_name, header_value)

    def _call(self, request: Request[T]) -> ApiResponse[T]:
        """Send a request and read its answer into what it returns.

        Raises:
            ApiException: the call ended without a usable answer.
            ApiValueError: there is no token, or the client is closed; nothing was sent.
        """
        wire, response = self._alive().send(request, self._headers(), whole)
        answered = ApiResponse(answer.to(request, response, wire.secrets), response.status, response.headers)
        answered.tries = response.tries
        return answered

    def _fetch(self, request: Request[Any]) -> RawResponse:
        """Send a request and give its answer as it came; a status that is no success is an exception."""
        return self._alive().send(request, self._headers(), whole)[1]

    def _open(self, request: Request[Any]) -> BaseHTTPResponse:
        """Send a request and give its answer unread; a status that is no success is an exception.

        Read it or close it; other calls do not wait for its connection.
        """
        return self._alive().send(request, self._headers(), unread)[1]

    def _submit(self, work: Callable[[], T]) -> ApiFuture[T]:
        """Run `work` in one of the client's background threads."""
        from coactive.future import Workers

        self._alive()
        with self._lock:
            if self._workers is None:
                self._workers = Workers(self.pool_threads)
        return self._workers.submit(work)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT, **self.default_headers}
        if self.cookie:
            headers["Cookie"] = self.cookie
        return headers

    def _alive(self) -> Transport:
        """What carries the calls of this client in this process."""
        self._follow_fork()
        with self._lock:
            if self._closed:
                raise ApiValueError(CLOSED)
            if self._transport is None:
                connections = self.configuration.connection_pool_maxsize or self.pool_threads
                self._transport = Transport(self.configuration, connections, self.hooks)
            return self._transport

    def _follow_fork(self) -> None:
        if self._process != os.getpid():
            with _AFTER_FORK:
                if self._process != os.getpid():  # pragma: no branch - another thread may have been first
                    self._start()

    def close(self) -> None:
        """Wait for calls in the background, then free threads and connections; closing twice is fine."""
        self._close(cancel=False)

    def _close(self, *, cancel: bool) -> None:
        self._follow_fork()
        try:
            if self._workers:
                self._workers.close(cancel=cancel)
        finally:
            with self._lock:
                self._closed, transport = True, self._transport
            if transport:
                transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close(cancel=error is not None)

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: self.__dict__[name] for name in ("configuration", "pool_threads", "cookie")}
        return kept | {
            "default_headers": dict(self.default_headers),
            "hooks": Hooks(self.hooks.request, self.hooks.response),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._closed = False
        self._start()

    def __repr__(self) -> str:
        return f"ApiClient({self.configuration!r})"

    @classmethod
    def sanitize_for_serialization(cls, obj: Any) -> Any:
        """Models, times and containers of them as JSON values.

        Raises:
            ApiValueError: there is something in it that JSON cannot hold.
        """
        try:
            value = to_json(obj)
            json.dumps(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise ApiValueError(f"obj: {error}") from None
        return value

    def deserialize(self, response: Any, response_type: Any, _check_type: bool = True) -> Any:
        """The body of a response as a model, a list of models, or plain Python values.

        Args:
            response: what has the body as `data`, str or bytes.
            response_type: a model or a list of one, such as `[SimilarImage]`, or a tuple that begins with it, as
                generated clients have it; any other type means plain Python values.

        Raises:
            ApiTypeError: `response_type` is no type.
            ApiDecodeError: the body cannot be read as that.
        """
        kind = response_type[0] if isinstance(response_type, tuple) else response_type
        if not isinstance(kind, type | list | dict | None):
            raise ApiTypeError(f"response_type: expected a class, a list of one or a tuple, got {kind!r}")
        body = response.data.encode() if isinstance(response.data, str) else response.data
        headers = HTTPHeaderDict(getattr(response, "headers", None) or {})
        raw = RawResponse(getattr(response, "status", 200), getattr(response, "reason", "OK"), headers, body)
        returns: Any = dict if isinstance(kind, dict) else kind
        if isinstance(kind, list):
            returns = GenericAlias(list, kind[0] if kind and isinstance(kind[0], type) else object)
        return answer.read(raw, returns, check=_check_type)
