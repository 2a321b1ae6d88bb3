"""Runs the service in this process: a socket, a thread, and a configuration for clients of it."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from starlette.types import ASGIApp

from coactive import Configuration
from coactive.local import encoder
from coactive.local.app import build_app
from coactive.local.catalog import Catalog
from coactive.local.indexing import index_folder
from coactive.local.pictures import draw_catalogue

LOOPBACK = "127.0.0.1"
LOOPBACK_CREDENTIALS = ("local", "stand-in")
"""Client id and client secret where nobody gives any, which only this machine may use."""

DECODERS = min(4, os.cpu_count() or 1)
"""How many uploads are decoded at once: each may take a few hundred MiB of pixels while it is."""

GRACE = 3
"""Seconds that requests under way have to end when the service stops."""


@dataclass(frozen=True)
class Service:
    """A running stand-in for the service, ready to be searched.

    `configuration` is for an ApiClient of it, `embedding_id` what its searches ask for, `host` its address
    (`http://127.0.0.1:8000`), `catalog` the images that it knows.
    """

    configuration: Configuration
    embedding_id: str
    host: str
    catalog: Catalog = field(repr=False)


@contextmanager
def running(
    folder: str | PathLike[str] | None = None,
    *,
    metadata: str | PathLike[str] | None = None,
    host: str = LOOPBACK,
    port: int = 0,
    client_id: str | None = None,
    client_secret: str | None = None,
) -> Iterator[Service]:
    """Serve the images of a folder from this process, for as long as the `with` block runs.

    Without a folder it serves a small catalogue of product pictures, drawn for the purpose. `metadata` is a CSV
    or JSON Lines file whose rows name their image in the column `file`, relative to the folder. Port 0 is any
    free port. Beyond this machine (a `host` such as 0.0.0.0) `client_id` and `client_secret` must be given; on
    it they are "local" and "stand-in" by default.

    Raises FileNotFoundError and NotADirectoryError for the folder and the metadata, OSError where the address
    cannot be served at, and ValueError for what is wrong in the metadata, the credentials or the port, or where
    the folder has no image.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(host, port))
        token = _token(listener, client_id, client_secret)
        name, catalog = _catalogue(stack, folder, metadata)
        embedding_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}#{encoder.NAME}"))
        configuration = _configuration(listener, token)
        decoders = stack.enter_context(ThreadPoolExecutor(DECODERS, thread_name_prefix="coactive-decode"))
        app = build_app(catalog, decoders, embedding_id=embedding_id, token=token)
        stack.enter_context(_serving(app, listener))
        yield Service(configuration, embedding_id, configuration.host, catalog)


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


@contextmanager
def _serving(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        app,
        http="h11",
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


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    loop = asyncio.new_event_loop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(server.serve(sockets=[listener]))
    # The threads of the event loop's workers end after it, in their own time; none is to outlive the service.
    for worker in threading.enumerate():
        if getattr(worker, "loop", None) is loop:
            worker.join()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens at the address, before anything takes time."""
    if not 0 <= port <= 65535:
        raise ValueError(f"port: from 0 (any free one) to 65535, not {port}")
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
        raise ValueError(f"host: {host!r} is no machine's name") from problem


def _token(listener: socket.socket, client_id: str | None, client_secret: str | None) -> str:
    if client_id and client_secret:
        return f"{client_id}:{client_secret}"
    address = listener.getsockname()[0]
    if client_id is not None or client_secret is not None:
        raise ValueError("client_id and client_secret: give both, or neither")
    if not ipaddress.ip_address(address).is_loopback:
        raise ValueError(f"client_id and client_secret: other machines can reach {address}, so give both")
    return ":".join(LOOPBACK_CREDENTIALS)


def _catalogue(
    stack: ExitStack, folder: str | PathLike[str] | None, metadata: str | PathLike[str] | None
) -> tuple[str, Catalog]:
    """The name of the folder, the same in every run, and what is in it."""
    if folder is None:
        if metadata is not None:
            raise ValueError("metadata: it goes with a folder; the demo's catalogue has its own")
        drawn = Path(stack.enter_context(TemporaryDirectory(prefix="coactive-demo-")))
        return "demo", index_folder(drawn, draw_catalogue(drawn))
    place = Path(folder).expanduser().absolute()
    return place.resolve().as_uri(), index_folder(place, None if metadata is None else Path(metadata).expanduser())


def _configuration(listener: socket.socket, token: str) -> Configuration:
    """How a client on this machine reaches the service."""
    address: str = listener.getsockname()[0]
    port: int = listener.getsockname()[1]
    reached_at = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(address, address)  # noqa: S104 - compared with, not bound to
    host = f"http://{f'[{reached_at}]' if ':' in reached_at else reached_at}:{port}"
    insecure = not ipaddress.ip_address(reached_at).is_loopback
    return Configuration(host=host, access_token=token, allow_insecure_http=insecure)
