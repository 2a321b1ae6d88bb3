"""What is measured, and how much more than the floor each may cost."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench import memory
from bench.client import Client
from bench.core import on_one_core
from bench.floor import Floor
from bench.measuring import Measured, alternate
from bench.server import running
from bench.startup import startup
from bench.work import write_image

_CALLS, _WORKERS, _DELAY = 1000, 16, 0.05


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        key: its name on the command line.
        work: its name in the table.
        at_most: the figure's limit.
        measure: one run.
        unit: of the figure; empty where it is a ratio.
    """

    key: str
    work: str
    at_most: float
    measure: Callable[[], Measured]
    unit: str = ""


def _search(limit: int, blocks: int, calls: int) -> Callable[[], Measured]:
    def measure() -> Measured:
        with on_one_core(), running() as host:
            floor, client = Floor(host), Client(host)
            return alternate(lambda: floor.search(limit), lambda: client.search(limit), blocks=blocks, calls=calls)

    return measure


def _upload() -> Measured:
    with on_one_core(), running() as host, tempfile.TemporaryDirectory() as folder:
        image, larger = write_image(Path(folder, "image.jpg"), 1), write_image(Path(folder, "larger.jpg"), 24)
        floor, client = Floor(host), Client(host)
        for uploader in (floor, client):
            uploader.upload(larger)  # from then on malloc keeps blocks of 1 MiB, and the floor is a third faster
        return alternate(lambda: floor.upload(image), lambda: client.upload(image), blocks=201, calls=5)


def _memory() -> Measured:
    with running() as host, tempfile.TemporaryDirectory() as folder:
        small, large = write_image(Path(folder, "small.jpg"), 1), write_image(Path(folder, "large.jpg"), 200)
        return memory.growth(host, small, large)


def _many() -> Measured:
    ideal = _CALLS / _WORKERS * _DELAY
    with running(_DELAY) as host:
        client = Client(host)
        started = time.perf_counter()
        client.search_many(_CALLS, _WORKERS)
        took = time.perf_counter() - started
    return Measured(took / ideal, ideal, took)


ROWS = [
    Row("import", "import, make an `ApiClient` and an Api", 1.25, startup),
    Row("small", "search, answer of 1 image", 1.10, _search(1, blocks=101, calls=50)),
    Row("medium", "search, answer of 100 images, every score read", 1.15, _search(100, blocks=101, calls=20)),
    Row("large", "search, answer of 10,000 images, every score read", 1.25, _search(10_000, blocks=31, calls=1)),
    Row("upload", "upload of 1 MiB from a path", 1.05, _upload),
    Row("memory", "upload of 200 MiB from a path: growth of peak memory", 5, _memory, "MiB"),
    Row("many", "1,000 calls of 50 ms, 16 at a time", 1.10, _many),
]
