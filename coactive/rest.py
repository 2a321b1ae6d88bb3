"""HTTP: the one module that knows urllib3. A request goes in; an answer or an exception of ours comes out."""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3 import exceptions
from urllib3.util import create_urllib3_context, parse_url

from coactive.exceptions import ApiDecodeError, ApiException, ApiValueError
from coactive.proxy import proxy_for
from coactive.response import RawResponse
from coactive.timeout import Timeouts
from coactive.upload import BLOCK

if TYPE_CHECKING:
    from coactive.configuration import Configuration
    from coactive.multipart import MultipartForm

logger = logging.getLogger("coactive")


class HttpRequest(NamedTuple):
    """What goes over the wire, and how long that may take."""

    method: str
    url: str
    headers: Mapping[str, str]
    form: MultipartForm | None
    timeout: Timeouts | urllib3.Timeout


class Rest:
    """The connections of one client: at most `connections` to the service at a time, kept alive between calls."""

    def __init__(self, configuration: Configuration, connections: int) -> None:
        self._configuration = configuration
        self._connections = connections
        self._managers: dict[str, urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def open(self, request: HttpRequest) -> urllib3.BaseHTTPResponse:
        """Send a request and give the answer with its body unread; the caller reads or closes it.

        Raises:
            ApiException: no answer came; status 0.
        """
        limits = _limits(request.timeout)
        body = cast("Generator[bytes]", iter(request.form)) if request.form else None
        began = monotonic()
        try:
            with _translated(request.url):
                response = self._manager(request.url).urlopen(
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
        logger.debug("%s %s: %s after %.3f s", request.method, request.url, response.status, monotonic() - began)
        return response

    def read(self, response: urllib3.BaseHTTPResponse, url: str) -> RawResponse:
        """Read an answer whole.

        Raises:
            ApiException: it broke off.
            ApiDecodeError: its content encoding is broken.
        """
        try:
            with _translated(url):
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

    def _manager(self, url: str) -> urllib3.PoolManager:
        scheme, host, *_ = urlsplit(url)
        origin = f"{scheme}://{host}"
        with self._lock:
            if origin not in self._managers:
                self._managers[origin] = _new_manager(self._configuration, origin, self._connections)
            return self._managers[origin]


def _new_manager(configuration: Configuration, origin: str, connections: int) -> urllib3.PoolManager:
    settings: dict[str, Any] = {"num_pools": 1, "maxsize": connections, "block": True, "blocksize": BLOCK}
    if origin.startswith("https:"):
        settings["ssl_context"] = _context(configuration)
        settings["assert_hostname"] = _expected_name(configuration)
    proxy = proxy_for(origin, configuration.proxy, configuration.no_proxy)
    if not proxy:
        return urllib3.PoolManager(**settings)
    if proxy.startswith("https:"):
        context = settings.get("ssl_context") or _context(configuration)
        settings |= {"ssl_context": context, "proxy_ssl_context": context}
    try:
        settings["proxy_headers"] = _proxy_headers(configuration, proxy)
        return urllib3.ProxyManager(proxy, **settings)
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


def _context(configuration: Configuration) -> ssl.SSLContext:
    """One for all connections of a client: reading the authorities takes longer than a call."""
    required = ssl.CERT_REQUIRED if configuration.verify_ssl else ssl.CERT_NONE
    context = create_urllib3_context(cert_reqs=required)
    if _expected_name(configuration) is not None:
        context.check_hostname = False  # urllib3 compares the name itself
    _trust(context, configuration.ssl_ca_cert)
    cert_file, key_file = configuration.cert_file, configuration.key_file
    if cert_file:
        with _unusable(f"cert_file: {os.fspath(cert_file)!r}"):
            context.load_cert_chain(cert_file, key_file or None, password="")
    elif key_file:
        raise ApiValueError("key_file: it needs cert_file")
    return context


def _expected_name(configuration: Configuration) -> str | bool | None:
    """The name the certificate must have; None: the host's, False: any."""
    return None if configuration.assert_hostname is True else configuration.assert_hostname


def _trust(context: ssl.SSLContext, authorities: str | os.PathLike[str] | None) -> None:
    name = "ssl_ca_cert"
    if not authorities:
        name, authorities = "SSL_CERT_FILE", os.environ.get("SSL_CERT_FILE")
    if isinstance(authorities, str) and "-----BEGIN" in authorities:
        with _unusable(f"{name}: the text"):
            context.load_verify_locations(cadata=authorities)
    elif authorities:
        with _unusable(f"{name}: {os.fspath(authorities)!r}"):
            context.load_verify_locations(authorities)
    else:
        from certifi import where

        context.load_verify_locations(where())


@contextmanager
def _unusable(what: str) -> Iterator[None]:
    """Turn what the TLS library says of a file or text into an error of ours."""
    try:
        yield
    except (OSError, ValueError, TypeError) as error:
        raise ApiValueError(f"{what} cannot be used: {getattr(error, 'strerror', None) or error}") from error


def _limits(timeout: Timeouts | urllib3.Timeout) -> urllib3.Timeout:
    if isinstance(timeout, Timeouts):
        return urllib3.Timeout(total=timeout.total, connect=timeout.connect, read=timeout.read)
    return timeout


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn urllib3's exceptions into ours, the original as the cause."""
    try:
        yield
    except exceptions.DecodeError:
        raise
    except (exceptions.HTTPError, HTTPException, OSError) as error:
        parts = urlsplit(url)
        failure = ApiException(0, f"no answer from {parts.scheme}://{parts.netloc}", explanation=_in_words(error))
        failure.transient = _may_pass(error)
        raise failure from error


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


def _in_words(error: Exception) -> str:
    words = next((words for kind, words in _WORDS if isinstance(error, kind)), type(error).__name__)
    return f"{words} ({_innermost(error)})"


def _innermost(error: BaseException) -> str:
    """What the operating system or TLS said, without the layers around it."""
    while True:
        inner = error.__cause__ or next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        if inner is None or inner is error:
            return str(error).rpartition(": ")[2] if isinstance(error, exceptions.HTTPError) else str(error)
        error = inner
