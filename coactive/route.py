"""The way to the service: its connections, straight or by a proxy."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from queue import Empty
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import urllib3
from urllib3 import exceptions
from urllib3.util import parse_url

from coactive import tls
from coactive.connection import use_clocks
from coactive.exceptions import ApiValueError
from coactive.host import is_https
from coactive.proxy import proxy_for
from coactive.upload import BLOCK
from coactive.wire import HttpRequest

if TYPE_CHECKING:
    from coactive.configuration import Configuration

_NO_RETRIES = urllib3.Retry(False)
"""Tries, redirects included, are the transport's to count."""

_NO_TIMEOUT = urllib3.Timeout(None)
"""Time is the connection's to measure: it goes by the clock of the call."""


class Route:
    """The connections to one origin.

    Args:
        configuration: with what TLS, by which proxy.
        origin: scheme, host and port of the service.
        connections: how many are kept.
        block: whether a call waits where so many are in use; else it takes one more.

    Attributes:
        secrets: what a proxy is told and nobody else.
    """

    def __init__(self, configuration: Configuration, origin: str, *, connections: int, block: bool) -> None:
        settings = {"maxsize": connections, "block": block, "num_pools": 1, "blocksize": BLOCK}
        self._origin = origin
        self._manager = _new_manager(configuration, origin, settings)
        self.secrets = _secrets_of(self._manager)

    def send(self, request: HttpRequest) -> urllib3.BaseHTTPResponse:
        """Send a request and give its answer unread; raises urllib3's exceptions."""
        body = None if request.body is None else (block for block in request.body)
        try:
            return self._send(request, body)
        finally:
            if body:
                body.close()

    def _send(self, request: HttpRequest, body: Iterable[bytes | memoryview] | None) -> urllib3.BaseHTTPResponse:
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


def _new_manager(configuration: Configuration, origin: str, settings: dict[str, Any]) -> urllib3.PoolManager:
    if is_https(origin):
        settings["ssl_context"] = tls.context(configuration)
        settings["assert_hostname"] = tls.expected_name(configuration)
    proxy = proxy_for(origin, configuration.proxy, configuration.no_proxy)
    if not proxy:
        return use_clocks(urllib3.PoolManager(**settings))
    if is_https(proxy):
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
