"""The total is a wall clock: no server, however slow, holds a call past it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import trustme
from faults.server import swallowing
from scripted_server import TOKEN

from coactive import ApiClient, ApiTimeoutError, Configuration, ServiceException
from coactive.apis import SimilaritySearchApi

TOTAL = 1.0
ALLOWED = 5.0
"""Seconds: generous, for a machine that is busy with other things."""

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"data": []}'

SERVER_HELLO = b"\x16\x03\x03\x01\x00\x02\x00\x00\xfc" + bytes(252)
"""The beginning of a handshake, so far without fault."""

Serve = Callable[[socket.socket], None]


@contextmanager
def serving(serve: Serve, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on a free port that gives each connection to `serve`, in a thread of its own."""
    stopped = threading.Event()

    def handle(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) if context else connection as spoken:
            serve(spoken)
            stopped.wait(20)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=handle, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)


def drip(data: bytes, whole: int = 0) -> Serve:
    """Receive a little, then send `whole` bytes at once and the others one by one, ten a second."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data[:whole])
        for byte in data[whole:]:
            connection.sendall(bytes([byte]))
            threading.Event().wait(0.1)

    return serve


def read_nothing(connection: socket.socket) -> None:
    threading.Event().wait(ALLOWED)


SLOW: dict[str, Serve] = {
    "no answer": read_nothing,
    "headers dripped": drip(ANSWER),
    "body dripped": drip(ANSWER.replace(b"12", b"99") + b" " * 87, len(ANSWER) - 12),
    "upload not read": read_nothing,
}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def search(host: str, file: Any = b"image", **settings: Any) -> Any:
    given: dict[str, Any] = {"access_token": TOKEN, "total_timeout": TOTAL, "retries": 5, **settings}
    with ApiClient(Configuration(host, **given)) as client:
        return SimilaritySearchApi(client).get_similar_images("e", file)


def end_of(call: Callable[[], Any]) -> ApiTimeoutError:
    began = monotonic()
    with pytest.raises(ApiTimeoutError) as caught:
        call()
    assert monotonic() - began < ALLOWED
    assert (caught.value.status, TOKEN in str(caught.value)) == (0, False)
    return caught.value


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_slow_server_cannot_hold_a_call_past_its_total(authority: trustme.CA, slow: str, tls: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
    if context:
        authority.issue_cert("127.0.0.1").configure_cert(context)
    file = bytes(30_000_000) if slow == "upload not read" else b"image"
    trusted = authority.cert_pem.bytes().decode()
    with serving(SLOW[slow], context) as port:
        host = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        error = end_of(lambda: search(host, file, ssl_ca_cert=trusted))
    assert "in time (limits in seconds: connect 5, read 60, total 1)" in str(error)


def test_a_dripped_handshake_ends_with_the_connect_timeout() -> None:
    with serving(drip(SERVER_HELLO)) as port:
        error = end_of(lambda: search(f"https://127.0.0.1:{port}", connect_timeout=0.5, total_timeout=60, retries=0))
    assert "in time (limits in seconds: connect 0.5" in str(error)


def test_a_dripped_answer_of_a_proxy_ends_with_the_total() -> None:
    with serving(drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 500)) as port:
        end_of(lambda: search("https://service.invalid", proxy=f"http://127.0.0.1:{port}"))


def test_addresses_that_swallow_the_connection_share_the_connect_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    with swallowing() as port:
        real = socket.getaddrinfo

        def three(host: str, *args: Any) -> Any:
            if host != "localhost":
                tried.append(host)
                return real(host, *args)
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, port)) for name in ("127.1", "127.0.1", "127.0.0.1")
            ]

        monkeypatch.setattr(socket, "getaddrinfo", three)
        error = end_of(lambda: search(f"http://localhost:{port}", connect_timeout=1.2, total_timeout=60, retries=0))
    assert "no connection in time (limits in seconds: connect 1.2" in str(error)
    assert tried == ["127.1", "127.0.1", "127.0.0.1"]


def test_the_next_address_of_a_name_is_tried_where_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(drip(ANSWER, len(ANSWER))) as port:
        real = socket.getaddrinfo

        def two(host: str, *args: Any) -> Any:
            if host != "localhost":
                return real(host, *args)
            first = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
            return [first, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        assert search(f"http://localhost:{port}") == {"data": []}


def test_an_unread_response_may_be_read_after_the_total(tmp_path: Path) -> None:
    with serving(drip(ANSWER, len(ANSWER) - 12)) as port:
        configuration = Configuration(f"http://127.0.0.1:{port}", access_token=TOKEN, total_timeout=0.3)
        with ApiClient(configuration) as client:
            generated: Any = SimilaritySearchApi(client).search_images_by_text_grouped
            with closing(generated("e", "q", _preload_content=False)) as unread:
                assert unread.read() == b'{"data": []}'


def test_an_error_whose_body_is_dripped_ends_with_the_total_though_it_was_to_be_given_unread() -> None:
    answer = ANSWER.replace(b"200 OK", b"503 Busy").replace(b"12", b"99") + b" " * 87
    with serving(drip(answer, len(answer) - 99)) as port:
        configuration = Configuration(f"http://127.0.0.1:{port}", access_token=TOKEN, retries=0, total_timeout=TOTAL)
        with ApiClient(configuration) as client:
            generated: Any = SimilaritySearchApi(client).search_images_by_text_grouped
            began = monotonic()
            with pytest.raises(ServiceException) as caught:
                generated("e", "q", _preload_content=False)
    assert monotonic() - began < ALLOWED
    assert caught.value.body == ""


CONNECTED = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize("tls", [False, True], ids=["http proxy", "https proxy"])
@pytest.mark.parametrize("then", [b"", SERVER_HELLO], ids=["silent", "dripping"])
def test_tls_behind_a_proxy_ends_with_the_connect_timeout(authority: trustme.CA, tls: bool, then: bytes) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serving(drip(CONNECTED + then, len(CONNECTED)), context if tls else None) as port:
        proxy = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        trusted = authority.cert_pem.bytes().decode()
        limits = {"connect_timeout": 0.6, "total_timeout": 1.5 if tls else 60, "retries": 0}
        end_of(lambda: search("https://service.invalid", proxy=proxy, ssl_ca_cert=trusted, **limits))
