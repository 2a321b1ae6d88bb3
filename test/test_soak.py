"""Ten thousand calls from fifty threads, to a server of which one answer in ten goes wrong."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from coactive import ApiClient, ApiException, Configuration
from coactive.apis import SimilaritySearchApi
from coactive.model.similarity_search_response import SimilaritySearchResponse

CALLS, THREADS = 10_000, 50
FAILING = 0.1
PATIENCE = 1.5
"""Seconds that the client waits for an answer."""

SEED = 20_240_229


# The server.


class Connection(asyncio.Protocol):
    """Answers each request with all the numbers marked in it, unless `chance` has it fail."""

    def __init__(self, chance: random.Random, happened: Counter[str], open_ones: set[Connection]) -> None:
        self._chance, self._happened, self._open_ones = chance, happened, open_ones
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._open_ones.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_ones.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
        if blank and len(body) == int(length[1] if length else 0):
            request, self._received = self._received, b""
            self._answer(answer_to(request))

    def _answer(self, answer: bytes) -> None:
        fail = self._chance.choice(WAYS) if self._chance.random() < FAILING else send
        self._happened[fail.__name__] += 1
        fail(self, answer)

    def later(self, seconds: float, act: Callable[[Connection, bytes], None], answer: bytes) -> None:
        asyncio.get_running_loop().call_later(seconds, self._if_open, act, answer)

    def _if_open(self, act: Callable[[Connection, bytes], None], answer: bytes) -> None:
        if not self.transport.is_closing():
            act(self, answer)


def answer_to(request: bytes) -> bytes:
    target = request.split(b" ", 2)[1].partition(b"?")[0]
    images = [{"coactive_image_id": found.decode()} for found in re.findall(rb"mark-(\d+)", request)]
    return http(json.dumps({"data": images if target.endswith(b"/search") else [{"images": images}]}).encode())


def http(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    again = "" if status.startswith("200") else "Retry-After: 0\r\n"
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{again}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


# How an answer goes wrong.


def send(connection: Connection, answer: bytes) -> None:
    connection.transport.write(answer)


def busy(connection: Connection, answer: bytes) -> None:
    send(connection, http(b'{"detail": "later"}', "503 Service Unavailable"))


def too_many(connection: Connection, answer: bytes) -> None:
    send(connection, http(b'{"detail": "slower"}', "429 Too Many Requests"))


def broken_page(connection: Connection, answer: bytes) -> None:
    send(connection, http(b"<html>Oops</html>", "500 Internal Server Error", "text/html"))


def no_json(connection: Connection, answer: bytes) -> None:
    send(connection, http(b'{"data": ['))


def reset(connection: Connection, answer: bytes) -> None:
    linger_for_nothing = struct.pack("ii", 1, 0)
    connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_nothing)
    connection.transport.abort()


def reset_in_the_body(connection: Connection, answer: bytes) -> None:
    send(connection, answer[:-10])
    # A reset that comes at once takes away what has arrived and was not read.
    connection.later(0.01, reset, answer)


def hang_up(connection: Connection, answer: bytes) -> None:
    connection.transport.close()


def cut_short(connection: Connection, answer: bytes) -> None:
    send(connection, answer[:-10])
    connection.transport.close()


def answer_and_hang_up(connection: Connection, answer: bytes) -> None:
    """The client keeps the connection, which is dead when it wants it again."""
    send(connection, answer)
    connection.transport.close()


def answer_too_late(connection: Connection, answer: bytes) -> None:
    """A client that went on to use the connection would take this for its next answer."""
    connection.later(PATIENCE + 1, send, answer)


WAYS = [busy, too_many, broken_page, no_json, reset, reset_in_the_body, hang_up, cut_short, answer_and_hang_up]
WAYS += [answer_too_late]


@contextmanager
def failing_server() -> Iterator[tuple[str, Counter[str]]]:
    """Its address, and what happened to the requests so far."""
    loop = asyncio.new_event_loop()
    happened: Counter[str] = Counter()
    open_ones: set[Connection] = set()
    chance = random.Random(SEED)
    server = loop.run_until_complete(
        loop.create_server(lambda: Connection(chance, happened, open_ones), "127.0.0.1", 0, backlog=THREADS * 4)
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", happened
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_ended(open_ones))
        loop.close()


async def _ended(open_ones: set[Connection]) -> None:
    for connection in list(open_ones):
        connection.transport.abort()
    while open_ones:
        await asyncio.sleep(0.001)


# The calls.


def numbers_of(found: SimilaritySearchResponse) -> list[str | None]:
    return [image.coactive_image_id for group in found.data for image in group.images]


def by_text(api: SimilaritySearchApi, mark: str) -> list[str | None]:
    return numbers_of(api.search_images_by_text_grouped(mark, f"a {mark} mug", group_by=mark))


def in_the_background(api: SimilaritySearchApi, mark: str) -> list[str | None]:
    return numbers_of(api.search_images_by_text_grouped.submit(mark, mark, group_by=mark).get())


def by_image(api: SimilaritySearchApi, mark: str) -> list[str | None]:
    found = api.get_similar_images(mark, (f"{mark}.jpg", mark.encode()))
    return [image["coactive_image_id"] for image in found["data"]]


def grouped(api: SimilaritySearchApi, mark: str) -> list[str | None]:
    return numbers_of(api.get_similar_images_grouped(mark, mark, mark.encode() + bytes(2000)))


def semantic(api: SimilaritySearchApi, mark: str) -> list[str | None]:
    return numbers_of(api.get_similar_images_grouped_semantic(mark, "sku", mark.encode(), metadata_value=mark))


OPERATIONS = [by_text, by_image, by_text, grouped, by_text, semantic, in_the_background]
"""Each sends its mark in three places, and gives the numbers that the server found marked."""

TYPED = {"ApiDecodeError", "ApiConnectionError", "ApiTimeoutError", "ServiceException", "TooManyRequestsException"}


class Tally:
    """What became of the calls."""

    def __init__(self) -> None:
        self.right = 0
        self.failed: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._numbers = count()
        self._lock = threading.Lock()

    def call_until_all_are_made(self, api: SimilaritySearchApi) -> None:
        while (number := next(self._numbers)) < CALLS:
            outcome = one_call(api, number)
            with self._lock:
                if outcome is None:
                    self.right += 1
                elif isinstance(outcome, ApiException):
                    self.failed[type(outcome).__name__] += 1
                else:
                    self.wrong.append(f"call {number}: {outcome!r}")


def one_call(api: SimilaritySearchApi, number: int) -> object:
    """None where the answer is this call's own; else what came instead."""
    try:
        numbers = OPERATIONS[number % len(OPERATIONS)](api, f"mark-{number}")
    except BaseException as error:
        return error
    return None if numbers == [str(number)] * 3 else numbers


