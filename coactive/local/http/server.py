"""Serves an ASGI application from this process: a socket and a thread."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from coactive.local.http.connection import Connection

GRACE = 3
"""Seconds that requests under way have to end when the service stops."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; raises OSError or ValueError that names it."""
    try:
        # Its protocol, which socket.create_server leaves open, is how asyncio knows to send without delay.
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)[0]
        with ExitStack() as undo:
            listener = undo.enter_context(socket.socket(family, kind, protocol))
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
            undo.pop_all()
            return listener
    except OSError as problem:
        raise OSError(problem.errno, f"cannot serve at {host}:{port}: {problem.strerror}") from problem
    except UnicodeError as problem:
        raise ValueError(f"host: {host!r} is not a valid host name") from problem


@contextmanager
def answering(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Answer by an application what comes to a socket, until the block ends."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        proxy_headers=False,
        log_config=None,
        access_log=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=GRACE,
    )
    config.load()
    server = _Server(config)
    thread = threading.Thread(target=_run, args=(server, listener), name="coactive.local", daemon=True)
    thread.start()
    try:
        server.decided.wait()
        yield
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """A server that says when it has started, or has failed to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.decided = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.decided.set()


class _Protocol(H11Protocol):
    """HTTP that drops a request that is none (a browser that tries https) without a word on the console.

    Applications find their `Connection` in the scope.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Errors go where uvicorn's go; a logger that is not registered leaves the program's logging as it is.
        logger = logging.Logger(self.logger.name, logging.ERROR)
        logger.parent = self.logger
        self.logger = logger

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.connection = Connection(transport)
        self.app_state = self.connection.state(self.app_state)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.connection.lost()

    def shutdown(self) -> None:
        super().shutdown()
        self.connection.release()


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    loop = asyncio.new_event_loop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(server.serve(sockets=[listener]))
    # The threads of the event loop's workers end after it, in their own time; none is to outlive the service.
    for worker in threading.enumerate():
        if getattr(worker, "loop", None) is loop:
            worker.join()
