"""Serves the faults that were ordered, in place of the answers to searches."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from starlette.formparsers import MultiPartException
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coactive.local.http.connection import Connection
from coactive.local.http.faults import Fault, Faults

PAGE = "<!DOCTYPE html>\n<html><head><title>Proxy</title></head><body><h1>Sign in to go on</h1></body></html>\n"


class Failing:
    """An ASGI application around another one: each request that one of the `searches` matches takes a fault."""

    def __init__(self, app: ASGIApp, searches: Sequence[BaseRoute], faults: Faults) -> None:
        self._app = app
        self._searches = searches
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_search = any(route.matches(scope)[0] is Match.FULL for route in self._searches)
        app = _failing(self._app, self._faults.take()) if is_search else self._app
        await app(scope, receive, send)


def _failing(app: ASGIApp, fault: Fault) -> ASGIApp:
    """An application that answers one request as the fault says."""
    match fault.kind:
        case "status":
            return _error(fault)
        case "html":
            return HTMLResponse(PAGE)
        case "reset":
            return _reset
        case "cut":
            return _cut(app)
        case "slow":
            return _slow(app, fault.seconds)
    return app


def _error(fault: Fault) -> JSONResponse:
    words = f"this fault was ordered: {fault.text}"
    detail = [{"loc": ["body"], "msg": words, "type": "ordered"}] if fault.status == 422 else words
    headers = {"Retry-After": fault.retry_after} if fault.retry_after else None
    return JSONResponse({"detail": detail}, fault.status, headers)


async def _reset(scope: Scope, receive: Receive, _: Send) -> None:
    # A client that could send its whole request finds the reset where it reads the answer, whatever the size.
    with suppress(MultiPartException):
        while (await receive()).get("more_body", False):
            pass
    await Connection.of(scope).reset()


def _cut(app: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_half(message: Message) -> None:
            body = message.get("body", b"")
            if not body:
                await send(message)
                return
            await send({**message, "body": body[: len(body) // 2], "more_body": True})
            await Connection.of(scope).close()

        await app(scope, receive, send_half)

    return answer


def _slow(app: ASGIApp, seconds: float) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await Connection.of(scope).hold(seconds)
            await send(message)

        await app(scope, receive, send_late)

    return answer
