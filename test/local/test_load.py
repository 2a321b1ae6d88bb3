"""A minute of fifty clients at once: what the stand-in answers, and what of them it keeps."""

from __future__ import annotations

import os
import random
import re
import socket
import statistics
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import urllib3

from coactive.local.service import DECODERS

from .conftest import GROUPED, SEARCH, SEMANTIC, TEXT, TOKEN

CLIENTS, SECONDS, WARM_UP = 50, 60, 15
SEED = 20_240_229
PATIENCE = 30
"""Seconds after which a request counts as lost."""

BROKEN, STRANGER, HANG_UP, LARGE = 0.05, 0.05, 0.02, 0.05
"""How many of the requests have a broken picture, a wrong token, no end, or a file that is too large for memory."""

SPOOLED = 2 * 2**20
MEMORY = 30 * 2**20
"""Bytes by which the process may grow between the warm-up and the end."""


@dataclass(frozen=True)
class Server:
    """A service in a process of its own."""

    process: subprocess.Popen[str]
    host: str
    embedding_id: str
    pictures: list[Path]
    folder: Path

    def url(self, path: str) -> str:
        return self.host + path.format(self.embedding_id)

    def path_of(self, picture: Path) -> str:
        return picture.relative_to(self.folder).as_posix()

    def memory(self) -> int:
        """Bytes that are resident."""
        return self._status("VmRSS") * 1024

    def threads(self) -> int:
        return self._status("Threads")

    def descriptors(self) -> int:
        return len(list(self._told_of_it.glob("fd/*")))

    def _status(self, name: str) -> int:
        status = self._told_of_it / "status"
        found = re.search(rf"^{name}:\s+(\d+)", status.read_text("utf-8"), re.MULTILINE) if status.exists() else None
        return int(found[1]) if found else 0

    @property
    def _told_of_it(self) -> Path:
        """Where Linux tells of a process; elsewhere all numbers are 0."""
        return Path(f"/proc/{self.process.pid}")


