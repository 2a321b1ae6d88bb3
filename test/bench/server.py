"""A service in a process of its own that costs next to nothing: its answers are made before the first request."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.process import HOME, command

SIZES = [1, 100, 10_000]
"""How many images an answer can have: the `limit` of the query; 1 where the query has none."""

GROUP = 5
"""Images that share a group."""

_RECEIVED = 1024 * 1024
"""Bytes taken from a connection at a time, at most."""


class Connection(asyncio.BufferedProtocol):
    """Answers one request after another, each so many seconds after it came; what is uploaded is not kept."""

    def __init__(self, answers: dict[int, bytes], delay: float) -> None:
        self._answers = answers
        self._delay = delay
        self._buffer = memoryview(bytearray(_RECEIVED))
        self._head = b""
        self._answer = b""
        self._missing = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._missing:
            self._missing -= nbytes
        else:
            self._head += self._buffer[:nbytes]
            head, blank, body = self._head.partition(b"\r\n\r\n")
            if not blank:
                return
            self._head, self._answer = b"", self._answers[_number(rb"[?&]limit=(\d+)", head, 1)]
            self._missing = _number(rb"(?i)\r\ncontent-length: *(\d+)", head, 0) - len(body)
        if not self._missing:
            self._reply()

    def _reply(self) -> None:
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, self._answer)
        else:
            self._transport.write(self._answer)


def _number(pattern: bytes, head: bytes, default: int) -> int:
    found = re.search(pattern, head)
    return int(found[1]) if found else default


def answer(images: int) -> bytes:
    """A response to a search that found so many images."""
    groups = [range(first, min(first + GROUP, images)) for first in range(0, images, GROUP)]
    data = [{"group": _sku(group[0]), "images": [_image(number) for number in group]} for group in groups]
    body = json.dumps({"data": data}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _image(number: int) -> dict[str, Any]:
    return {
        "coactive_image_id": f"{number:08x}-4c1e-4b7a-9d53-0a6f8e2b71c4",
        "path": f"s3://catalogue/products/{number // GROUP:05}/{number:06}.jpg",
        "url": f"https://images.example.com/products/{number // GROUP:05}/{number:06}.jpg",
        "score": round(0.98 - number / 20_000, 6),
        "metadata": {
            "sku": _sku(number),
            "colour": "red",
            "price": 12.5 + number % 40,
            "caption": "a small red mug of matte ceramic",
        },
        "created_dt": "2026-03-02T09:30:00.125000+00:00",
        "updated_dt": "2026-08-17T16:05:42+00:00",
        "created_user_id": "5f1d7c52-9a0e-4b46-8f0b-7e6f9a3c2d10",
        "updated_user_id": "c2a4e9b8-16d3-4f57-a5b1-3d8e0f7a6b92",
    }


def _sku(number: int) -> str:
    return f"MUG-{number // GROUP:05}"


async def serve(delay: float) -> None:
    """Serve until the process ends; the first line printed is the port."""
    answers = {size: answer(size) for size in SIZES}
    new = asyncio.get_running_loop().create_server(lambda: Connection(answers, delay), "127.0.0.1", 0)
    async with await new as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


@contextmanager
def running(delay: float = 0.0) -> Iterator[str]:
    """The address of a server that answers after so many seconds, for as long as the `with` block runs."""
    with subprocess.Popen(command("bench.server", delay), stdout=subprocess.PIPE, text=True, cwd=HOME) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