def call_from_many_threads(host: str) -> Tally:
    tally = Tally()
    configuration = Configuration(host=host, access_token="id:secret", read_timeout=PATIENCE)
    with ApiClient(configuration, pool_threads=THREADS) as client:
        api = SimilaritySearchApi(client)
        threads = [threading.Thread(target=tally.call_until_all_are_made, args=(api,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return tally


def in_use() -> set[object]:
    """The threads, and the open file descriptors where the system lists them."""
    found: set[object] = {*threading.enumerate()}
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(FileNotFoundError):
            found.add((descriptor.name, str(descriptor.readlink())))
    return found


@pytest.mark.heavy
def test_each_of_ten_thousand_calls_ends_in_its_own_answer_or_a_typed_exception_and_leaves_nothing_open() -> None:
    before = in_use()
    with failing_server() as (host, happened):
        tally = call_from_many_threads(host)
    assert tally.wrong == []
    assert tally.right + tally.failed.total() == CALLS
    assert tally.right >= 0.98 * CALLS
    assert set(tally.failed) <= TYPED
    assert tally.failed["ApiDecodeError"] == happened["no_json"]
    # What others left behind may go in the meantime.
    assert in_use() - before == set()
    assert all(happened[way.__name__] > CALLS * FAILING / len(WAYS) / 2 for way in WAYS)
