"""Makes small pictures of the catalogue's images for the page, and keeps those that were asked for last."""

from __future__ import annotations

import io
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from coactive.local.catalog import IndexedImage
from coactive.local.image_file import read_picture
from coactive.local.pixels import in_colour, upright

EDGE = 320
"""The longer side in pixels; a smaller image keeps its size."""

CAPACITY = 64 * 2**20
"""How many bytes of thumbnails are kept in memory."""


class Thumbnail(NamedTuple):
    """A small picture as bytes to send; `version` is another one whenever the image's file has changed."""

    data: bytes
    media_type: str
    version: str


class Thumbnails:
    """Thumbnails of images, made when they are first asked for. Safe to use from many threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        """At most `capacity` bytes are kept."""
        self._capacity = capacity
        self._kept: OrderedDict[str, Thumbnail] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    @property
    def kept(self) -> int:
        """How many bytes are kept."""
        return self._bytes

    def of(self, image: IndexedImage) -> Thumbnail:
        """The thumbnail of an image as its file is now.

        Raises OSError where the file is gone, UnreadableImageError where it is no image any more.
        """
        version = version_of(image.file)
        with self._lock:
            thumbnail = self._kept.get(image.id)
            if thumbnail is not None and thumbnail.version == version:
                self._kept.move_to_end(image.id)
                return thumbnail
        data, media_type = _small(image.file)
        thumbnail = Thumbnail(data, media_type, version)
        self._keep(image.id, thumbnail)
        return thumbnail

    def _keep(self, image_id: str, thumbnail: Thumbnail) -> None:
        with self._lock:
            before = self._kept.pop(image_id, None)
            self._bytes += len(thumbnail.data) - (len(before.data) if before else 0)
            self._kept[image_id] = thumbnail
            while self._bytes > self._capacity:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= len(oldest.data)


def version_of(file: Path) -> str:
    """A name for the state that a file is in; raises OSError where there is none."""
    status = file.stat()
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"


def _small(file: Path) -> tuple[bytes, str]:
    """The file's picture, small and upright, without what else the file held, such as where it was taken."""
    picture = read_picture(file, EDGE).image
    small = in_colour(picture)
    small.thumbnail((EDGE, EDGE))
    small = upright(small, picture)
    small.info.clear()
    written = io.BytesIO()
    if small.mode == "RGBA":
        small.save(written, "PNG")
        return written.getvalue(), "image/png"
    small.save(written, "JPEG", quality=85)
    return written.getvalue(), "image/jpeg"
