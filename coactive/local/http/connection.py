"""A client's connection below HTTP, for what an application cannot do to it."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from contextlib import suppress
from typing import Any

from starlette.types import Scope

STATE = "coactive.connection"
"""Where the connection stands in the `state` of a request's scope."""

_NO_LINGERING = struct.pack("ii" if os.name == "posix" else "hh", 1, 0)


class Connection:
    """The connection of one client.

    `reset` and `close` return when the server has taken note of the end: before, it would miss the answer.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._gone = asyncio.Event()
        self._held = False

    @staticmethod
    def of(scope: Scope) -> Connection:
        """The connection that a request came by."""
        connection: Connection = scope["state"][STATE]
        return connection

    def state(self, others: dict[str, Any]) -> dict[str, Any]:
        """The `state` of this connection's requests."""
        return {**others, STATE: self}

    async def reset(self) -> None:
        """End it by TCP's reset."""
        self._abort()
        await self.hold(None)

    async def close(self) -> None:
        """End it after what was sent."""
        self._transport.close()
        await self.hold(None)

    async def hold(self, seconds: float | None) -> None:
        """Wait for some seconds (None: for ever), or until it is gone."""
        self._held = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        self._held = False

    def lost(self) -> None:
        """Take note that it is gone."""
        self._gone.set()

    def release(self) -> None:
        """Reset it if it is held, because the service ends."""
        if self._held:
            self._abort()

    def _abort(self) -> None:
        if self._gone.is_set():
            return
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
        self._transport.abort()
