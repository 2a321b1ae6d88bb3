"""A loopback server that keeps each request as it came, and says it in JSON that a person can read."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = b'{"data": []}'
BOUNDARY = "; boundary="
COMPARED_HEADERS = ("Accept", "Authorization", "Content-Type")
CRLF = b"\r\n"


@dataclass
class Recorder:
    """Where the server listens, and the requests it got, each as `describe` says it."""

    host: str
    requests: list[dict[str, Any]]


@contextmanager
def recording() -> Iterator[Recorder]:
    """Serve on a free loopback port, answering everything with an empty result."""
    requests: list[dict[str, Any]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(requests)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Recorder(f"http://127.0.0.1:{server.server_port}", requests)
        finally:
            server.shutdown()
            thread.join()


def _handler(requests: list[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            requests.append(describe(self.requestline, self.headers.items(), body))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(ANSWER)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(ANSWER)

        do_GET = do_POST = answer  # noqa: N815 -- the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def describe(line: str, headers: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """Say a request: its line, the headers that are compared and its form, with the boundary left out."""
    compared = sorted((name.title(), value) for name, value in headers if name.title() in COMPARED_HEADERS)
    described: dict[str, Any] = {"line": line, "headers": dict(compared)}
    if len(described["headers"]) != len(compared):
        raise ValueError(f"a header came twice: {compared}")
    kind, found, boundary = described["headers"].get("Content-Type", "").partition(BOUNDARY)
    if found:
        described["headers"]["Content-Type"] = f"{kind}{found}BOUNDARY"
        described["form"] = [_describe_part(part) for part in split_form(body, boundary.encode("ascii"))]
    elif body:
        described["body"] = _describe_bytes(body)
    return described


def split_form(body: bytes, boundary: bytes) -> list[bytes]:
    """Cut a form at its boundary. Whatever is not part and boundary is an error, so nothing is lost."""
    delimiter = b"--" + boundary
    start, end = delimiter + CRLF, CRLF + delimiter + b"--" + CRLF
    if not (boundary and body.startswith(start) and body.endswith(end)):
        raise ValueError(f"not a form with the boundary {boundary!r}: {body!r}")
    return body[len(start) : -len(end)].split(CRLF + start)


def _describe_part(part: bytes) -> dict[str, Any]:
    head, found, body = part.partition(CRLF + CRLF)
    if not found:
        raise ValueError(f"a part without an end to its headers: {part!r}")
    return {"headers": head.decode("utf-8").split("\r\n"), "body": _describe_bytes(body)}


def _describe_bytes(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}
