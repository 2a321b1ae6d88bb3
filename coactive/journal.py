"""What was searched: the fingerprint of a search, and a file of answers that outlives the run which got them."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from contextlib import ExitStack, suppress
from hashlib import blake2b
from itertools import takewhile
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from urllib3 import HTTPHeaderDict

from coactive import answer
from coactive.exceptions import ApiDecodeError, ApiValueError
from coactive.model.base import to_json
from coactive.response import RawResponse
from coactive.upload import PathUpload, Upload

if TYPE_CHECKING:
    from coactive.request import Request

T = TypeVar("T")

_HEADER = {"journal": "coactive.bulk", "version": 1}
_LINE = re.compile(rb'\{"key":"([0-9a-f]{32})","answer":(.+)\}\n')


def fingerprint(service: str, operation: str, request: Request[Any]) -> bytes:
    """What searches have in common that ask the same of the same service, and no others.

    An image counts by its name, its media type and its bytes; one that is given as a path by its absolute path, its
    size and the time of its last change, so that it need not be read. Options do not count.

    Args:
        service: the address of the service.
        operation: the name of the operation.
        request: what it made of its arguments.

    Raises:
        ApiValueError: the image can no longer be read.
    """
    image = request.form and request.form.image
    whole = [service, operation, request.texts, image and [image.filename, image.media_type, *_content(image)]]
    return blake2b(json.dumps(whole, sort_keys=True).encode(), digest_size=16).digest()


def _content(image: Upload) -> list[str | int]:
    if isinstance(image, PathUpload):
        _, _, size, changed = image._state
        return [os.fsdecode(image._path), size, changed]
    digest = blake2b()
    for block in image:
        digest.update(block)
    return [digest.hexdigest()]


class Journal:
    """A file of answers in JSON Lines, for one run at a time; only where each of them stands is kept in memory.

    A last line that was not written to its end is cut off.

    Args:
        path: the file; it is made if there is none.
        operation: the name of the operation that gives the answers.

    Raises:
        ApiValueError: the file cannot be used, is not a journal of that operation, or another run has it.
    """

    def __init__(self, path: str | os.PathLike[str], operation: str) -> None:
        self._path = os.fspath(path)
        self._header = f"{json.dumps({**_HEADER, 'operation': operation})}\n".encode()
        self._places: dict[bytes, int] = {}
        self._size = 0
        self._lock = Lock()
        try:
            with ExitStack() as undo:
                self._file = undo.enter_context(open(path, "a+b", buffering=0))  # noqa: PTH123
                if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                    raise self._problem("it is no regular file")
                self._reader = undo.enter_context(open(path, "rb"))  # noqa: PTH123
                if not _locked(self._file.fileno()):
                    raise self._problem("another run is using it")
                self._read_through()
                undo.pop_all()
        except OSError as error:
            raise self._problem(f"it cannot be used: {error.strerror}") from error

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def read(self, key: bytes, request: Request[T]) -> T:
        """The answer to a search, as what its request returns.

        Raises:
            ApiValueError: it was damaged.
        """
        self._reader.seek(self._places[key])
        found = _LINE.fullmatch(self._reader.readline())
        raw = RawResponse(200, "OK", HTTPHeaderDict(), found[2] if found else b"damaged")
        try:
            return answer.to(request, raw)
        except ApiDecodeError:
            raise self._damaged(self._number_of(key)) from None

    def write(self, key: bytes, given: Any) -> None:
        """Append the answer to a search; nothing once the journal is closed.

        Raises:
            ApiValueError: it cannot be written.
        """
        text = json.dumps(to_json(given), separators=(",", ":"))
        with self._lock:
            if not self._file.closed:
                place = self._size
                self._append(f'{{"key":"{key.hex()}","answer":{text}}}\n'.encode())
                self._places[key] = place

    def close(self) -> None:
        """Leave the file to other runs."""
        with self._lock:
            if not self._file.closed:
                _unlock(self._file.fileno())
            self._file.close()
            self._reader.close()

    def _read_through(self) -> None:
        first = self._reader.readline()
        if first != self._header:
            if not self._header.startswith(first):  # neither new, nor torn while its header was written
                raise self._problem(_difference(first, self._header))
            self._file.truncate(0)
            self._append(self._header)
            return
        self._size = len(first)
        for number, line in enumerate(self._reader, 2):
            if not line.endswith(b"\n"):
                self._file.truncate(self._size)
                return
            found = _LINE.fullmatch(line)
            if not found:
                raise self._damaged(number)
            self._places[bytes.fromhex(found[1].decode())] = self._size
            self._size += len(line)

    def _append(self, line: bytes) -> None:
        """Write a line with one call of the system's, where that takes it whole; leave no part of one."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._size)
            raise self._problem(f"it cannot be written to: {error.strerror}") from error
        self._size += len(line)

    def _number_of(self, key: bytes) -> int:
        self._reader.seek(0)
        lines = takewhile(lambda line: self._reader.tell() <= self._places[key], iter(self._reader.readline, b""))
        return 1 + sum(1 for _ in lines)

    def _damaged(self, number: int) -> ApiValueError:
        return self._problem(f"line {number} is damaged; delete it")

    def _problem(self, text: str) -> ApiValueError:
        return ApiValueError(f"journal: {self._path!r}: {text}")


def _difference(first: bytes, expected: bytes) -> str:
    """How the first line of a file differs from the one that it should have, in words."""
    try:
        found = json.loads(first)
        kind, version, operation = found["journal"], found["version"], found["operation"]
    except (ValueError, TypeError, KeyError):
        kind, version, operation = None, None, None
    if kind != _HEADER["journal"]:
        return "it is no journal, and stays as it is"
    if version != _HEADER["version"]:
        return "another version of this package wrote it"
    return f"it is of the operation {operation}, not {json.loads(expected)['operation']}; take another file"


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _locked(handle: int) -> bool:
        """Lock a byte far behind the end of the file, where nobody reads."""
        os.lseek(handle, 2**40, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle: int) -> None:
        os.lseek(handle, 2**40, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _locked(handle: int) -> bool:
        """Lock a file for as long as it is open, where its file system knows locks; whether no other run has."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _unlock(handle: int) -> None:
        """Give up the lock, which a process that was forked meanwhile would keep."""
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
