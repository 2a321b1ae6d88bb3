"""Makes of any image that Pillow reads plain pixels: eight bits a channel, on white, the right way up."""

from __future__ import annotations

import numpy as np
from PIL import ExifTags, Image, ImageOps


def in_colour(image: Image.Image) -> Image.Image:
    """The image as RGB, or as RGBA where some of it is transparent."""
    if image.mode.startswith(("I", "F")):
        return _eight_bit(image).convert("RGB")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def on_white(image: Image.Image) -> Image.Image:
    """An RGB or RGBA image as RGB, laid on white where it is transparent."""
    if image.mode == "RGB":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def upright(image: Image.Image, original: Image.Image) -> Image.Image:
    """The image, made of another one, turned by that one's EXIF orientation."""
    # Cameras write EXIF that no reader understands; such an image is taken as it lies.
    try:
        image.getexif()[ExifTags.Base.Orientation] = original.getexif().get(ExifTags.Base.Orientation, 1)
        return ImageOps.exif_transpose(image)
    except Exception:
        return image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey levels of 16 or 32 bits or floats as 8 bits; Pillow would cut them off at 255."""
    levels = np.nan_to_num(np.asarray(image, dtype=np.float64))
    top = 1.0 if levels.max() <= 1 else 255.0 if levels.max() <= 255 else max(65535.0, float(levels.max()))
    return Image.fromarray((levels.clip(0) / top * 255).astype(np.uint8))
