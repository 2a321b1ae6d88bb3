"""A `multipart/form-data` form (RFC 7578) with one image, as a stream of known length that can be sent again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coactive.upload import Upload


class MultipartForm:
    """Text parts in order, then the image; each `iter()` gives the whole form anew, in blocks of about 128 KiB.

    Attributes:
        content_type: the media type with the boundary.
        image: what the last part holds.
    """

    def __init__(self, texts: Iterable[tuple[str, str]], image_name: str, image: Upload) -> None:
        boundary = os.urandom(16).hex()
        self.image = image
        self.content_type = f"multipart/form-data; boundary={boundary}"
        parts = [f"{_opening(boundary, name)}\r\n\r\n{value}\r\n" for name, value in texts]
        parts.append(
            f'{_opening(boundary, image_name)}; filename="{_quoted(image.filename)}"\r\n'
            f"Content-Type: {image.media_type}\r\n\r\n"
        )
        self._head = "".join(parts).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    @property
    def length(self) -> int:
        """Of the whole form, in bytes."""
        return len(self._head) + self.image.length + len(self._tail)

    def __iter__(self) -> Iterator[bytes | memoryview]:
        head = self._head
        for block in self.image:
            yield b"".join((head, block)) if head else block
            head = b""
        yield self._tail


def _opening(boundary: str, name: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'


def _quoted(name: str) -> str:
    """A name inside quotes, as browsers write it: what could end it is percent-encoded, and every control character."""
    printable = name.encode("utf-8", "replace").decode()
    return "".join(f"%{ord(char):02X}" if char < " " or char in '"\\\x7f' else char for char in printable)
