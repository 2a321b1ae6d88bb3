"""A server on a free port of loopback that answers what it is told to, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import coactive

_REASONS = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Where Pythons differ."""

TOKEN = 'an-id:a/secret"of-some\\length'


@dataclass
class Seen:
    """A request as it came."""

    method: str
    target: str
    headers: Message
    body: bytes


@dataclass
class Reply:
    """What to answer: an HTTP answer, or raw bytes after which the connection ends."""

    status: int = 200
    body: bytes = b'{"data": []}'
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = "application/json"
    raw: bytes | None = None
    hold: threading.Event | None = None
    """Wait for this before answering."""

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(value).encode(), named)


Answer = Reply | Callable[[Seen], Reply]


class ScriptedServer:
    """Answers its `replies` in order and the last one for ever."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: list[Seen] = []
        self.connections = 0
        self.replies: list[Answer] = [Reply()]
        self._lock = threading.Lock()

    def reply(self, *replies: Answer) -> None:
        self.replies = list(replies)

    def next_reply(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            answer = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return answer if isinstance(answer, Reply) else answer(seen)

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configuration(self, **settings: Any) -> coactive.Configuration:
        return coactive.Configuration(**{"host": self.host, "access_token": TOKEN, **settings})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scripted: ScriptedServer

    def setup(self) -> None:
        self.scripted.connections += 1
        super().setup()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply = self.scripted.next_reply(Seen(self.command, self.path, self.headers, body))
        if reply.hold:
            reply.hold.wait(30)
        try:
            self._send(reply)
        except OSError:
            self.close_connection = True

    def _send(self, reply: Reply) -> None:
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = True
            return
        self.send_response(reply.status, _REASONS.get(reply.status))
        if reply.content_type:
            self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = _serve  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # more at once than it holds would wait a second for their next try

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away early is no error of the server's."""


@contextmanager
def scripted_server(context: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """The server, for as long as the `with` block runs; with a TLS context it speaks https."""

    class Handler(_Handler):
        pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        Handler.scripted = scripted = ScriptedServer(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield scripted
        finally:
            server.shutdown()
            thread.join()


def unused_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
