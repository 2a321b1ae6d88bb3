"""A response as it is received, by the clock of the call that it ends."""

from __future__ import annotations

import io
import socket
from http.client import SWITCHING_PROTOCOLS, HTTPException, HTTPMessage, HTTPResponse, parse_headers
from typing import Any

from coactive.clock import Clock
from coactive.head import Head, plain_head

_BUFFER = 64 * 1024
"""Bytes received at a time: the whole answer of most searches."""

_INFORMATIONAL = 100
"""Answers of status 1xx that may come before the one that counts."""


class Response(HTTPResponse):
    """A response that is received by a clock, its status line and headers included."""

    def __init__(self, clock: Clock, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: Any = _LineReader(_TimedReader(clock, sock, self.fp.detach()), _BUFFER)

    def begin(self) -> None:
        """Receive the head of the answer."""
        head = None if self.debuglevel else plain_head(self.fp.peek())  # http.client prints what it reads
        if head:
            self._begin_with(head)
            return
        super().begin()
        self.fp.in_headers = False
        self.msg.defects.clear()  # urllib3 would log the lines that are no headers, and with them what they repeat
        self.msg.set_payload("")

    def _begin_with(self, head: Head) -> None:
        self.fp.read(head.size)
        self.code = self.status = head.status
        self.reason, self.version = head.reason, 11
        self.headers = self.msg = HTTPMessage()
        for name, value in head.headers:
            self.msg.set_raw(name, value)
        self.msg.set_payload("")
        self.will_close = self._check_close()  # type: ignore[attr-defined]
        self.chunked, self.length = False, head.length

    def _read_status(self) -> tuple[str, int, str]:
        """The status line of the answer that counts; http.client takes a 102 or 103 for it, and 100s without end."""
        for _ in range(_INFORMATIONAL):
            self.fp.in_headers = False
            version, status, reason = super()._read_status()  # type: ignore[misc]
            self.fp.in_headers = True
            if not 100 <= status < 200 or status == SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)
        raise HTTPException(f"more than {_INFORMATIONAL} answers of status 1xx")

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise HTTPException("a chunk of negative size")  # which http.client reads to its end, in one piece
        return size


class _LineReader(io.BufferedReader):
    """Gives lines that came whole: http.client takes the end of a connection for that of a line, or of the head."""

    in_headers = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if line.endswith(b"\n") or len(line) == size or not (line or self.in_headers):
            return line
        raise HTTPException("the answer broke off within its head or a line")


class _TimedReader(io.RawIOBase):
    def __init__(self, clock: Clock, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._clock, self._sock, self._raw = clock, sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._clock.within(self._clock.limits.read))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
