"""HTTP, by urllib3: a request goes in; a response, or an exception of ours, comes out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from queue import Empty
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import urllib3
from urllib3 import exceptions
from urllib3.util import parse_url

from coactive import redaction, tls
from coactive.deadline import use_clocks
from coactive.exceptions import CLOSED, ApiDecodeError, ApiValueError
from coactive.network_error import FAILURES, raise_ours
from coactive.proxy import proxy_for
from coactive.response import RawResponse
from coactive.upload import BLOCK
from coactive.wire import HttpRequest

if TYPE_CHECKING:
    from coactive.configuration import Configuration

_PIECE = 64 * 1024
"""Bytes received at a time where their number is limited: compressed, they may stand for a thousand times as many."""

_NO_RETRIES = urllib3.Retry(False)
"""Tries, redirects included, are the transport's to count."""

_NO_TIMEOUT = urllib3.Timeout(None)
"""Time is the connection's to measure: it goes by the clock of the call."""

logger = logging.getLogger("coactive")


class Rest:
    """The connections of one client: at most `connections` to the service at a time, kept alive between calls."""

    def __init__(self, configuration: Configuration, connections: int) -> None:
        self._configuration = configuration
        self._connections = connections
        self._routes: dict[tuple[str, bool], _Route] = {}
        self._closed = False
        self._lock = threading.Lock()

    def open(self, request: HttpRequest, *, read: bool) -> urllib3.BaseHTTPResponse:
        """Send a request and give the answer with its body unread.

        Args:
            request: what to send.
            read: whether `read` comes next. Else the response is the user's to read, to close or to forget, and
                takes none of the connections that other calls wait for.

        Raises:
            ApiException: no answer came; status 0.
        """
        route = self._route(request.url, block=read)
        body = None if request.body is None else (block for block in request.body)
        began = monotonic()
        try:
            response = route.send(request, body)
        except FAILURES as error:
            raise_ours(error, request.url, request.clock, [*request.secrets, *route.secrets])
        finally:
            if body:
                body.close()
        if logger.isEnabledFor(logging.DEBUG):
            address = request.url.partition("?")[0]  # a query may hold a secret
            logger.debug("%s %s: %s after %.3f s", request.method, address, response.status, monotonic() - began)
        return response

    def read(self, response: urllib3.BaseHTTPResponse, request: HttpRequest) -> RawResponse:
        """Read the answer to a request whole.

        Raises:
            ApiException: it broke off.
            ApiDecodeError: its content encoding is broken, or it is larger than `max_response_bytes`.
        """
        try:
            data = _read_up_to(self._configuration.max_response_bytes, response, request)
        except Exception as error:
            response.close()
            _release(response)
            if isinstance(error, exceptions.DecodeError):
                problem = f"its content encoding is broken: {error}"
                raise _undecodable(response, request, problem) from redaction.of_error(error, request.secrets)
            if isinstance(error, FAILURES):
                raise_ours(error, request.url, request.clock, request.secrets)
            raise
        _release(response)
        return RawResponse(response.status, response.reason, response.headers, data)

    def begin_anew(self) -> None:
        """Give up all connections: after an interrupt, which may have come in the middle of urllib3's bookkeeping."""
        self._routes = {}

    def close(self) -> None:
        """Close every connection that is not in use."""
        with self._lock:
            self._closed = True
            for route in self._routes.values():
                route.close()

    def _route(self, url: str, *, block: bool) -> _Route:
        origin = url[: url.index("/", len("https://"))]
        with self._lock:
            if self._closed:
                raise ApiValueError(CLOSED)
            if (origin, block) not in self._routes:
                settings = {"maxsize": self._connections, "block": block, "num_pools": 1, "blocksize": BLOCK}
                self._routes[origin, block] = _Route(_new_manager(self._configuration, origin, settings), origin)
            return self._routes[origin, block]


