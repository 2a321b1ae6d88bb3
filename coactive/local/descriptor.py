"""The built-in encoder: an image's shape, layout and colour as one unit-length vector.

No weights to download and nothing learnt: a histogram of gradients says what shape is where, a thumbnail how
light and colour are laid out, a colour histogram which colours there are. The cosine of two embeddings is their
similarity score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from coactive.local.pixels import in_colour, on_white, upright

Embedding = NDArray[np.float32]

NAME = "shape-layout-colour-1"
"""Changes whenever the same image would get another embedding."""

SIDE = 64
ORIENTATIONS = 12
CELLS = 6
NOISE = 0.01
THUMBNAIL = 8
COLOUR_LEVELS = 5
BACKGROUND = 0.05
SHAPE_WEIGHT, LAYOUT_WEIGHT, COLOUR_WEIGHT = 0.6, 0.1, 0.3

DIMENSIONS = ORIENTATIONS * CELLS**2 + 3 * THUMBNAIL**2 + COLOUR_LEVELS**3
"""The length of an embedding."""


def encode(image: Image.Image) -> Embedding:
    """The embedding of an image of any mode and size.

    The image is turned upright by its EXIF orientation, laid on white where it is transparent and squeezed to
    a square; of an animation the current frame counts. Returns float32, shape (DIMENSIONS,), of length 1.
    """
    pixels = np.asarray(_square(image), dtype=np.float32) / np.float32(255)
    parts = (
        (SHAPE_WEIGHT, _shape(pixels)),
        (LAYOUT_WEIGHT, _layout(pixels)),
        (COLOUR_WEIGHT, _colour(pixels)),
    )
    return _unit(np.concatenate([np.sqrt(weight) * part for weight, part in parts]).astype(np.float32))


def _square(image: Image.Image) -> Image.Image:
    """The image as SIDE x SIDE pixels of RGB, upright, on white."""
    small = in_colour(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return upright(on_white(small), image)


def _shape(pixels: NDArray[np.float32]) -> Embedding:
    """A histogram of gradient directions in each of CELLS x CELLS places."""
    down, across = np.gradient(pixels, axis=(0, 1))
    strength = np.maximum(np.hypot(across, down) - NOISE, 0)
    # The channel that changes most tells an edge that grey levels hide: yellow on white, red on green.
    strongest = strength.argmax(axis=2)[..., None]
    strength, across, down = (
        np.take_along_axis(values, strongest, axis=2)[..., 0] for values in (strength, across, down)
    )
    turn = (np.arctan2(down, across) / (2 * np.pi) % 1) * ORIENTATIONS
    lower = turn.astype(np.intp)
    upper_share = turn - lower
    directions = np.zeros((ORIENTATIONS, SIDE, SIDE), dtype=np.float32)
    np.put_along_axis(directions, lower[None] % ORIENTATIONS, (strength * (1 - upper_share))[None], axis=0)
    np.put_along_axis(directions, (lower[None] + 1) % ORIENTATIONS, (strength * upper_share)[None], axis=0)
    pooling = _pooling()
    return _unit(np.sqrt((pooling @ directions @ pooling.T).ravel()))


def _pooling() -> NDArray[np.float32]:
    """Shape (CELLS, SIDE): how much each row of pixels counts for each row of cells."""
    centres = (np.arange(SIDE) + 0.5) / SIDE * CELLS - 0.5
    nearness: NDArray[np.float64] = 1 - np.abs(centres - np.arange(CELLS)[:, None])
    return nearness.clip(0).astype(np.float32)


def _layout(pixels: NDArray[np.float32]) -> Embedding:
    """A thumbnail without its mean colour: what stands out counts, not how bright the picture is."""
    block = SIDE // THUMBNAIL
    thumbnail = pixels.reshape(THUMBNAIL, block, THUMBNAIL, block, 3).mean(axis=(1, 3))
    return _unit((thumbnail - thumbnail.mean(axis=(0, 1))).ravel())


def _colour(pixels: NDArray[np.float32]) -> Embedding:
    """A histogram of the colours, each pixel shared among the COLOUR_LEVELS of each channel next to it."""
    pixels = pixels[::2, ::2]
    weight = _prominence(pixels).ravel()
    places = pixels.reshape(-1, 3) * (COLOUR_LEVELS - 1)
    lower = np.minimum(places.astype(np.intp), COLOUR_LEVELS - 2)
    upper_share = places - lower
    histogram = np.zeros(COLOUR_LEVELS**3)
    for corner in np.ndindex(2, 2, 2):
        share = np.where(corner, upper_share, 1 - upper_share).prod(axis=1) * weight
        cell = (lower + corner) @ (COLOUR_LEVELS**2, COLOUR_LEVELS, 1)
        histogram += np.bincount(cell, share, COLOUR_LEVELS**3)
    return _unit(np.sqrt(histogram).astype(np.float32))


def _prominence(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each pixel stands out from the border: the colour of a thing says more than that of its background."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).mean(axis=0)
    prominence: NDArray[np.float32] = np.abs(pixels - border).max(axis=2) + np.float32(BACKGROUND)
    return prominence


def _unit(vector: Embedding) -> Embedding:
    """The vector at length 1; one that is all but zero stays short, lest noise count as a shape."""
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-2))
