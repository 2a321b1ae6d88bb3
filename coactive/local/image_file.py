"""Opens image files that may be anything: photographs, text by a wrong name, broken files, bombs."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
}
"""What is read, by Pillow's name for it. MPO is what many phones write into a .jpg file."""

MAX_PIXELS = 50_000_000
"""More than that in one image is taken for a decompression bomb."""

ENOUGH = (128, 128)
"""A JPEG larger than this is decoded at a half, a quarter or an eighth of its size, several times faster."""


class UnreadableImageError(ValueError):
    """The file is no image of a kind in MEDIA_TYPES, is broken, or is too large to decode."""


class Picture(NamedTuple):
    """A decoded image and the media type of the file that it came from."""

    image: Image.Image
    media_type: str


def read_picture(source: Path | BinaryIO) -> Picture:
    """Decode an image file, of an animation the first frame.

    Raises UnreadableImageError, whatever is wrong with it.
    """
    try:
        with Image.open(source, formats=[name for name in MEDIA_TYPES if name != "MPO"]) as image:
            image.draft(None, ENOUGH)
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImageError(f"{image.width} x {image.height} pixels are too many")
            image.load()
            return Picture(image, MEDIA_TYPES[image.format or ""])
    # Decoders raise almost anything at a hostile file, SyntaxError and MemoryError included.
    except Exception as problem:
        raise UnreadableImageError(str(problem)) from problem
