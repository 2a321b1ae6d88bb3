"""From a request to its answer: address, headers, retries, and the threads for calls in the background."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlencode

from coactive import answer, retry
from coactive.configuration import Configuration
from coactive.credentials import Secret, current_token
from coactive.exceptions import ApiException, ApiTypeError, ApiValueError
from coactive.headers import authorize_otherwise, set_header
from coactive.model.base import Model, to_json
from coactive.response import ApiResponse, RawResponse
from coactive.rest import HttpRequest, Rest
from coactive.timeout import Timeouts, total_of
from coactive.version import VERSION

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from urllib3 import BaseHTTPResponse

    from coactive.exceptions import Answer
    from coactive.future import ApiFuture, Workers
    from coactive.request import Request

T = TypeVar("T")

_PYTHON = ".".join(map(str, sys.version_info[:3]))

logger = logging.getLogger("coactive")


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
        self.configuration = Configuration.get_default_copy() if configuration is None else configuration
        self.pool_threads = pool_threads
        self.cookie = cookie
        self.default_headers: dict[str, str] = {}
        self.user_agent = f"coactive-python/{VERSION} Python/{_PYTHON} {sys.platform}"
        if header_name is not None:
            self.set_default_header(header_name, header_value or "")
        self._start()

    def _start(self) -> None:
        self._closed = False
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._rest: Rest | None = None
        self._workers: Workers | None = None

    @property
    def user_agent(self) -> str:
        """The header `User-Agent`."""
        return self.default_headers["User-Agent"]

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

    def call(self, request: Request[T]) -> ApiResponse[T]:
        """Send a request and read its answer into what it returns.

        Raises:
            ApiException: the call ended without a usable answer.
            ApiValueError: there is no token, or the client is closed; nothing was sent.
        """
        response = self.fetch(request)
        check = request.options.get("_check_return_type", True)
        return ApiResponse(answer.read(response, request.returns, check=check), response.status, response.headers)

    def fetch(self, request: Request[Any]) -> RawResponse:
        """Send a request and give its answer as it came; a status that is no success is an exception."""
        return cast("RawResponse", self._exchange(request, read=True))

    def open(self, request: Request[Any]) -> BaseHTTPResponse:
        """Send a request and give its answer unread; a status that is no success is an exception.

        Read it whole, or close it and call its `release_conn()`: until then it holds one of the client's connections.
        """
        return cast("BaseHTTPResponse", self._exchange(request, read=False))

    def submit(self, work: Callable[[], T]) -> ApiFuture[T]:
        """Run `work` in one of the client's background threads."""
        from coactive.future import Workers

        self._alive()
        with self._lock:
            if self._workers is None:
                self._workers = Workers(self.pool_threads)
        return self._workers.submit(work)

    def _exchange(self, request: Request[Any], *, read: bool) -> RawResponse | BaseHTTPResponse:
        """Try until there is a good answer, or no further try."""
        wire, secrets = self._on_the_wire(request)
        attempts = retry.attempts(self.configuration.retries, wire.method, wire.url)
        ends = monotonic() + total_of(wire.timeout)
        while True:
            try:
                return self._try_once(wire, request.parameters, secrets, read=read)
            except ApiException as error:
                failure = error
            delay = attempts.delay(failure)
            left = ends - monotonic()
            if delay is None or delay >= left:
                raise failure
            logger.info("%s; trying again in %.2f s", str(failure).partition("\n")[0], delay)
            sleep(delay)
            if isinstance(wire.timeout, Timeouts):
                wire = wire._replace(timeout=wire.timeout._replace(total=left - delay))

    def _try_once(
        self, wire: HttpRequest, parameters: Sequence[str], secrets: Sequence[str], *, read: bool
    ) -> RawResponse | BaseHTTPResponse:
        rest = self._alive()
        response = rest.open(wire)
        good = 200 <= response.status < 300
        if good and not read:
            return response
        whole = rest.read(response, wire)
        if good:
            return whole
        raise answer.failure(whole, parameters, secrets)

    def _on_the_wire(self, request: Request[Any]) -> tuple[HttpRequest, list[str]]:
        """The request with this client's address, headers and limits, and the secrets that are in it."""
        headers = {"Accept": "application/json"}
        for name, value in self.default_headers.items():
            set_header(headers, name, value)
        if self.cookie:
            set_header(headers, "Cookie", self.cookie)
        if request.form:
            set_header(headers, "Content-Type", request.form.content_type)
            set_header(headers, "Content-Length", str(request.form.length))
        query = list(request.query)
        secrets = self._authorize(request, headers, query)
        timeout = self.configuration.timeouts.override(request.options.get("_request_timeout", ...))
        url = f"{self.configuration.host}{request.path}{'?' if query else ''}{urlencode(query)}"
        return HttpRequest(request.method, url, headers, request.form, timeout), secrets

    def _authorize(self, request: Request[Any], headers: dict[str, str], query: list[tuple[str, str]]) -> list[str]:
        if request.options.get("_request_auths"):
            return authorize_otherwise(request.options["_request_auths"], headers, query)
        token = current_token(self.configuration.access_token)
        set_header(headers, "Authorization", Secret(f"Bearer {token}"))
        return [token]

    def _alive(self) -> Rest:
        """The connections of this client in this process."""
        if self._process != os.getpid():
            self._start()
        with self._lock:
            if self._closed:
                raise ApiValueError("the ApiClient is closed; make a new one")
            if self._rest is None:
                self._rest = Rest(self.configuration, self.configuration.connection_pool_maxsize or self.pool_threads)
            return self._rest

    def close(self) -> None:
        """Wait for calls in the background, then free threads and connections; closing twice is fine."""
        self._close(cancel=False)

    def _close(self, *, cancel: bool) -> None:
        if self._process != os.getpid():
            self._start()
        try:
            if self._workers:
                self._workers.close(cancel=cancel)
        finally:
            self._closed = True
            if self._rest:
                self._rest.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close(cancel=error is not None)

    def __getstate__(self) -> dict[str, Any]:
        kept = ("configuration", "pool_threads", "cookie", "default_headers")
        return {name: self.__dict__[name] for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
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

    def deserialize(self, response: Answer, response_type: Any, _check_type: bool = True) -> Any:
        """The body of an answer as a model, or as plain Python values where `response_type` is no model.

        Args:
            response: what has the body as `data`.
            response_type: the class, or a tuple that begins with it, as generated clients have it.

        Raises:
            ApiDecodeError: the body cannot be read as that.
        """
        kind = response_type[0] if isinstance(response_type, tuple | list) else response_type
        model = kind if isinstance(kind, type) and issubclass(kind, Model) else None
        return answer.read(response, model, check=_check_type)
