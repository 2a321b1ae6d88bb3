"""An image on its way to the service: whatever the caller has it in, as bytes that can be sent again."""

from __future__ import annotations

import io
import os
import stat
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import MappingProxyType
from typing import IO, Any, Protocol, TypeAlias, cast

from coactive import media_type
from coactive.exceptions import ApiTypeError, ApiValueError

BLOCK = 128 * 1024
"""Bytes handed on at a time."""

_IN_MEMORY = 1024 * 1024
"""A spooled image up to this many bytes stays in memory; a larger one goes to a temporary file."""

_ALLOWED = "a path, bytes, a binary file, an object with read(), a PIL image or a tuple (filename, data[, media type])"


class Readable(Protocol):
    """A source of bytes, such as an open binary file."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


class PillowImage(Protocol):
    """An image of the library Pillow."""

    @property
    def mode(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> tuple[int, int]: ...  # noqa: D102
    def convert(self, mode: str) -> Any: ...  # noqa: D102
    def save(self, fp: IO[bytes], format: str | None = None) -> None: ...  # noqa: D102


ImageData: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | PillowImage
ImageFile: TypeAlias = ImageData | tuple[str | None, ImageData] | tuple[str | None, ImageData, str | None]
"""An image as an argument: a path (a str is always a path), the bytes, an open binary file (read from where it
stands, and left there), any object with `read()`, a PIL image (sent as PNG), or a tuple
`(filename, data)` or `(filename, data, media_type)` around one of these."""


class Upload(ABC):
    """An image with a name, a media type and a length in bytes; each `iter()` gives all of its bytes anew."""

    def __init__(self, filename: str | None, kind: str | None, length: int, first_bytes: bytes) -> None:
        if not length:
            raise ApiValueError("file: there are no bytes to send; it is empty, or was read to its end before")
        self.media_type = kind or media_type.of(first_bytes, filename)
        self.filename = filename or f"image{media_type.extension(self.media_type)}"
        self.length = length

    @abstractmethod
    def __iter__(self) -> Iterator[bytes | memoryview]:
        """All bytes, in blocks."""

    def detached(self) -> Upload:
        """An upload that shares nothing with the caller, who may go on with the file at once."""
        return self

    def close(self) -> None:  # noqa: B027 - there may be nothing to do
        """Give up what was opened for it; the caller's own files stay open."""


class _PathUpload(Upload):
    """An upload from a file that is opened anew each time."""

    def __init__(self, filename: str | None, kind: str | None, path: str | bytes, stream: IO[bytes]) -> None:
        self._path = path
        first_bytes = stream.read(media_type.FIRST_BYTES)
        super().__init__(filename, kind, stream.seek(0, os.SEEK_END), first_bytes)

    def __iter__(self) -> Iterator[bytes]:
        try:
            stream = open(self._path, "rb")  # noqa: SIM115, PTH123
        except OSError as error:
            raise ApiValueError(f"file: cannot read {_shown(self._path)} any more: {error.strerror}") from error
        with stream:
            if os.fstat(stream.fileno()).st_size != self.length:
                raise ApiValueError(f"file: {_shown(self._path)} changed after the call began")
            yield from _stream_blocks(stream, 0, self.length)


class _StreamUpload(Upload):
    """An upload from a stream that can seek; our own are closed at the end, the caller's are left as they were."""

    def __init__(self, filename: str | None, kind: str | None, stream: IO[bytes], own: bool) -> None:
        self._stream, self._own = stream, own
        self._start = stream.tell()
        length = stream.seek(0, os.SEEK_END) - self._start
        stream.seek(self._start)
        first_bytes = stream.read(media_type.FIRST_BYTES)
        stream.seek(self._start)
        super().__init__(filename, kind, length, first_bytes)

    def __iter__(self) -> Iterator[bytes]:
        return _stream_blocks(self._stream, self._start, self.length)

    def detached(self) -> Upload:
        return self if self._own else _spooled(self.filename, self.media_type, self._stream, rewind=True)

    def close(self) -> None:
        if self._own:
            self._stream.close()


class _MemoryUpload(Upload):
    """An upload from bytes in memory, none of them copied."""

    def __init__(self, filename: str | None, kind: str | None, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        self._view = view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())
        first_bytes = bytes(self._view[: media_type.FIRST_BYTES])
        super().__init__(filename, kind, len(self._view), first_bytes)

    def __iter__(self) -> Iterator[memoryview]:
        return (self._view[start : start + BLOCK] for start in range(0, self.length, BLOCK))

    def detached(self) -> Upload:
        if self._view.readonly:
            return self
        return _MemoryUpload(self.filename, self.media_type, self._view.tobytes())


def upload(file: ImageFile) -> Upload:
    """The argument `file` as an upload; nothing has been sent when it is refused.

    Raises:
        ApiTypeError: it is none of the types that an image can come in, or a file opened in text mode.
        ApiValueError: it cannot be read, is empty or closed; an `OSError` behind it is the `__cause__`.
    """
    filename: str | None = None
    kind: str | None = None
    data: Any = file
    if isinstance(file, tuple):
        filename, data, kind = _checked_tuple(file)
    try:
        return _from_data(data, filename, kind)
    except OSError as error:
        raise ApiValueError(f"file: cannot read {_shown(data)}: {error.strerror or error}") from error


