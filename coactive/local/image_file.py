"""Opens image files that may be anything: photographs, text by a wrong name, broken files, bombs."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image, UnidentifiedImageError

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

TOO_MANY = f"more than the {MAX_PIXELS // 1_000_000} million that are allowed"

ENOUGH = (128, 128)
"""A JPEG larger than this is decoded at a half, a quarter or an eighth of its size, several times faster."""


ENDINGS = {".jpg", ".jpeg", ".png", ".gif", ".webp"}
"""How the names of such files end; what a file is, its content says."""


class UnreadableImageError(ValueError):
    """The file is no image of a kind in MEDIA_TYPES, is broken, or is too large to decode; says which."""


class Picture(NamedTuple):
    """A decoded image and the media type of the file that it came from."""

    image: Image.Image
    media_type: str


def read_picture(source: Path | BinaryIO, enough: tuple[int, int] = ENOUGH) -> Picture:
    """Decode an image file, of an animation the first frame, of a JPEG no more than it takes for `enough` pixels.

    Raises UnreadableImageError, whatever is wrong with it.
    """
    try:
        with Image.open(source, formats=[name for name in MEDIA_TYPES if name != "MPO"]) as image:
            image.draft(None, enough)
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImageError(f"{image.width} x {image.height} pixels are {TOO_MANY}")
            image.load()
            return Picture(image, MEDIA_TYPES[image.format or ""])
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as problem:
        raise UnreadableImageError(_what_came(source)) from problem
    except Image.DecompressionBombError as problem:
        raise UnreadableImageError(f"its pixels are {TOO_MANY}") from problem
    # Decoders raise almost anything at a hostile file, SyntaxError and MemoryError included.
    except Exception as problem:
        raise UnreadableImageError("it is cut short or broken") from problem


def _what_came(source: Path | BinaryIO) -> str:
    """What a file is instead, as far as Pillow can tell without decoding it."""
    try:
        if not isinstance(source, Path):
            source.seek(0)
        with Image.open(source) as image:
            return f"what came is {image.format}"
    except Exception:
        return "it cannot be read as an image"
