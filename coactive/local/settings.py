"""What a service is told: which images it serves, how, where and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

from coactive.local.http.credentials import TOKEN_LIFETIME
from coactive.local.metadata import FROM_PANDAS

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The arguments of `coactive.local.running`, and the seconds for which a token of the login is good."""

    folder: str | PathLike[str] | None = None
    metadata: str | PathLike[str] | None = None
    index: str | PathLike[str] | None = None
    rehash: bool = False
    encoder: str | None = None
    host: str = LOOPBACK
    port: int = 0
    client_id: str | None = None
    client_secret: str | None = None
    faults: str = ""
    token_lifetime: int = TOKEN_LIFETIME

    def check(self) -> None:
        """Raise TypeError or ValueError for what can be told to be wrong without a look at the files."""
        _check_path("folder", self.folder)
        _check_path("metadata", self.metadata, f"; a data frame is saved by {FROM_PANDAS}")
        _check_path("index", self.index)
        if self.folder is None and self.metadata is not None:
            raise ValueError("metadata: it goes with a folder; the demo's catalogue has its own")
        if self.folder is None and self.index is not None:
            raise ValueError("index: it goes with a folder; the demo's catalogue is drawn anew each time")
        _check_type("host", self.host, str, "a str")
        _check_type("port", self.port, int, "an int")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port: from 0 (any free one) to 65535, not {self.port}")


def _check_type(name: str, value: object, expected: type, words: str) -> None:
    if not isinstance(value, expected):
        raise TypeError(f"{name}: expected {words}, got {type(value).__name__}")


def _check_path(name: str, value: object, hint: str = "") -> None:
    if value is not None and not isinstance(value, str | PathLike):
        raise TypeError(f"{name}: expected a path or None, got {type(value).__name__}{hint}")