def _from_data(data: Any, filename: str | None, kind: str | None) -> Upload:
    if isinstance(data, str | os.PathLike):
        return _from_path(os.fspath(data), filename, kind)
    if isinstance(data, bytes | bytearray | memoryview):
        return _MemoryUpload(filename, kind, data)
    pillow = sys.modules.get("PIL.Image")
    if pillow and isinstance(data, pillow.Image):
        return _from_pillow(data, filename, kind)
    if hasattr(data, "read"):
        return _from_stream(data, filename or _name_of(data), kind)
    raise ApiTypeError(f"file: expected {_ALLOWED}, got {type(data).__name__}")


def _checked_tuple(file: tuple[Any, ...]) -> tuple[str | None, Any, str | None]:
    if len(file) not in (2, 3):
        raise ApiTypeError(f"file: a tuple must be (filename, data) or (filename, data, media type), got {len(file)}")
    filename, data, kind = file if len(file) == 3 else (*file, None)
    for what, text in (("filename", filename), ("media type", kind)):
        if not isinstance(text, str | None):
            raise ApiTypeError(f"file: the {what} must be a str, got {type(text).__name__}")
    if kind is not None and not ("/" in kind and kind.isascii() and kind.isprintable()):
        raise ApiValueError(f"file: {kind!r} is no media type such as 'image/jpeg'")
    return filename, data, kind


def _from_path(path: str | bytes, filename: str | None, kind: str | None) -> Upload:
    if not path or "\0" in os.fsdecode(path):
        raise ApiValueError(f"file: {path!r} is no path")
    filename = filename or os.path.basename(os.fsdecode(path))  # noqa: PTH119 - may be bytes
    with open(path, "rb") as stream:  # noqa: PTH123
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            return _spooled(filename, kind, stream)
        return _PathUpload(filename, kind, path, stream)


def _from_stream(stream: Any, filename: str | None, kind: str | None) -> Upload:
    if getattr(stream, "closed", False):
        raise ApiValueError("file: the file is closed")
    if isinstance(stream, io.TextIOBase):
        raise ApiTypeError("file: the file is open in text mode; open it with mode 'rb'")
    try:
        seekable = stream.seekable() and stream.tell() >= 0
    except (AttributeError, OSError):
        seekable = False
    if seekable and isinstance(stream.read(0), bytes):
        return _StreamUpload(filename, kind, stream, own=False)
    return _spooled(filename, kind, stream)


def _from_pillow(image: PillowImage, filename: str | None, kind: str | None) -> Upload:
    if 0 in image.size:
        raise ApiValueError("file: the image has no pixels")
    stem = os.path.splitext(os.path.basename(getattr(image, "filename", "") or "image"))[0]  # noqa: PTH119, PTH122
    spool = _spool()
    try:
        mode = image.mode if image.mode in _PNG_MODES else _TO_PNG_MODE.get(image.mode, "RGB")
        (image if mode == image.mode else image.convert(mode)).save(spool, "PNG")
        spool.seek(0)
        return _StreamUpload(filename or f"{stem}.png", kind or "image/png", spool, own=True)
    except Exception as error:  # Pillow has many ways to fail on a closed or broken file
        spool.close()
        raise ApiValueError(f"file: cannot write the PIL image as PNG ({type(error).__name__}: {error})") from error


_PNG_MODES = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})
_TO_PNG_MODE = MappingProxyType({"I": "I;16", "F": "L", "La": "LA", "PA": "RGBA", "RGBa": "RGBA"})


def _spool() -> IO[bytes]:
    from tempfile import SpooledTemporaryFile

    return cast("IO[bytes]", SpooledTemporaryFile(_IN_MEMORY))


def _spooled(filename: str | None, kind: str | None, source: Any, *, rewind: bool = False) -> Upload:
    """A copy of what a stream has left; `rewind`: put the stream back to where it stood."""
    start = source.tell() if rewind else None
    spool = _spool()
    try:
        while block := _checked(source.read(BLOCK)):
            spool.write(block)
        spool.seek(0)
        return _StreamUpload(filename, kind, spool, own=True)
    except BaseException:
        spool.close()
        raise
    finally:
        if rewind:
            source.seek(start)


def _checked(block: Any) -> bytes:
    if isinstance(block, bytes):
        return block
    if isinstance(block, str):
        raise ApiTypeError("file: its read() gives text; open it in binary mode")
    raise ApiTypeError(f"file: its read() gives {type(block).__name__}, not bytes")


def _stream_blocks(stream: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    """Exactly `length` bytes from `start` on; the stream ends where it started."""
    try:
        stream.seek(start)
        left = length
        while left:
            if getattr(stream, "closed", False):
                raise ApiValueError("file: it was closed while it was sent")
            block = _checked(stream.read(min(BLOCK, left)))
            if not block:
                raise ApiValueError(f"file: it became shorter while it was sent, by {left:,} bytes")
            left -= len(block)
            yield block
    # urllib3 would take these for failures of the connection.
    except OSError as error:
        raise ApiValueError(f"file: reading failed: {error.strerror or error}") from error
    finally:
        if not getattr(stream, "closed", False):
            stream.seek(start)


def _name_of(stream: Any) -> str | None:
    name = getattr(stream, "name", None)
    if not isinstance(name, str) or name.startswith("<"):
        return None
    return os.path.basename(name)  # noqa: PTH119


def _shown(data: Any) -> str:
    if not isinstance(data, str):
        return repr(data) if isinstance(data, os.PathLike) else "the file"
    hint = " (an address is not fetched; a str is a path)" if "://" in data else ""
    return f"{data!r}{hint}"
