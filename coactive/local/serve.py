"""Serves a folder from the command line: says where and how to search it, and stops when told to."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from coactive.local.server import Service, running

READY = """\
{count} images of {folder}{notes}

host          {host}
embedding id  {embedding_id}

To search them, paste into Python (Ctrl-C here stops the service):

import coactive
from coactive.apis import SimilaritySearchApi

configuration = coactive.Configuration(host="{host}", access_token={token!r})
with coactive.ApiClient(configuration) as api_client:
    api = SimilaritySearchApi(api_client)
    print(api.get_similar_images("{embedding_id}", {image!r}, limit=5))
"""


def serve(
    folder: str,
    *,
    metadata: str | None,
    host: str,
    port: int,
    client_id: str | None,
    client_secret: str | None,
) -> None:
    """Serve a folder until Ctrl-C or SIGTERM; the arguments and the errors are those of `running`."""
    with (
        running(
            folder, metadata=metadata, host=host, port=port, client_id=client_id, client_secret=client_secret
        ) as service,
        _told_to_stop() as stopped,
    ):
        print(_ready(folder, service), flush=True)
        # Windows sees Ctrl-C only between waits.
        while not stopped.wait(0.5):
            pass


def _ready(folder: str, service: Service) -> str:
    catalog = service.catalog
    notes = [
        f"skipped, no images: {len(catalog.skipped)}" if catalog.skipped else "",
        f"metadata rows without their image: {len(catalog.unmatched)}" if catalog.unmatched else "",
    ]
    return READY.format(
        count=len(catalog.images),
        folder=folder,
        notes="".join(f"; {note}" for note in notes if note),
        host=service.host,
        embedding_id=service.embedding_id,
        token=service.configuration.access_token,
        image=str(catalog.images[0].file),
    )


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set instead of what they did before."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
