"""A plain head is read at once, and as http.client would; every other one is left to it."""

from __future__ import annotations

import io
import socket
from http.client import HTTPResponse
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coactive.clock import Clock
from coactive.head import plain_head
from coactive.incoming import Response
from coactive.timeout import Timeouts

TOKENS = st.text("!#$%&'*+.^_`|~-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1)
VALUES = st.text("\t !\"#%&'()*+,-./:;<=>?@[]^_`{|}~0aZ")
FRAMING = st.sampled_from(["Content-Length", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive"])
HEADERS = st.lists(st.tuples(TOKENS | FRAMING, VALUES | st.integers(-1, 10**16).map(str)), max_size=8)


def head(*headers: str, status_line: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([status_line, *headers, "", ""]).encode("latin-1")


class _Connected:
    """What http.client wants of a socket."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, mode: str) -> Any:
        return io.BufferedReader(io.BytesIO(self._received))


def as_http_client_reads_it(received: bytes) -> tuple[Any, ...]:
    response: Any = HTTPResponse(_Connected(received))  # type: ignore[arg-type]
    response.begin()
    assert not response.chunked
    read = received.removesuffix(response.fp.read())
    return response.status, response.reason, response.msg.items(), response.length, len(read)


@given(HEADERS, st.sampled_from(["OK", "", "Not  Found ", "\tI'm a teapot"]), st.integers(200, 599))
def test_a_plain_head_is_read_as_http_client_reads_it(headers: list[tuple[str, str]], reason: str, status: int) -> None:
    lines = [f"{name}:{value}" for name, value in [*headers, ("Content-Length", "7")]]
    received = head(*lines, status_line=f"HTTP/1.1 {status} {reason}") + b"a body"
    plain = plain_head(received)
    if plain:
        assert tuple(plain) == as_http_client_reads_it(received)
    else:
        framing = [name.lower() for name, _ in headers]
        assert "content-length" in framing or "transfer-encoding" in framing or status in (204, 304)


def test_a_head_may_have_as_many_headers_as_http_client_takes() -> None:
    most = head("Content-Length: 5", *[f"Name-{number}: a" for number in range(98)])
    plain = plain_head(most)
    assert plain
    assert tuple(plain) == as_http_client_reads_it(most)


@pytest.mark.parametrize(("header", "closes"), [("Connection: close", True), ("Connection: keep-alive", False)])
def test_a_plain_head_says_whether_the_connection_goes_on(header: str, closes: bool) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(head("Content-Length: 0", header))
        response: Any = Response(Clock(Timeouts(total=20)), ours)
        response.begin()
        assert (response.will_close, response.status, response.length) == (closes, 200, 0)
        response.close()


@pytest.mark.parametrize(
    "received",
    [
        b"",
        head("Content-Length: 5")[:-1],
        head(),
        head("Content-Type: text/plain"),
        head("Content-Length: 5", "Content-Length: 5"),
        head("Content-Length: 5", "Transfer-Encoding: chunked"),
        head("Content-Length: -5"),
        head("Content-Length: +5"),
        head("Content-Length: 5, 5"),
        head("Content-Length: "),
        head("Content-Length: " + "9" * 16),
        head("Content-Length: 5", "Folded: a", " b"),
        head("Content-Length : 5"),
        head("Content-Length: 5", "no colon"),
        head("Content-Length: 5", ": no name"),
        head("Content-Length: 5", "Name: caf\xe9"),
        head("Content-Length: 5", "Name: a\x00b"),
        head("Content-Length: 5", "Name: a\rb"),
        head("Content-Length: 5", "Name: a\nb"),
        head("Content-Length: 5", *[f"Name-{number}: a" for number in range(99)]),
        head("Content-Length: 5").replace(b"\r\n", b"\n"),
        head("Content-Length: 5", status_line="HTTP/1.0 200 OK"),
        head("Content-Length: 5", status_line="HTTP/1.1 200"),
        head("Content-Length: 5", status_line="HTTP/1.1 100 Continue"),
        head("Content-Length: 5", status_line="HTTP/1.1 204 No Content"),
        head("Content-Length: 5", status_line="HTTP/1.1 304 Not Modified"),
        head("Content-Length: 5", status_line="HTTP/1.1 600 Odd"),
        head("Content-Length: 5", status_line=" HTTP/1.1 200 OK"),
    ],
)
def test_what_is_unusual_in_a_head_leaves_it_to_http_client(received: bytes) -> None:
    assert plain_head(received) is None
