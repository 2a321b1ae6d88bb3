"""Stands before the service: lets in who has the token, bounds what is sent, gives answers their request id."""

from __future__ import annotations

import asyncio
import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.formparsers import MultiPartException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coactive.local.http.credentials import Tokens
from coactive.local.http.login import LOGIN

PROTECTED = "/api/"
ASK_FOR_BEARER = "no bearer token: send Authorization: Bearer CLIENT_ID:CLIENT_SECRET"
ASK_FOR_BASIC = "no credentials: send Authorization: Basic, then CLIENT_ID:CLIENT_SECRET in base64"
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
PATIENCE = 2.0
"""Seconds without a byte after which a client that was already answered is taken to have stopped sending."""


class Gate:
    """An ASGI application around another one: 403, 401 and 413 are answered here, before a body is read.

    A client must send one of the `tokens` as its bearer token, or to the login its id and secret; `max_bytes` is
    the largest body that is taken.
    """

    def __init__(self, app: ASGIApp, *, tokens: Tokens, max_bytes: int) -> None:
        self._app = app
        self._tokens = tokens
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        exchange = _Exchange(receive, send, _request_id(headers), self._max_bytes)
        answer = self._refusal(scope["path"], headers) or self._app
        await answer(scope, exchange.receive, exchange.send)

    def _refusal(self, path: str, headers: Headers) -> JSONResponse | None:
        return self._to_a_stranger(path, headers) or self._to_too_much(headers)

    def _to_a_stranger(self, path: str, headers: Headers) -> JSONResponse | None:
        if not path.startswith(PROTECTED):
            return None
        if path == LOGIN:
            wanted, please, problem_of = "Basic", ASK_FOR_BASIC, self._tokens.problem_of_basic
        else:
            wanted, please, problem_of = "Bearer", ASK_FOR_BEARER, self._tokens.problem_of_bearer
        scheme, _, given = headers.get("authorization", "").partition(" ")
        credentials = given.strip().encode("latin-1")
        if scheme.lower() != wanted.lower() or not credentials:
            return _error(403, please)
        problem = problem_of(credentials)
        return _error(401, problem, {"WWW-Authenticate": wanted}) if problem else None

    def _to_too_much(self, headers: Headers) -> JSONResponse | None:
        length = headers.get("content-length", "")
        return _error(413, _too_large(self._max_bytes)) if length.isdigit() and int(length) > self._max_bytes else None


class _Exchange:
    """One request and its answer."""

    def __init__(self, receive: Receive, send: Send, request_id: str, max_bytes: int) -> None:
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._max_bytes = max_bytes
        self._received = 0
        self._all_received = False
        self._too_large = False

    async def receive(self) -> Message:
        """The next piece of the body; raises MultiPartException when there is one too many, or no more to come."""
        whole = self._all_received
        message = await self._next()
        # Of all exceptions this one alone has every Starlette close the files that it has begun to write.
        if message["type"] == "http.disconnect" and not whole:
            raise MultiPartException("the client hung up")
        if self._received > self._max_bytes:
            self._too_large = True
            raise MultiPartException(_too_large(self._max_bytes))
        return message

    async def send(self, message: Message) -> None:
        """A piece of the answer, and with the last one the rest of the request's body, thrown away.

        A connection that is closed on a client that still sends is reset, and the answer lost on its way.
        """
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["X-Request-ID"] = self._request_id
            await self._send({**message, "status": 413 if self._too_large else message["status"]})
        elif message.get("more_body", False) or self._all_received:
            await self._send(message)
        else:
            await self._send({**message, "more_body": True})
            await self._drain()
            await self._send({"type": "http.response.body"})

    async def _next(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        self._all_received = not message.get("more_body", False)
        return message

    async def _drain(self) -> None:
        try:
            while not self._all_received:
                await asyncio.wait_for(self._next(), PATIENCE)
        except TimeoutError:
            pass


def _request_id(headers: Headers) -> str:
    """The id that the client gave, if it can be handed on without harm, or a new one."""
    given = headers.get("x-request-id", "")
    return given if SANE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _error(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status, headers)


def _too_large(max_bytes: int) -> str:
    return f"the request is larger than {max_bytes / 2**20:g} MiB"
