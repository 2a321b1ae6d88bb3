"""What an argument `file` can be, and the upload that each kind becomes."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from threading import Lock
from types import MappingProxyType
from typing import IO, Any, Protocol, TypeAlias
from weakref import WeakKeyDictionary

from coactive.exceptions import ApiTypeError, ApiValueError, OpenApiException
from coactive.upload import BLOCK, FileUpload, MemoryUpload, PathUpload, Upload

_IN_MEMORY = 1024 * 1024
"""A stream's copy up to this many bytes stays in memory; a larger one goes to a temporary file."""

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
"""An image as an argument: a path (a str is always a path), the bytes, an open binary file (read from its current
position, which stays), any object with `read()`, a PIL image (sent as PNG), or a tuple `(filename, data)` or
`(filename, data, media_type)` around one of these."""


def upload(file: ImageFile) -> Upload:
    """The argument `file` as an upload; nothing has been sent when it is refused.

    Raises:
        ApiTypeError: it is none of the types that an image can come in, or a file opened in text mode.
        ApiValueError: it cannot be read, is empty or closed; what its own code raised is the `__cause__`.
    """
    filename: str | None = None
    kind: str | None = None
    data: Any = file
    if isinstance(file, tuple):
        filename, data, kind = _checked_tuple(file)
    with _readable(data):
        return _from_data(data, filename, kind)


def _from_data(data: Any, filename: str | None, kind: str | None) -> Upload:
    if isinstance(data, str | os.PathLike):
        return _from_path(os.fspath(data), filename, kind)
    if isinstance(data, bytes | bytearray | memoryview):
        return MemoryUpload(filename, kind, data)
    pillow = sys.modules.get("PIL.Image")
    if pillow and isinstance(data, pillow.Image):
        return _from_pillow(data, filename, kind)
    if hasattr(data, "read"):
        return _from_stream(data, filename or _name_of(data), kind)
    hint = "; PIL.Image.fromarray(array) makes an image of it" if hasattr(data, "__array_interface__") else ""
    raise ApiTypeError(f"file: expected {_ALLOWED}, got {type(data).__name__}{hint}")


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
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            return PathUpload(filename, kind, path, stream)
        return _from_copy(filename, kind, stream)


def _from_stream(stream: Any, filename: str | None, kind: str | None) -> Upload:
    if getattr(stream, "closed", False):
        raise ApiValueError("file: the file is closed")
    if isinstance(stream, io.TextIOBase):
        raise ApiTypeError("file: the file is open in text mode; open it with mode 'rb'")
    if not getattr(stream, "readable", lambda: True)():
        raise ApiValueError("file: the file is open for writing only")
    if type(stream) is io.BytesIO:
        return MemoryUpload(filename, kind, memoryview(stream.getvalue())[stream.tell() :])
    if _is_regular(stream):
        stream.flush()
        return FileUpload(filename, kind, stream.fileno(), stream.tell())
    return _from_copy(filename, kind, stream)


def _is_regular(stream: Any) -> bool:
    """Whether a stream is a file on disk as `open` makes it, so that its bytes can be had at any place."""
    raw = stream.raw if type(stream) in (io.BufferedReader, io.BufferedRandom) else stream
    return hasattr(os, "pread") and type(raw) is io.FileIO and stat.S_ISREG(os.fstat(raw.fileno()).st_mode)


def _from_pillow(image: PillowImage, filename: str | None, kind: str | None) -> Upload:
    if 0 in image.size:
        raise ApiValueError("file: the image has no pixels")
    if image.mode in ("I", "F"):
        raise ApiValueError(f"file: PNG cannot hold a PIL image of mode {image.mode}; convert it first, say to 'L'")
    stem = os.path.splitext(os.path.basename(getattr(image, "filename", "") or "image"))[0]  # noqa: PTH119, PTH122
    return MemoryUpload(filename or f"{stem}.png", kind or "image/png", _as_png(image))


def _as_png(image: Any) -> bytes:
    mode = image.mode if image.mode in _PNG_MODES else _TO_PNG_MODE.get(image.mode, "RGB")
    png = io.BytesIO()
    try:
        exif = image.getexif()
        (image if mode == image.mode else image.convert(mode)).save(png, "PNG", exif=exif)
        return png.getvalue()
    except Exception as error:  # Pillow has many ways to fail on a closed or broken file
        raise ApiValueError(f"file: cannot write the PIL image as PNG ({type(error).__name__}: {error})") from error


_PNG_MODES = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})
_TO_PNG_MODE = MappingProxyType({"La": "LA", "PA": "RGBA", "RGBa": "RGBA"})


def _from_copy(filename: str | None, kind: str | None, source: Any) -> Upload:
    """A copy of what a stream has left; one that can seek is put back to where it stood."""
    with _lock_of(source), _position_kept(source):
        blocks = iter(lambda: _checked(source.read(BLOCK)), b"")
        memory = io.BytesIO()
        for block in blocks:
            memory.write(block)
            if memory.tell() > _IN_MEMORY:
                return _from_large_copy(filename, kind, chain([memory.getvalue()], blocks))
        return MemoryUpload(filename, kind, memory.getvalue())


def _from_large_copy(filename: str | None, kind: str | None, blocks: Iterable[bytes]) -> Upload:
    from tempfile import TemporaryFile

    with TemporaryFile() as copy:
        copy.writelines(blocks)
        copy.flush()
        return FileUpload(filename, kind, copy.fileno(), 0)


_LOCKS: WeakKeyDictionary[Any, Lock] = WeakKeyDictionary()
"""One for each stream that is being copied, or was: two threads may have the same one in hand."""


def _lock_of(stream: Any) -> Lock:
    try:
        return _LOCKS.setdefault(stream, Lock())
    except TypeError:  # it takes no weak references
        return Lock()


@contextmanager
def _position_kept(stream: Any) -> Iterator[None]:
    try:
        position = stream.tell()
        stream.seek(position)
    except (AttributeError, OSError):
        yield
        return
    try:
        yield
    finally:
        stream.seek(position)


def _checked(block: Any) -> bytes:
    if isinstance(block, bytes):
        return block
    if isinstance(block, str):
        raise ApiTypeError("file: its read() gives text; open it in binary mode")
    raise ApiTypeError(f"file: its read() gives {type(block).__name__}, not bytes")


@contextmanager
def _readable(data: Any) -> Iterator[None]:
    """Turn whatever the caller's file raises into an error that names it."""
    try:
        yield
    except OpenApiException:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ApiValueError(f"file: cannot read {_shown(data)}: {reason}{_hint(data, error)}") from error


def _shown(data: Any) -> str:
    return repr(os.fspath(data)) if isinstance(data, str | os.PathLike) else "the file"


def _hint(data: Any, error: Exception) -> str:
    if not isinstance(data, str | os.PathLike) or not isinstance(error, FileNotFoundError):
        return ""
    if "://" in str(data):
        return "; URLs are not downloaded: pass the image itself"
    if str(data).startswith("~"):
        return "; os.path.expanduser() makes a path of it"
    return "" if os.path.isabs(data) else f" in {os.getcwd()!r}"  # noqa: PTH109, PTH117


def _name_of(stream: Any) -> str | None:
    name = getattr(stream, "name", None)
    if not isinstance(name, str) or name.startswith("<"):
        return None
    return os.path.basename(name)  # noqa: PTH119