@contextmanager
def serving(temporary: Path, errors: Path) -> Iterator[Server]:
    """A service whose temporary files are in one folder, and what it complains of in one file."""
    command = [sys.executable, "-W", "error", "-m", "coactive.local", "serve", "--port", "0"]
    environment = os.environ | {"TMPDIR": str(temporary)}
    with (
        errors.open("w") as stderr,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            assert process.stdout
            said = "".join(takewhile(lambda line: not line.startswith("Ctrl-C"), process.stdout))
            host, embedding_id = re.findall(r"^export COACTIVE_HOST=(.+)$|EMBEDDING_ID = \"(.+)\"", said, re.MULTILINE)
            (folder,) = temporary.iterdir()
            yield Server(process, host[0], embedding_id[1], sorted(folder.glob("*/*.*")), folder)
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()


# What the clients do.


@dataclass
class Tally:
    """What became of the requests."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.outcomes += other.outcomes
        self.wrong += other.wrong
        self.seconds += other.seconds


class Client:
    """Sends one request after the other, of every kind, chosen by a seed."""

    def __init__(self, number: int, server: Server, pool: urllib3.PoolManager) -> None:
        self._number, self._server, self._pool = number, server, pool
        self._chance = random.Random(SEED + number)
        self.tally = Tally()

    def call_until(self, end: float) -> None:
        while monotonic() < end:
            started = monotonic()
            try:
                outcome = self._call()
            except BaseException as error:
                self.tally.wrong.append(f"client {self._number}: {error!r}")
                continue
            self.tally.outcomes[outcome] += 1
            if outcome != "hung up":
                self.tally.seconds.append(monotonic() - started)

    def _call(self) -> str:
        dice = self._chance.random()
        for share, act in [(HANG_UP, self._hang_up), (STRANGER, self._as_a_stranger), (BROKEN, self._broken)]:
            if dice < share:
                return act()
            dice -= share
        return self._chance.choice([self._search, self._grouped, self._semantic, self._text])()

    def _search(self) -> str:
        picture, limit = self._picture(), self._limit()
        data = self._answer(200, "POST", SEARCH, {"limit": str(limit)} | uploaded(picture))
        self._check(data, limit, picture)
        return "search"

    def _grouped(self) -> str:
        picture, limit = self._picture(), self._limit()
        groups = self._answer(200, "POST", GROUPED, {"group_by": "sku", "limit": str(limit)} | uploaded(picture))
        self._check(groups[0]["images"][:1], 1, picture)
        assert sum(len(group["images"]) for group in groups) == limit
        return "grouped"

    def _semantic(self) -> str:
        limit = self._limit()
        fields = {"group_by": "colour", "metadata_key": "colour", "metadata_value": "blue", "limit": str(limit)}
        groups = self._answer(200, "POST", SEMANTIC, fields | uploaded(self._picture()))
        assert groups[0]["group"] == "blue"
        assert sum(len(group["images"]) for group in groups) == limit
        return "semantic"

    def _text(self) -> str:
        product = self._chance.choice(self._server.pictures).parent.name
        groups = self._answer(200, "GET", TEXT, {"query": product, "group_by": "product", "limit": "5"})
        assert [(group["group"], len(group["images"])) for group in groups] == [(product, 5)]
        return "text"

    def _broken(self) -> str:
        content = self._chance.choice([b"", b"plain text", self._picture()[1][:200]])
        assert "JPEG" in self._answer(400, "POST", SEARCH, {"file": ("broken.jpg", content, "image/jpeg")})
        return "broken picture"

    def _as_a_stranger(self) -> str:
        assert "token" in self._answer(401, "POST", SEARCH, uploaded(self._picture()), "Bearer some:body")
        return "wrong token"

    def _hang_up(self) -> str:
        """Half an upload; then an end, or a reset."""
        body, content_type = urllib3.encode_multipart_formdata(uploaded(self._picture()))
        path = SEARCH.format(self._server.embedding_id)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\nContent-Type: {content_type}\r\n"
        host, port = self._server.host.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2])
            if self._chance.random() < 0.5:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return "hung up"

    def _answer(self, status: int, method: str, path: str, fields: dict[str, Any], token: str = TOKEN) -> Any:
        """What an answer has in `data` or `detail`, which must be this request's own."""
        request_id = f"{self._number}-{self._chance.getrandbits(64)}"
        headers = {"Authorization": token, "X-Request-ID": request_id}
        answer = self._pool.request(method, self._server.url(path), fields=fields, headers=headers)
        assert (answer.status, answer.headers["X-Request-ID"]) == (status, request_id), answer.data[:200]
        (value,) = answer.json().values()
        return value

    def _check(self, images: list[dict[str, Any]], count: int, picture: tuple[Path, bytes]) -> None:
        assert len(images) == count
        assert (images[0]["path"], round(images[0]["score"], 4)) == (self._server.path_of(picture[0]), 1)

    def _picture(self) -> tuple[Path, bytes]:
        path = self._chance.choice(self._server.pictures)
        # What follows a picture's end is no part of it.
        padding = bytes(SPOOLED) if self._chance.random() < LARGE else b""
        return path, path.read_bytes() + padding

    def _limit(self) -> int:
        return self._chance.randint(1, 20)


def uploaded(picture: tuple[Path, bytes]) -> dict[str, Any]:
    return {"file": (picture[0].name, picture[1], "application/octet-stream")}


# The load.


def under_load(server: Server, every_second: Callable[[], None]) -> Tally:
    """What became of the requests of all clients, who have all hung up by then."""
    total = Tally()
    with urllib3.PoolManager(maxsize=CLIENTS, retries=False, timeout=PATIENCE) as pool:
        clients = [Client(number, server, pool) for number in range(CLIENTS)]
        end = monotonic() + SECONDS
        threads = [threading.Thread(target=client.call_until, args=(end,)) for client in clients]
        for thread in threads:
            thread.start()
        while monotonic() < end:
            sleep(1)
            every_second()
        for thread in threads:
            thread.join()
    for client in clients:
        total.add(client.tally)
    return total


def at_rest(server: Server) -> tuple[int, int]:
    """How many descriptors and threads the server has after a request of each kind.

    What it keeps for its next request is there then, and of the threads those that were idle for ten seconds are gone.
    """
    with urllib3.PoolManager(retries=False, timeout=PATIENCE) as pool:
        client = Client(-1, server, pool)
        for call in (client._search, client._grouped, client._semantic, client._text):
            call()
    sleep(1)
    return server.descriptors(), server.threads()


def at_rest_again(server: Server, descriptors: int, threads: int) -> tuple[int, int]:
    """As soon as they are no more than they were, or a minute later."""
    give_up = monotonic() + 60
    while True:
        found = at_rest(server)
        if (found[0] <= descriptors and found[1] <= threads) or monotonic() > give_up:
            return found


@pytest.mark.heavy
def test_fifty_clients_at_once_all_get_their_own_answer_and_leave_nothing_behind(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Memory is what is resident: the median of the five seconds after the warm-up, and of the last five."""
    temporary, errors = tmp_path / "temporary", tmp_path / "errors"
    temporary.mkdir()
    with serving(temporary, errors) as server:
        descriptors, threads = at_rest(server)
        memory: list[int] = []
        tally = under_load(server, lambda: memory.append(server.memory()))
        after = at_rest_again(server, descriptors, threads + DECODERS)
        left = [path.name for path in temporary.iterdir()]
        start, end = statistics.median(memory[WARM_UP : WARM_UP + 5]), statistics.median(memory[-5:])
    request.node.user_properties += numbers(tally, start, end)
    assert tally.wrong == []
    assert set(tally.outcomes) == {"search", "grouped", "semantic", "text", "broken picture", "wrong token", "hung up"}
    assert after[0] <= descriptors
    assert after[1] <= threads + DECODERS
    assert left == [server.folder.name]
    assert end - start < MEMORY
    assert errors.read_text() == ""


def numbers(tally: Tally, start: float, end: float) -> list[tuple[str, object]]:
    cuts = statistics.quantiles(tally.seconds, n=20)
    latency = [round(1000 * seconds) for seconds in (cuts[9], cuts[18], max(tally.seconds))]
    return [
        ("outcomes", str(dict(tally.outcomes))),
        ("requests per second", round(tally.outcomes.total() / SECONDS, 1)),
        (
            "latency in ms: median, 95 %, maximum",
            str(latency),
        ),
        ("memory in MiB: after the warm-up, at the end", str([round(m / 2**20, 1) for m in (start, end)])),
    ]
