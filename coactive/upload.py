"""An image on its way to the service, as bytes that can be sent again and again, in any thread."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

from coactive import media_type
from coactive.exceptions import ApiValueError

BLOCK = 128 * 1024
"""Bytes handed on at a time."""


class Upload(ABC):
    """An image with a name, a media type and a length in bytes; each `iter()` gives all of its bytes anew.

    None of them touches the position of a file of the caller's.
    """

    def __init__(self, filename: str | None, kind: str | None, length: int, first_bytes: bytes) -> None:
        if not length:
            raise ApiValueError("file: there are no bytes to send; it is empty, or was read to its end before")
        self.media_type = kind or media_type.of(first_bytes, filename)
        self.filename = filename or f"image{media_type.extension(self.media_type)}"
        self.length = length

    @abstractmethod
    def __iter__(self) -> Iterator[bytes | memoryview]:
        """All bytes, in blocks.

        Raises:
            ApiValueError: they can no longer be read, or are no longer the same number.
        """

    def detached(self) -> Upload:
        """An upload that shares nothing that the caller may change."""
        return self

    def close(self) -> None:  # noqa: B027 - there may be nothing to do
        """Give up what was opened for it; the caller's own files stay open."""


class MemoryUpload(Upload):
    """From bytes in memory, none of them copied."""

    def __init__(self, filename: str | None, kind: str | None, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        self._view = view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())
        first_bytes = bytes(self._view[: media_type.FIRST_BYTES])
        super().__init__(filename, kind, len(self._view), first_bytes)

    def __iter__(self) -> Iterator[memoryview]:
        return (self._view[start : start + BLOCK] for start in range(0, self.length, BLOCK))

    def detached(self) -> Upload:  # noqa: D102
        if type(self._view.obj) is bytes:
            return self
        return MemoryUpload(self.filename, self.media_type, self._view.tobytes())


class PathUpload(Upload):
    """From a file that is opened anew each time, and must stay what it was."""

    def __init__(self, filename: str | None, kind: str | None, path: str | bytes, stream: IO[bytes]) -> None:
        self._path = os.path.abspath(path)  # noqa: PTH100 - may be bytes
        self._state = _state(stream)
        first_bytes = stream.read(media_type.FIRST_BYTES)
        super().__init__(filename, kind, stream.seek(0, os.SEEK_END), first_bytes)

    def __iter__(self) -> Iterator[bytes]:
        with _reading(), open(self._path, "rb", buffering=0) as stream:  # noqa: PTH123
            if _state(stream) != self._state:
                raise ApiValueError(f"file: {os.fsdecode(self._path)!r} changed after the call began")
            yield from _blocks(stream.fileno(), 0, self.length)


class FileUpload(Upload):
    """From an open file, through a handle of its own: the caller may read on in the file, or close it."""

    def __init__(self, filename: str | None, kind: str | None, handle: int, start: int) -> None:
        self._handle = os.dup(handle)
        try:
            self._start = start
            length = max(os.fstat(handle).st_size - start, 0)
            super().__init__(filename, kind, length, _read_at(handle, media_type.FIRST_BYTES, start))
        except BaseException:
            os.close(self._handle)
            raise

    def __iter__(self) -> Iterator[bytes]:
        with _reading():
            yield from _blocks(self._handle, self._start, self.length)

    def close(self) -> None:  # noqa: D102
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class _HasNumber(Protocol):
    def fileno(self) -> int: ...


def _state(stream: _HasNumber) -> tuple[int, int, int, int]:
    status = os.fstat(stream.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _blocks(handle: int, start: int, length: int) -> Iterator[bytes]:
    """Exactly `length` bytes from `start` on, without a look at the handle's own position."""
    end = start + length
    while start < end:
        block = _read_at(handle, min(BLOCK, end - start), start)
        if not block:
            raise ApiValueError(f"file: it became shorter while it was sent, by {end - start:,} bytes")
        start += len(block)
        yield block


def _read_at(handle: int, size: int, place: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(handle, size, place)
    os.lseek(handle, place, os.SEEK_SET)  # pragma: no cover - Windows
    return os.read(handle, size)  # pragma: no cover - Windows


@contextmanager
def _reading() -> Iterator[None]:
    """Keep a failure of the caller's file apart from one of the connection, which urllib3 would take it for."""
    try:
        yield
    except OSError as error:
        raise ApiValueError(f"file: it can no longer be read: {error.strerror}") from error
