"""Runs the stand-in: a folder's images behind an address, and a configuration for clients of it."""

from __future__ import annotations

import inspect
import ipaddress
import os
import socket
import uuid
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any

from coactive import Configuration
from coactive.display.wording import counted
from coactive.local.app import build_app
from coactive.local.catalog import Catalog
from coactive.local.demo.pictures import draw_catalogue
from coactive.local.encoder import Encoder, encoder_named
from coactive.local.http.credentials import token_for
from coactive.local.http.faults import Faults
from coactive.local.http.server import answering, listen
from coactive.local.index import IN_MEMORY
from coactive.local.indexing import index_folder
from coactive.local.settings import LOOPBACK, Settings
from coactive.local.wording import some

THUMBNAILERS = max(1, (os.cpu_count() or 1) // 2)
"""How many thumbnails are made at once: searches come first."""

DECODERS = min(4, os.cpu_count() or 1)
"""How many uploads are decoded at once: each may take a few hundred MiB of pixels while it is."""


@dataclass(frozen=True)
class Service:
    """A running stand-in for the service, ready to be searched.

    `configuration` is for an ApiClient of it, `embedding_id` what its searches ask for, `host` its address
    (`http://127.0.0.1:8000`), `catalog` the images that it knows. `faults.order("503x2")` has its next searches fail;
    `faults.pending` tells what is still to come of that.
    """

    configuration: Configuration
    embedding_id: str
    host: str
    catalog: Catalog = field(repr=False)
    faults: Faults = field(repr=False)


def running(
    folder: str | PathLike[str] | None = None,
    *,
    metadata: str | PathLike[str] | None = None,
    index: str | PathLike[str] | None = None,
    rehash: bool = False,
    encoder: str | None = None,
    host: str = LOOPBACK,
    port: int = 0,
    client_id: str | None = None,
    client_secret: str | None = None,
    faults: str = "",
) -> AbstractContextManager[Service, None]:
    """Serve the images of a folder from this process, for as long as the `with` block runs.

    Without a folder it serves a small catalogue of product pictures, drawn for the purpose. `metadata` is a CSV
    or JSON Lines file whose rows name their image in the column `file`, relative to the folder; rows that name
    none are a warning, if there are others.

    What is known of the images is kept in the file `index`, by default `.coactive-index.sqlite` in the folder, so that
    the next start reads what is new or changed by size, time or inode; with `rehash` it reads all files. `encoder`
    is what turns images into embeddings: the built-in descriptor, or `module:callable` of your own, which gets a PIL
    image, and perhaps a str, and returns a vector. Another encoder is another embedding id.

    Port 0 is any free port. Beyond this machine (a `host` such as 0.0.0.0) `client_id` and `client_secret` must be
    given; on it they are "local" and "stand-in" by default. `faults` are what the first searches end in, such as
    "503x2,429:retry-after=3,slow=2,reset,cut,html,ok".

    The block raises, where it starts, FileNotFoundError and NotADirectoryError for the folder and the metadata,
    OSError where the address cannot be served at or the index not be read or written, TypeError for an argument of
    a wrong type, and ValueError for what is wrong in the metadata, the index, the encoder, the credentials, the
    port or the faults, or where the folder has no image.
    """
    settings = Settings(
        folder=folder,
        metadata=metadata,
        index=index,
        rehash=rehash,
        encoder=encoder,
        host=host,
        port=port,
        client_id=client_id,
        client_secret=client_secret,
        faults=faults,
    )
    return _Running(serving(settings))


class _Running(AbstractContextManager[Service, None]):
    """What `running` returns: a service that starts when a `with` block enters it."""

    def __init__(self, service: AbstractContextManager[Service]) -> None:
        self._service = service

    def __enter__(self) -> Service:
        with ExitStack() as stack:
            service = stack.enter_context(self._service)
            _warn_of_unmatched(service.catalog)
            self._running = stack.pop_all()
        return service

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, error, traceback)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(
                f"no attribute {name!r} before the service runs: use it as "
                "`with coactive.local.running(...) as service:`, or in a notebook "
                "`service = stack.enter_context(coactive.local.running(...))` with `stack = contextlib.ExitStack()`"
            )


def _warn_of_unmatched(catalog: Catalog) -> None:
    if catalog.unmatched:
        names = some([repr(name) for name in catalog.unmatched])
        missing = f"{len(catalog.unmatched):,} of {counted(catalog.rows, 'row')}"
        warnings.warn(f"metadata: no image in the folder for {missing}: {names}", stacklevel=_callers_level())


def _callers_level() -> int:
    """The `stacklevel` of the program's own line, past this module and an ExitStack that enters for it."""
    passed = (__name__, "contextlib")
    # The first frame is this one, where `warnings` counts from the caller's.
    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") in passed:
        level, frame = level + 1, frame.f_back
    return level


@contextmanager
def serving(settings: Settings) -> Iterator[Service]:
    """Serve as `running` does, without its warning."""
    settings.check()
    faults = Faults(settings.faults)
    with ExitStack() as stack:
        listener = stack.enter_context(listen(settings.host, settings.port))
        token = token_for(listener.getsockname()[0], settings.client_id, settings.client_secret)
        encoder = encoder_named(settings.encoder)
        name, catalog = _catalogue(stack, settings, encoder)
        embedding_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}#{encoder.name}"))
        configuration = _configuration(listener, token)
        decoders = stack.enter_context(ThreadPoolExecutor(DECODERS, thread_name_prefix="coactive-decode"))
        thumbnailers = ThreadPoolExecutor(THUMBNAILERS, thread_name_prefix="coactive-thumbnail")
        # Those that are still to be made nobody waits for any more.
        stack.callback(thumbnailers.shutdown, cancel_futures=True)
        app = build_app(
            catalog,
            decoders,
            thumbnailers,
            embedding_id=embedding_id,
            token=token,
            faults=faults,
            token_lifetime=settings.token_lifetime,
        )
        stack.enter_context(answering(app, listener))
        yield Service(configuration, embedding_id, configuration.host, catalog, faults)


def _catalogue(stack: ExitStack, settings: Settings, encoder: Encoder) -> tuple[str, Catalog]:
    """The name of the folder, the same in every run, and what is in it."""
    if settings.folder is None:
        drawn = Path(stack.enter_context(TemporaryDirectory(prefix="coactive-demo-")))
        return "demo", index_folder(drawn, draw_catalogue(drawn), index=IN_MEMORY, encoder=encoder)
    place = Path(settings.folder).expanduser().absolute()
    catalog = index_folder(
        place, _file(settings.metadata), index=_file(settings.index), encoder=encoder, rehash=settings.rehash
    )
    return place.resolve().as_uri(), catalog


def _file(path: str | PathLike[str] | None) -> Path | None:
    return None if path is None else Path(path).expanduser()


def _configuration(listener: socket.socket, token: str) -> Configuration:
    """How a client on this machine reaches the service."""
    address: str = listener.getsockname()[0]
    port: int = listener.getsockname()[1]
    reached_at = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(address, address)  # noqa: S104 - compared with, not bound to
    host = f"http://{f'[{reached_at}]' if ':' in reached_at else reached_at}:{port}"
    insecure = not ipaddress.ip_address(reached_at).is_loopback
    return Configuration(host=host, access_token=token, allow_insecure_http=insecure)
