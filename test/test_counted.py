"""What the client's work costs, counted and not timed: objects made, bytes read and held, system calls."""

from __future__ import annotations

import gc
import os
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bench.server import running
from scripted_server import ScriptedServer
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection

from coactive import ApiClient, Configuration
from coactive.apis import SimilaritySearchApi
from coactive.models import SimilaritySearchResponse

KIB, MIB = 2**10, 2**20

LARGE = 16 * MIB


@contextmanager
def profiled(see: Callable[[Any, str, Any], None]) -> Iterator[None]:
    """Show `see` every call that this thread makes, and the threads that it starts."""
    threading.setprofile(see)
    sys.setprofile(see)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@contextmanager
def made(*classes: type) -> Iterator[Counter[str]]:
    """How many objects of these classes were made, new ones and copies of others."""
    ways = [(kind, way) for kind in classes for way in ("__init__", "__setstate__") if way in vars(kind)]
    codes = {vars(kind)[way].__code__: kind.__name__ for kind, way in ways}
    found: Counter[str] = Counter()

    def see(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code in codes:
            found[codes[frame.f_code]] += 1

    with profiled(see):
        yield found


@contextmanager
def sent() -> Iterator[list[str]]:
    """The names of the functions by which this thread has the system send something."""
    found: list[str] = []
    here = threading.get_ident()

    def see(frame: Any, event: str, function: Any) -> None:
        if event == "c_call" and threading.get_ident() == here and function.__name__.startswith("send"):
            found.append(function.__name__)

    with profiled(see):
        yield found


def objects(kind: type) -> int:
    gc.collect()
    return sum(type(one) is kind for one in gc.get_objects())


# Objects.


def test_a_thousand_calls_make_one_client_no_configuration_and_one_connection() -> None:
    counted = made(ApiClient, Configuration, PoolManager, HTTPConnection)
    with running() as host:
        configuration = Configuration(host, access_token="a:b")
        before = objects(ApiClient), objects(Configuration)
        with counted as found, ApiClient(configuration) as client:
            search = SimilaritySearchApi(client).search_images_by_text_grouped
            for _ in range(250):
                search("e", "mug")
                search.with_http_info("e", "mug")
                search.raw("e", "mug")
                search.submit("e", "mug").get(30)
            assert (objects(ApiClient), objects(Configuration)) == (before[0] + 1, before[1])
    assert found == {"ApiClient": 1, "PoolManager": 1, "HTTPConnection": 1}


# Functions.


@contextmanager
def called() -> Iterator[list[str]]:
    """The files of the Python functions that are called, one entry a call."""
    found: list[str] = []

    def see(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            found.append(frame.f_code.co_filename)

    with profiled(see):
        yield found


def test_reading_an_answer_calls_no_function_an_image() -> None:
    def calls(images: int) -> int:
        data = {"data": [{"group": "a", "images": [{"score": 0.5, "metadata": {}} for _ in range(images)]}]}
        with called() as found:
            read = SimilaritySearchResponse.from_dict(data)
        assert len(read.data[0].images) == images
        return sum("decoding" in file for file in found)

    calls(1)
    assert calls(1000) == calls(10) > 0


def test_the_head_of_a_usual_answer_is_not_read_as_the_head_of_an_email() -> None:
    with running() as host, ApiClient(Configuration(host, access_token="a:b")) as client, called() as found:
        SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug")
    assert not any("feedparser" in file for file in found)
    assert any("incoming" in file for file in found)


# System calls.


@pytest.mark.parametrize("kind", ["path", "bytes", "file"])
def test_an_upload_of_100_kib_takes_at_most_three_sends(tmp_path: Path, kind: str) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff" + os.urandom(100 * KIB - 3))
    with running() as host, ApiClient(Configuration(host, access_token="a:b")) as client, photo.open("rb") as file:
        search = SimilaritySearchApi(client).get_similar_images_grouped
        image: Any = {"path": photo, "bytes": photo.read_bytes(), "file": file}[kind]
        for _ in range(20):  # a connection takes more at a time once it is warm
            search("e", "sku", image)
        with sent() as calls:
            search("e", "sku", image)
    assert 1 <= len(calls) <= 3, calls


def test_a_search_by_text_takes_one_send(server: ScriptedServer) -> None:
    with ApiClient(server.configuration()) as client:
        search = SimilaritySearchApi(client).search_images_by_text_grouped
        search("e", "mug")
        with sent() as calls:
            search("e", "mug", group_by="sku", limit=10)
    assert len(calls) == 1, calls


# The image.


class Counted:
    """A stream of zeros behind the mark of a JPEG that knows how much of it was read at a time."""

    def __init__(self, size: int) -> None:
        self.reads: list[int] = []
        self._left = size

    def read(self, size: int, /) -> bytes:
        given = min(size, self._left)
        self._left -= given
        block = bytes(given) if self.reads else b"\xff\xd8\xff" + bytes(given - 3)
        self.reads.append(given)
        return block


def test_a_stream_is_read_once_in_small_blocks_and_never_whole_in_memory() -> None:
    image = Counted(LARGE)
    assert held_by(lambda search: search("e", "sku", image)) < 4 * MIB
    assert sum(image.reads) == LARGE
    assert max(image.reads) <= 128 * KIB
    assert image.reads.index(0) == len(image.reads) - 1


@pytest.mark.parametrize("kind", ["path", "file"])
def test_a_file_is_never_whole_in_memory(tmp_path: Path, kind: str) -> None:
    with large_file(tmp_path).open("rb") as file:
        image: Any = {"path": file.name, "file": file}[kind]
        assert held_by(lambda search: search("e", "sku", image)) < MIB


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["path", "file"])
def test_a_file_is_read_once(tmp_path: Path, kind: str) -> None:
    with large_file(tmp_path).open("rb") as file, searching() as search:
        image: Any = {"path": file.name, "file": file}[kind]
        before = read_so_far()
        search("e", "sku", image)
        assert LARGE <= read_so_far() - before < LARGE + 256 * KIB


def test_bytes_are_not_copied() -> None:
    image = b"\xff\xd8\xff" + bytes(LARGE)
    assert held_by(lambda search: search("e", "sku", image)) < MIB


def large_file(folder: Path) -> Path:
    path = folder / "large.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(LARGE - 3))
    return path


@contextmanager
def searching() -> Iterator[Any]:
    """A search by image whose connection is warm; the server is another process, and keeps no upload."""
    with running() as host, ApiClient(Configuration(host, access_token="a:b")) as client:
        search = SimilaritySearchApi(client).get_similar_images_grouped
        search("e", "sku", b"\xff\xd8\xff")
        yield search


def held_by(upload: Callable[[Any], object]) -> int:
    """By how many bytes an upload raises what Python's objects take, at its peak."""
    with searching() as search:
        tracemalloc.start()
        try:
            upload(search)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def read_so_far() -> int:
    """Bytes that this process has read from files."""
    return int(Path("/proc/self/io").read_text().split()[1])
