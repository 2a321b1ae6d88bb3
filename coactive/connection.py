"""Connections that go by the clock of the call that uses them.

urllib3's own timeouts start anew with every piece that is sent or received, so that a server that drips bytes can
hold a call for ever. The connections here set the socket's timeout to the time that is left before each of those.
Only the look-up of a name stays outside.
"""

from __future__ import annotations

import socket
import ssl
from functools import partial
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family
from urllib3.util.ssltransport import SSLTransport

from coactive.clock import Clock
from coactive.incoming import Response
from coactive.timeout import Timeouts

_RECORD = 16 * 1024
"""Bytes sent at a time under TLS, where each record would start the socket's timeout anew."""


def use_clocks(manager: PoolManager) -> PoolManager:
    """Make the connections of a manager go by the clock of the call, which comes as its `pool_timeout`."""
    manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return manager


class _HttpConnection(HTTPConnection):
    """A connection that goes by a clock."""

    clock: Clock

    def go_by(self, clock: Clock) -> None:
        """Use this clock until another one comes."""
        self.clock = clock
        self.response_class = partial(Response, clock)  # type: ignore[assignment]

    def _new_conn(self) -> socket.socket:
        name, addresses = self._dns_host, self._addresses()
        self.connecting = clock = Clock(Timeouts(total=self.clock.within(self.clock.limits.connect)))
        failure: Exception = NewConnectionError(self, f"{name} has no address")
        try:
            for number, address in enumerate(addresses):
                self._dns_host, self.timeout = address, clock.share(len(addresses) - number)
                try:
                    connected = super()._new_conn()
                except (NewConnectionError, ConnectTimeoutError) as error:
                    failure = error
                else:
                    connected.settimeout(clock.share(1))  # TLS comes next
                    return connected
        finally:
            self._dns_host = name
        raise failure

    def _addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError as error:
            raise LocationParseError(self.host) from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def send(self, data: Any) -> None:
        """Send one piece of the request."""
        if self.sock is None:
            self.connect()
        step = _RECORD if isinstance(self.sock, (ssl.SSLSocket, SSLTransport)) else len(data)
        connected: Any = self.sock
        rest = memoryview(data)
        while rest:  # not by sendall: a slow connection is one that makes progress
            connected.settimeout(self.clock.within(self.clock.limits.read))
            rest = rest[connected.send(rest[:step]) :]


class _HttpsConnection(_HttpConnection, HTTPSConnection):
    def _tunnel(self) -> None:
        super()._tunnel()
        connected: Any = self.sock
        connected.settimeout(self.connecting.share(1))  # TLS comes next

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> Any:
        return _TimedSocket(super()._connect_tls_proxy(hostname, sock), self)


class _TimedSocket:
    """A TLS connection to a proxy as the TLS inside it uses it: urllib3 receives there piece by piece."""

    def __init__(self, sock: ssl.SSLSocket, connection: _HttpConnection) -> None:
        self._sock, self._connection = sock, connection

    def recv(self, size: int) -> bytes:
        self._start_timeout()
        return self._sock.recv(size)

    def sendall(self, data: bytes) -> None:
        self._start_timeout()
        self._sock.sendall(data)

    def _start_timeout(self) -> None:
        clock = self._connection.clock
        self._sock.settimeout(clock.within(clock.limits.read))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls: Any = _HttpConnection

    def _get_conn(self, timeout: Any = None) -> Any:
        clock: Clock = timeout
        connection: Any = super()._get_conn(clock.within(None))
        connection.go_by(clock)
        return connection


class _HttpsPool(_HttpPool, HTTPSConnectionPool):
    ConnectionCls: Any = _HttpsConnection