class _Route:
    """The way to the service: straight, or by a proxy.

    Attributes:
        secrets: what a proxy is told and nobody else.
    """

    def __init__(self, manager: urllib3.PoolManager, origin: str) -> None:
        self.secrets = _secrets_of(manager)
        self._manager = manager
        self._origin = origin

    def send(self, request: HttpRequest, body: Iterable[bytes | memoryview] | None) -> urllib3.BaseHTTPResponse:
        """Send a request with this body and give its answer unread; raises urllib3's exceptions."""
        options: dict[str, Any] = {
            "headers": request.headers,
            "body": body,
            "timeout": _NO_TIMEOUT,
            "pool_timeout": request.clock,
            "retries": _NO_RETRIES,
            "redirect": False,
            "preload_content": False,
        }
        if isinstance(self._manager, urllib3.ProxyManager):
            return self._manager.urlopen(request.method, request.url, **options)
        # A manager would take the address apart once more, to find the one pool that there is.
        target = request.url.removeprefix(self._origin)
        return self._pool.urlopen(request.method, target, assert_same_host=False, **options)

    @cached_property
    def _pool(self) -> urllib3.HTTPConnectionPool:
        return self._manager.connection_from_url(self._origin)

    def close(self) -> None:
        """Close every connection that is not in use."""
        for name in self._manager.pools.keys():  # noqa: SIM118 - it cannot be iterated over itself
            _close_idle(self._manager.pools[name])
        self._manager.clear()


def _release(response: urllib3.BaseHTTPResponse) -> None:
    """Give the connection back; an interrupt of another call may have filled its place meanwhile."""
    with suppress(exceptions.FullPoolError):
        response.release_conn()


def _close_idle(pool: urllib3.HTTPConnectionPool) -> None:
    """Close what no call uses, now: urllib3 waits until nothing holds the pool any more, and exceptions do."""
    connections: Any = pool.pool
    idle = []
    with suppress(Empty):
        while True:
            idle.append(connections.get(block=False))
    for connection in idle:
        if connection:
            connection.close()
        connections.put(None)  # its place stays, for a call that waits for one


def _read_up_to(most: int | None, response: urllib3.BaseHTTPResponse, request: HttpRequest) -> bytes:
    """The body with its content encoding undone, in pieces unless it is known to be small enough."""
    length, coding = response.length_remaining, response.headers.get("Content-Encoding", "")
    if most is not None and length is not None and length <= most and not coding:
        return response.read(decode_content=True)
    if "," in coding:
        raise _undecodable(response, request, "the response is compressed more than once")
    pieces, size = [], 0
    while piece := response.read(_PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if most is not None and size > most:
            raise _undecodable(response, request, f"the response is larger than max_response_bytes, {most:,}")
    return b"".join(pieces)


def _undecodable(response: urllib3.BaseHTTPResponse, request: HttpRequest, problem: str) -> ApiDecodeError:
    unread = RawResponse(response.status, response.reason, response.headers, b"")
    hidden = redaction.of_response(unread, request.secrets)
    return ApiDecodeError(http_resp=hidden, explanation=redaction.of_text(problem, request.secrets))


def _new_manager(configuration: Configuration, origin: str, settings: dict[str, Any]) -> urllib3.PoolManager:
    if origin.startswith("https:"):
        settings["ssl_context"] = tls.context(configuration)
        settings["assert_hostname"] = tls.expected_name(configuration)
    proxy = proxy_for(origin, configuration.proxy, configuration.no_proxy)
    if not proxy:
        return use_clocks(urllib3.PoolManager(**settings))
    if proxy.startswith("https:"):
        context = settings.get("ssl_context") or tls.context(configuration)
        settings |= {"ssl_context": context, "proxy_ssl_context": context}
    try:
        settings["proxy_headers"] = _proxy_headers(configuration, proxy)
        return use_clocks(urllib3.ProxyManager(proxy, **settings))
    except (exceptions.HTTPError, ValueError) as error:
        expected = "expected an address such as 'http://proxy:3128'"
        raise ApiValueError(f"proxy: {expected}; this one cannot be used ({type(error).__name__})") from None


def _proxy_headers(configuration: Configuration, proxy: str) -> dict[str, str]:
    """The user's headers for the proxy, and the credentials that stand in its address."""
    address = parse_url(proxy)
    if not address.host:
        raise exceptions.LocationValueError("no host")
    given = {}
    if address.auth:
        basic = urllib3.make_headers(proxy_basic_auth=unquote(address.auth))
        given["Proxy-Authorization"] = basic["proxy-authorization"]
    return {**given, **(configuration.proxy_headers or {})}


def _secrets_of(manager: urllib3.PoolManager) -> list[str]:
    """What a proxy is told and nobody else."""
    if not isinstance(manager, urllib3.ProxyManager):
        return []
    auth = manager.proxy.auth if manager.proxy else None
    given = [value.rpartition(" ")[2] for value in manager.proxy_headers.values()]
    return [*given, *([auth, unquote(auth)] if auth else [])]
