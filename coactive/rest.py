"""HTTP, by urllib3: a request goes in; a response, or an exception of ours, comes out."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

import urllib3
from urllib3 import exceptions

from coactive import redaction
from coactive.exceptions import CLOSED, ApiDecodeError, ApiValueError
from coactive.network_error import FAILURES, raise_ours
from coactive.response import RawResponse
from coactive.route import Route
from coactive.wire import HttpRequest

if TYPE_CHECKING:
    from coactive.configuration import Configuration

_PIECE = 64 * 1024
"""Bytes received at a time where their number is limited: compressed, they may stand for a thousand times as many."""

logger = logging.getLogger("coactive")


class Rest:
    """The connections of one client: at most `connections` to the service at a time, kept alive between calls."""

    def __init__(self, configuration: Configuration, connections: int) -> None:
        self._configuration = configuration
        self._connections = connections
        self._routes: dict[tuple[str, bool], Route] = {}
        self._closed = False
        self._lock = threading.Lock()

    def open(self, request: HttpRequest, *, read: bool) -> urllib3.BaseHTTPResponse:
        """Send a request and give the answer with its body unread.

        Args:
            request: what to send.
            read: whether `read` comes next. Else the response is the user's to read, to close or to forget, and
                takes none of the connections that other calls wait for.

        Raises:
            ApiException: no answer came; status 0.
        """
        route = self._route(request.url, block=read)
        began = monotonic()
        try:
            response = route.send(request)
        except FAILURES as error:
            raise_ours(error, request.url, request.clock, [*request.secrets, *route.secrets])
        if logger.isEnabledFor(logging.DEBUG):
            address = request.url.partition("?")[0]  # a query may hold a secret
            logger.debug("%s %s: %s after %.3f s", request.method, address, response.status, monotonic() - began)
        return response

    def read(self, response: urllib3.BaseHTTPResponse, request: HttpRequest) -> RawResponse:
        """Read the answer to a request whole.

        Raises:
            ApiException: it broke off.
            ApiDecodeError: its content encoding is broken, or it is larger than `max_response_bytes`.
        """
        try:
            data = _read_up_to(self._configuration.max_response_bytes, response, request)
        except Exception as error:
            response.close()
            _release(response)
            if isinstance(error, exceptions.DecodeError):
                problem = f"its content encoding is broken: {error}"
                raise _undecodable(response, request, problem) from redaction.of_error(error, request.secrets)
            if isinstance(error, FAILURES):
                raise_ours(error, request.url, request.clock, request.secrets)
            raise
        _release(response)
        return RawResponse(response.status, response.reason, response.headers, data)

    def begin_anew(self) -> None:
        """Give up all connections: after an interrupt, which may have come in the middle of urllib3's bookkeeping."""
        self._routes = {}

    def close(self) -> None:
        """Close every connection that is not in use."""
        with self._lock:
            self._closed = True
            for route in self._routes.values():
                route.close()

    def _route(self, url: str, *, block: bool) -> Route:
        origin = url[: url.index("/", len("https://"))]
        with self._lock:
            if self._closed:
                raise ApiValueError(CLOSED)
            if (origin, block) not in self._routes:
                route = Route(self._configuration, origin, connections=self._connections, block=block)
                self._routes[origin, block] = route
            return self._routes[origin, block]


def _release(response: urllib3.BaseHTTPResponse) -> None:
    """Give the connection back; an interrupt of another call may have filled its place meanwhile."""
    with suppress(exceptions.FullPoolError):
        response.release_conn()


def _read_up_to(most: int | None, response: urllib3.BaseHTTPResponse, request: HttpRequest) -> bytes:
    """The body with its content encoding undone, in pieces unless it is known to be small enough."""
    length, coding = response.length_remaining, response.headers.get("Content-Encoding", "")
    if most is not None and length is not None and length <= most and not coding:
        return response.read(decode_content=True)
    if "," in coding:
        raise _undecodable(response, request, "the response is compressed more than once")
    pieces, size = [], 0
    while piece := response.read(_PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if most is not None and size > most:
            raise _undecodable(response, request, f"the response is larger than max_response_bytes, {most:,}")
    return b"".join(pieces)


def _undecodable(response: urllib3.BaseHTTPResponse, request: HttpRequest, problem: str) -> ApiDecodeError:
    unread = RawResponse(response.status, response.reason, response.headers, b"")
    hidden = redaction.of_response(unread, request.secrets)
    return ApiDecodeError(http_resp=hidden, explanation=redaction.of_text(problem, request.secrets))
