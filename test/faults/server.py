"""An asyncio server on a free port of loopback that misbehaves as it is told to, one exchange after another."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic
from typing import TypeAlias

ECHO = b"{authorization}"
"""Stands, in what a server sends, for the credentials that it was shown."""

ELSEWHERE = b"{elsewhere}"
"""Stands for the address of another server."""

_LIMIT = 4096
"""Bytes that a reader keeps beyond what it was asked for, about: it must not seem faster than it is."""


class Connection:
    """One connection of a client's, as a behaviour sees it."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._wanted, self._context = server.proxy_authorization, server.context
        self._first = b""
        self._authorization = b""

    async def tunnel(self) -> None:
        """Answer a proxy's CONNECT, once, where the server is one."""
        wanted, self._wanted = self._wanted, None
        if wanted is None:
            return
        if wanted not in await self.read_head():
            await self.send(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            raise ConnectionAbortedError
        await self.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

    async def open(self) -> None:
        """Do what comes before HTTP, once: CONNECT and TLS, where the server has them."""
        await self.tunnel()
        context, self._context = self._context, None
        if context:
            await self._writer.start_tls(context)

    async def refuse_in_tls(self) -> None:
        """Do a handshake that the server refuses, and say so to the client: asyncio's own ends without a word."""
        assert self._context
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self._context.wrap_bio(incoming, outgoing, server_side=True)
        with suppress(ssl.SSLError):
            while True:
                with suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                await self.send(outgoing.read())
                incoming.write(await self._reader.readexactly(1))
        await self.send(outgoing.read())
        await self._reader.read(-1)  # bytes left unread would turn the end into a reset

    async def read_head(self) -> bytes:
        """The next head of a request, whoever it is meant for."""
        head = self._first + await self._reader.readuntil(b"\r\n\r\n")
        self._first = b""
        self._server.heads.append(head)
        self._authorization = _header(head, b"Authorization") or _header(head, b"Proxy-Authorization")
        return head

    async def read_request_head(self) -> int:
        """The head of the request; gives the length of its body."""
        await self.open()
        head = await self.read_head()
        return int(_header(head, b"Content-Length") or 0)

    async def read_body(self, length: int, a_second: float = float("inf")) -> None:
        """Read so many bytes, as many a second."""
        began, done = monotonic(), 0
        while done < length:
            got = len(await self._reader.read(max(1, int(min(length - done, 65536, a_second / 20)))))
            if not got:
                raise ConnectionResetError
            done += got
            await asyncio.sleep(began + done / a_second - monotonic())

    async def read_request(self) -> None:
        """Read the request and its body."""
        await self.read_body(await self.read_request_head())

    def filled_in(self, data: bytes) -> bytes:
        """The data with what stands for something else replaced by it."""
        assert self._authorization or ECHO not in data
        return data.replace(ECHO, self._authorization).replace(ELSEWHERE, self._server.elsewhere.encode())

    async def send(self, data: bytes) -> None:
        """Send at once."""
        self._writer.write(data)
        await self._writer.drain()

    async def drip(self, data: bytes, pause: float) -> None:
        """Send byte by byte, with so many seconds between them."""
        for byte in data:
            await self.send(bytes([byte]))
            await asyncio.sleep(pause)

    async def asked(self) -> bool:
        """Wait for the first byte of a request; whether there is one."""
        self._first = await self._reader.read(1)
        return bool(self._first)

    def close(self) -> None:
        """End the connection as one should."""
        self._writer.close()

    def cut(self) -> None:
        """End the connection without TLS's goodbye."""
        self._writer.transport.abort()

    def reset(self) -> None:
        """End the connection with a reset."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    @property
    def ended(self) -> bool:
        return self._writer.transport.is_closing()


Behaviour: TypeAlias = Callable[[Connection], Awaitable[None]]


class Server:
    """Behaves in each exchange as its script says, the last item of which holds for ever.

    Attributes:
        port: where it listens.
        elsewhere: the address of another server, which nobody should call.
        seen: exchanges that were begun: each new connection, and each further request on an old one.
        seen_elsewhere: connections that the other server got.
        heads: of all requests that were read.
        busy: exchanges that go on now.
        errors: what went wrong here, and not between server and client.
    """

    def __init__(self, script: tuple[Behaviour, ...], context: ssl.SSLContext | None, proxy: bytes | None) -> None:
        self._script = list(script)
        self.context = context
        self.proxy_authorization = proxy
        self._listeners = [_listener(), _listener()]
        self.port, other = (listener.getsockname()[1] for listener in self._listeners)
        self.elsewhere = f"http://127.0.0.1:{other}"
        self.seen = self.seen_elsewhere = self.busy = 0
        self.heads: list[bytes] = []
        self.errors: list[Exception] = []
        self.ready = threading.Event()
        self._writers: list[asyncio.StreamWriter] = []

    async def run(self) -> None:
        """Serve until `stop`."""
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        here, there = self._listeners
        servers = [
            await asyncio.start_server(self._serve, sock=here, limit=_LIMIT),
            await asyncio.start_server(self._count, sock=there),
        ]
        self.ready.set()
        await self._stopped.wait()
        for server in servers:
            server.close()
        for writer in self._writers:
            writer.transport.abort()

    def stop(self) -> None:
        """End it all, from another thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        connection = Connection(self, reader, writer)
        try:
            await self._exchange(connection)
            while not connection.ended and await connection.asked():
                await self._exchange(connection)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the server is to stop
        except Exception as error:
            self.errors.append(error)
        finally:
            connection.close()

    async def _exchange(self, connection: Connection) -> None:
        self.seen += 1
        self.busy += 1
        try:
            await (self._script.pop(0) if len(self._script) > 1 else self._script[0])(connection)
        finally:
            self.busy -= 1

    async def _count(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen_elsewhere += 1
        writer.close()


@contextmanager
def serving(*script: Behaviour, context: ssl.SSLContext | None = None, proxy: bytes | None = None) -> Iterator[Server]:
    """A server in a thread of its own, for as long as the `with` block runs.

    Args:
        script: what it does in its first exchange, the second, and so on.
        context: speak TLS, with this.
        proxy: be an http proxy, and at the same time the service behind it, for those who show these credentials.
    """
    server = Server(script, context, proxy)
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(asyncio.run, server.run())
        server.ready.wait(10)
        try:
            yield server
        finally:
            server.stop()
            running.result(10)
    assert server.errors == []


@contextmanager
def swallowing() -> Iterator[int]:
    """A port of loopback on which connections neither stand nor fail: the queue of those that wait is full."""
    with socket.socket() as full, ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(8):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def _listener() -> socket.socket:
    """With a small buffer, so that who does not read is noticed soon."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    return listener


def _header(head: bytes, name: bytes) -> bytes:
    return next((line[len(name) + 2 :] for line in head.split(b"\r\n") if line.startswith(name + b": ")), b"")
