"""What a call gives beside its bare answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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
    """

    def __init__(self, status: int, reason: str | None, headers: HTTPHeaderDict, data: bytes) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.data = data

    def json(self) -> Any:
        """The body as plain Python values.

        Raises:
            ValueError: it is no JSON.
        """
        return json.loads(self.data)

    def __repr__(self) -> str:
        return f"RawResponse({self.status} {self.reason}, {len(self.data):,} bytes)"


class ApiResponse(Generic[T]):
    """An answer with what HTTP said of it; unpacks as `data, status, headers`.

    Attributes:
        data: what the operation returns.
        status: the HTTP status.
        headers: by name, in any case.
    """

    __match_args__ = ("data", "status", "headers")

    def __init__(self, data: T, status: int, headers: HTTPHeaderDict) -> None:
        self.data = data
        self.status = status
        self.headers = headers

    def __iter__(self) -> Iterator[Any]:
        return iter((self.data, self.status, self.headers))

    def __repr__(self) -> str:
        return f"ApiResponse(status={self.status}, data={self.data!r})"
