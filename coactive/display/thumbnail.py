"""Small pictures that stand in the HTML itself, as `data:` addresses."""

from __future__ import annotations

import io
from base64 import b64encode
from importlib.util import find_spec
from typing import TYPE_CHECKING

from coactive import media_type

if TYPE_CHECKING:
    from PIL import Image

EDGE = 264
"""The longer side in pixels: twice what is shown, for screens with many of them."""

_MOST_PIXELS = 50_000_000
"""Of an image that is decoded; one that claims more may be a trap."""

_SMALL = 256 * 1024
"""Bytes of an image that is shown as it is where nothing can make it smaller."""

_OF_BROWSERS = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"})


def query_picture(data: bytes) -> str | None:
    """The picture of an image file, made small if Pillow is there; None: it cannot be shown."""
    if find_spec("PIL"):
        return thumbnail(data)
    kind = media_type.of(data[: media_type.FIRST_BYTES], None)
    return _address(kind, data) if kind in _OF_BROWSERS and len(data) <= _SMALL else None


def require_pillow() -> None:
    """Raise a ModuleNotFoundError that says how to install Pillow, if it is missing."""
    if not find_spec("PIL"):
        raise ModuleNotFoundError("show(fetch=True) makes thumbnails with Pillow: pip install pillow", name="PIL")


def thumbnail(data: bytes) -> str | None:
    """A small picture of an image file; None: Pillow cannot read it."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > _MOST_PIXELS:
                return None
            image.draft("RGB", (EDGE, EDGE))  # a large JPEG is decoded at a fraction of its size
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((EDGE, EDGE))
            return _encoded(upright)
    except Exception:  # Pillow has many ways to fail on a broken file
        return None


def _encoded(image: Image.Image) -> str:
    """The image without what else its file held, such as where it was taken."""
    clear = image.has_transparency_data
    pixels = image.convert("RGBA" if clear else "RGB")
    pixels.info.clear()
    file = io.BytesIO()
    if clear:
        pixels.save(file, "PNG")
    else:
        pixels.save(file, "JPEG", quality=82)
    return _address("image/png" if clear else "image/jpeg", file.getvalue())


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"
