"""What a server can do wrong: small behaviours, to be put together in the table."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable
from functools import cache

from faults.server import Behaviour, Connection

ANSWER = {"data": [{"group": "mugs", "images": [{"coactive_image_id": "i-1", "score": 0.5}]}]}
GOOD = b'{"data": [{"group": "mugs", "images": [{"coactive_image_id": "i-1", "score": 0.5}]}]}'
"""A right answer to all four operations."""

LENGTH = b"Content-Length: %d" % len(GOOD)
MEBIBYTE = 2**20

Ending = Callable[[Connection], None]


def close(connection: Connection) -> None:
    """End the connection."""
    connection.close()


def cut(connection: Connection) -> None:
    """End the connection without TLS's goodbye."""
    connection.cut()


def reset(connection: Connection) -> None:
    """Reset the connection."""
    connection.reset()


def keep(_: Connection) -> None:
    """Leave the connection open for the next request."""


async def close_at_once(connection: Connection) -> None:
    """Close, without a look at what was sent."""
    connection.close()


async def reset_at_once(connection: Connection) -> None:
    """Reset, without a look at what was sent."""
    connection.reset()


async def close_in_the_handshake(connection: Connection) -> None:
    """Close after TLS's first words."""
    await connection.tunnel()
    await connection.asked()
    connection.close()


async def reset_in_the_handshake(connection: Connection) -> None:
    """Reset after TLS's first words."""
    await connection.tunnel()
    await connection.asked()
    connection.reset()


async def speak_no_tls(connection: Connection) -> None:
    """Answer TLS's first words as a plain web server does."""
    await connection.tunnel()
    await connection.asked()
    await connection.send(head(b"Content-Length: 0", status=b"400 Bad Request"))
    connection.close()


async def refuse_the_client(connection: Connection) -> None:
    """Refuse a client without a certificate."""
    await connection.refuse_in_tls()
    connection.close()


async def reset_before_the_request(connection: Connection) -> None:
    """Reset, after TLS."""
    await connection.open()
    connection.reset()


def raw(*data: bytes, then: Ending = close) -> Behaviour:
    """Read the request, send these bytes whatever they are, then end."""

    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(connection.filled_in(b"".join(data)))
        then(connection)

    return behave


def head(*headers: bytes, status: bytes = b"200 OK") -> bytes:
    """The head of an answer."""
    return b"\r\n".join([b"HTTP/1.1 " + status, *headers, b"", b""])


WHOLE = head(LENGTH) + GOOD
"""A right answer as it goes over the wire."""

STALE = head(b"Content-Length: 12") + b'{"data": []}'
"""One that nobody asked for."""


def answer(
    body: bytes | Callable[[], bytes] = GOOD,
    *headers: bytes,
    status: int = 200,
    media_type: bytes = b"application/json",
    then: Ending = keep,
) -> Behaviour:
    """Read the request and answer it as HTTP has it."""

    async def behave(connection: Connection) -> None:
        await connection.read_request()
        content = connection.filled_in(body() if callable(body) else body)
        described = (b"Content-Type: " + media_type, b"Content-Length: %d" % len(content))
        filled_in = [connection.filled_in(header) for header in headers]
        await connection.send(head(*described, *filled_in, status=b"%d Status" % status) + content)
        then(connection)

    return behave


good = answer()


def idle_then(end: Ending) -> Behaviour:
    """Answer well, and end the connection while nobody uses it."""

    async def behave(connection: Connection) -> None:
        await good(connection)
        await asyncio.sleep(0.1)
        end(connection)
        await asyncio.sleep(0.01)  # it has ended when this returns

    return behave


async def answer_twice(connection: Connection) -> None:
    """Answer well, and a while later once more, unasked."""
    await good(connection)
    await asyncio.sleep(0.1)
    await connection.send(STALE)


def chunked(*chunks: bytes, then: Ending = close) -> Behaviour:
    """Answer in chunks, which stand here with their lengths."""
    return raw(head(b"Transfer-Encoding: chunked"), *chunks, then=then)


def chunk(data: bytes) -> bytes:
    """A chunk as it should be."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def zipped(body: bytes) -> Behaviour:
    """Answer with what says that it is gzip."""
    return answer(body, b"Content-Encoding: gzip")


@cache
def _bomb(mebibytes: int, layers: int) -> bytes:
    packer = zlib.compressobj(6, wbits=31)
    packed = b"".join([*(packer.compress(bytes(MEBIBYTE)) for _ in range(mebibytes)), packer.flush()])
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


def bomb(mebibytes: int, *, layers: int = 1, status: int = 200) -> Behaviour:
    """Answer with a little gzip, perhaps in gzip, that unpacks to so many MiB of zeros."""
    encoding = b"Content-Encoding: " + b", ".join([b"gzip"] * layers)
    return answer(lambda: _bomb(mebibytes, layers), encoding, status=status)


def broken_gzip() -> bytes:
    """Gzip with a wrong checksum."""
    packed = bytearray(gzip.compress(GOOD))
    packed[-8] ^= 0xFF
    return bytes(packed)


async def never(connection: Connection) -> None:
    """Read the request and never answer."""
    await connection.read_request()
    await asyncio.Event().wait()


async def never_speak(_: Connection) -> None:
    """Neither read nor send, TLS included."""
    await asyncio.Event().wait()


def read_upload(a_second: float) -> Behaviour:
    """Read the body of the request at so many bytes a second, then answer."""

    async def behave(connection: Connection) -> None:
        await connection.read_body(await connection.read_request_head(), a_second)
        await connection.send(WHOLE)

    return behave


async def reset_in_the_upload(connection: Connection) -> None:
    """Reset after 100,000 bytes of the body."""
    await connection.read_request_head()
    await connection.read_body(100_000)
    connection.reset()


async def answer_before_the_upload(connection: Connection) -> None:
    """Answer 413 after the head, then take the rest without a look at it, as good servers do."""
    length = await connection.read_request_head()
    await connection.send(head(b"Content-Length: 0", b"Connection: close", status=b"413 Content Too Large"))
    await connection.read_body(length)
    connection.close()


async def answer_and_leave_the_upload(connection: Connection) -> None:
    """Answer 413 after the head and close, which resets what is still sent."""
    await connection.read_request_head()
    await connection.send(head(b"Content-Length: 0", b"Connection: close", status=b"413 Content Too Large"))
    connection.close()


def drip(whole: bytes, dripped: bytes, pause: float = 1.0) -> Behaviour:
    """Read the request, send a part of the answer at once and the rest byte by byte."""

    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(whole)
        await connection.drip(dripped, pause)

    return behave


async def drip_a_handshake(connection: Connection) -> None:
    """Send what could become a TLS record."""
    await connection.drip(b"\x16\x03\x03\x01\x00" + bytes(256), 0.1)


def to_connect(data: bytes, then: Ending = close) -> Behaviour:
    """Answer a proxy's CONNECT with these bytes, whatever they are, then end."""

    async def behave(connection: Connection) -> None:
        await connection.read_head()
        await connection.send(connection.filled_in(data))
        then(connection)

    return behave


async def drip_to_connect(connection: Connection) -> None:
    """Answer a proxy's CONNECT byte by byte."""
    await connection.read_head()
    await connection.drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500, 0.1)


async def never_connect(connection: Connection) -> None:
    """Never answer a proxy's CONNECT."""
    await connection.read_head()
    await asyncio.Event().wait()


def endlessly(start: bytes, piece: bytes) -> Behaviour:
    """Read the request, then send a piece again and again for as long as somebody takes it."""

    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(start)
        while True:
            await connection.send(piece)
            await asyncio.sleep(0)

    return behave
