"""HTTP, by urllib3: a request goes in; a response, or an exception of ours, comes out."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from time import monotonic
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3 import exceptions
from urllib3.util import parse_url

from coactive import tls
from coactive.deadline import CURRENT, Clock, use_clocks
from coactive.exceptions import ApiConnectionError, ApiDecodeError, ApiTimeoutError, ApiValueError
from coactive.proxy import proxy_for
from coactive.response import RawResponse
from coactive.timeout import Timeouts, in_words, total_of
from coactive.upload import BLOCK
from coactive.wire import HttpRequest

if TYPE_CHECKING:
    from coactive.configuration import Configuration

logger = logging.getLogger("coactive")


class Rest:
    """The connections of one client: at most `connections` to the service at a time, kept alive between calls."""

    def __init__(self, configuration: Configuration, connections: int) -> None:
        self._configuration = configuration
        self._connections = connections
        self._managers: dict[tuple[str, bool], urllib3.PoolManager] = {}
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
        limits, clock = _limits(request.timeout)
        CURRENT.clock = clock
        body = cast("Generator[bytes]", iter(request.form)) if request.form else None
        began = monotonic()
        try:
            with _translated(request):
                response = self._manager(request.url, block=read).urlopen(
                    request.method,
                    request.url,
                    body=body,
                    headers=request.headers,
                    timeout=limits,
                    pool_timeout=limits.total,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
        finally:
            if body:
                body.close()
        if not read:
            clock.stop()
        address = request.url.partition("?")[0]  # a query may hold a secret
        logger.debug("%s %s: %s after %.3f s", request.method, address, response.status, monotonic() - began)
        return response

    def read(self, response: urllib3.BaseHTTPResponse, request: HttpRequest) -> RawResponse:
        """Read the answer to a request whole.

        Raises:
            ApiException: it broke off.
            ApiDecodeError: its content encoding is broken.
        """
        try:
            with _translated(request):
                data = response.read(decode_content=True)
        except exceptions.DecodeError as error:
            response.close()
            unread = RawResponse(response.status, response.reason, response.headers, b"")
            raise ApiDecodeError(http_resp=unread, explanation=f"its content encoding is broken: {error}") from error
        except BaseException:
            response.close()
            raise
        finally:
            response.release_conn()
        return RawResponse(response.status, response.reason, response.headers, data)

    def close(self) -> None:
        """Close every connection that is not in use."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    def _manager(self, url: str, *, block: bool) -> urllib3.PoolManager:
        scheme, host, *_ = urlsplit(url)
        origin = f"{scheme}://{host}"
        with self._lock:
            if (origin, block) not in self._managers:
                settings = {"maxsize": self._connections, "block": block, "num_pools": 1, "blocksize": BLOCK}
                self._managers[origin, block] = _new_manager(self._configuration, origin, settings)
            return self._managers[origin, block]


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


def _limits(timeout: Timeouts | urllib3.Timeout) -> tuple[urllib3.Timeout, Clock]:
    """The time limits for urllib3, and the clock that its connections go by."""
    total = total_of(timeout)
    if isinstance(timeout, Timeouts):
        limits = urllib3.Timeout(total=timeout.total, connect=timeout.connect, read=timeout.read)
        return limits, Clock(total, timeout.connect, timeout.read)
    connect, read = (limit if isinstance(limit, int | float) else None for limit in (timeout._connect, timeout._read))
    return timeout, Clock(total, connect, read)


@contextmanager
def _translated(request: HttpRequest) -> Iterator[None]:
    """Turn urllib3's exceptions into ours, the original as the cause."""
    try:
        yield
    except exceptions.DecodeError:
        raise
    except (exceptions.HTTPError, HTTPException, OSError) as error:
        scheme, host, *_ = urlsplit(request.url)
        kind = ApiTimeoutError if _is_late(error) else ApiConnectionError
        failure = kind(0, f"no answer from {scheme}://{host}", explanation=_in_words(error, request.timeout))
        failure.transient = _may_pass(error)
        raise failure from _without_frames(error)


def _without_frames(error: BaseException) -> BaseException:
    """The error without the many lines of urllib3's own that a traceback would show of each of its causes."""
    link: BaseException | None = error
    while link:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error


_LASTING = (exceptions.SSLError, exceptions.LocationValueError, exceptions.EmptyPoolError)
"""What another try would end in again, or, without a free connection, has waited for long enough."""


def _may_pass(error: Exception) -> bool:
    ended = any(isinstance(arg, ssl.SSLEOFError) for arg in error.args)  # TLS itself is not what failed
    return ended or not isinstance(error, _LASTING)


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.NameResolutionError, "the host's name is not known"),
    (exceptions.NewConnectionError, "cannot connect"),
    (exceptions.ConnectTimeoutError, "no connection in time"),
    (exceptions.ReadTimeoutError, "no answer in time"),
    (exceptions.EmptyPoolError, "all connections of this client were busy for the whole time"),
    (exceptions.ProxyError, "the proxy failed"),
    (exceptions.SSLError, "TLS failed"),
    (exceptions.IncompleteRead, "the answer broke off"),
    (exceptions.ProtocolError, "the connection broke"),
)


def _in_words(error: Exception, limits: Timeouts | urllib3.Timeout) -> str:
    words = next((words for kind, words in _WORDS if isinstance(error, kind)), type(error).__name__)
    if not _is_late(error) or isinstance(error, exceptions.EmptyPoolError):
        return f"{words} ({_innermost(error)})"
    return f"{words if isinstance(error, exceptions.TimeoutError) else 'no progress in time'} ({in_words(limits)})"


def _is_late(error: Exception) -> bool:
    if isinstance(error, exceptions.NewConnectionError):
        return False
    late = (exceptions.TimeoutError, exceptions.EmptyPoolError)
    return isinstance(error, late) or any(isinstance(link, TimeoutError) for link in (*error.args, error.__cause__))


def _innermost(error: BaseException) -> str:
    """What the operating system or TLS said, without the layers around it."""
    while True:
        inner = error.__cause__ or next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        if inner is None or inner is error:
            return str(error).rpartition(": ")[2] if isinstance(error, exceptions.HTTPError) else str(error)
        error = inner
