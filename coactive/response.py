"""What a call gives beside its bare answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from urllib3 import HTTPHeaderDict

T = TypeVar("T")


class RawResponse:
    """An answer as it came: not read into a model, not checked.

    Attributes:
        status: the HTTP status.
        reason: the status in words.
        headers: by name, in any case.
        data: the body, its content encoding (gzip, deflate) undone.
        tries: how often the request was sent, retries included.
    """

    def __init__(
        self, status: int, reason: str | None, headers: HTTPHeaderDict, data: bytes, *, tries: int = 1
    ) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.data = data
        self.tries = tries

    def json(self) -> Any:
        """The body as plain Python values.

        Raises:
            ValueError: it is no JSON.
        """
        return json.loads(self.data)

    def __repr__(self) -> str:
        return f"RawResponse({self.status} {self.reason}, {len(self.data):,} bytes)"


class _Triple(NamedTuple, Generic[T]):
    data: T
    status: int
    headers: HTTPHeaderDict


class ApiResponse(_Triple[T]):
    """A response with what HTTP said of it, as a named tuple `(data, status, headers)`.

    Attributes:
        data: what the operation returns.
        status: the HTTP status.
        headers: by name, in any case.
        tries: how often the request was sent, retries included.
    """

    tries = 1
