"""A pen for product pictures: shapes on a square of 100 by 100, filled with a colour that light falls on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageChops, ImageDraw

SIDE = 320
"""Pixels a side of a sketch: more than a picture shows, so that its edges come out smooth."""

UNIT = SIDE / 100

Colour = tuple[int, int, int]
Mask = Image.Image
Point = tuple[float, float]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


class Sketch:
    """A picture of one thing on nothing: RGBA, painted part by part from the back to the front."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (SIDE, SIDE))

    def paint(self, mask: Mask, colour: Colour, light: str = "flat", *, over: Mask | None = None) -> None:
        """Fill a mask with a colour; `light` is flat, round (a cylinder) or ball.

        The light falls on what `over` covers, so that a pattern is lit like the body below it.
        """
        box = (over or mask).getbbox()
        if box is None:
            return
        brightness = _light(light).resize((box[2] - box[0], box[3] - box[1]))
        own, bright, dark = (
            Image.new("RGB", brightness.size, tone)
            for tone in (colour, mixed(colour, WHITE, 0.7), mixed(colour, BLACK, 0.7))
        )
        shaded = Image.composite(own, dark, brightness.point([min(255, 2 * value) for value in range(256)]))
        lit = Image.composite(bright, shaded, brightness.point([max(0, 2 * value - 255) for value in range(256)]))
        self.image.paste(lit, box, mask.crop(box))


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """A colour with a share (0 to 1) of another."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


@cache
def _light(kind: str) -> Image.Image:
    """How bright each place of a thing is, 128 being its own colour."""
    if kind == "round":
        across = [128 + 85 * math.cos((x / 63 - 0.3) * 3.2) - 35 for x in range(64)]
        return Image.frombytes("L", (64, 1), bytes(max(0, min(255, round(value))) for value in across))
    if kind == "ball":
        glow = ImageChops.invert(Image.radial_gradient("L")).crop((40, 40, 256, 256))
        return glow.point([min(255, 60 + value * 3 // 4) for value in range(256)])
    return Image.linear_gradient("L").point([150 - value // 5 for value in range(256)])


def _mask() -> tuple[Mask, ImageDraw.ImageDraw]:
    mask = Image.new("L", (SIDE, SIDE))
    return mask, ImageDraw.Draw(mask)


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * UNIT, y * UNIT) for x, y in points]


def polygon(*points: Point) -> Mask:
    """The area within straight lines."""
    mask, draw = _mask()
    draw.polygon(_scaled(points), fill=255)
    return mask


def curve(*points: Point) -> Mask:
    """The area within a smooth line through the points (a closed Catmull-Rom spline)."""
    count = len(points)
    line = []
    for i in range(count):
        a, b, c, d = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        line += [(_spline(a[0], b[0], c[0], d[0], t / 12), _spline(a[1], b[1], c[1], d[1], t / 12)) for t in range(12)]
    return polygon(*line)


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))) / 2


def ellipse(left: float, top: float, right: float, bottom: float) -> Mask:
    """The largest ellipse in a box."""
    mask, draw = _mask()
    draw.ellipse([left * UNIT, top * UNIT, right * UNIT, bottom * UNIT], fill=255)
    return mask


def rounded(left: float, top: float, right: float, bottom: float, radius: float) -> Mask:
    """A box with rounded corners."""
    mask, draw = _mask()
    draw.rounded_rectangle([left * UNIT, top * UNIT, right * UNIT, bottom * UNIT], radius * UNIT, fill=255)
    return mask


def line(width: float, *points: Point) -> Mask:
    """A line of some width through the points, its ends round."""
    mask, draw = _mask()
    draw.line(_scaled(points), fill=255, width=round(width * UNIT), joint="curve")
    for x, y in _scaled((points[0], points[-1])):
        reach = width * UNIT / 2
        draw.ellipse([x - reach, y - reach, x + reach, y + reach], fill=255)
    return mask


def ring(
    left: float, top: float, right: float, bottom: float, width: float, start: float = 0, end: float = 360
) -> Mask:
    """A part of an ellipse's line, by degrees clockwise from the right."""
    mask, draw = _mask()
    box = [left * UNIT, top * UNIT, right * UNIT, bottom * UNIT]
    draw.arc(box, start, end, fill=255, width=round(width * UNIT))
    return mask


def joined(*masks: Mask) -> Mask:
    """The area of all of the masks."""
    whole = masks[0]
    for mask in masks[1:]:
        whole = ImageChops.lighter(whole, mask)
    return whole


def within(mask: Mask, limits: Mask) -> Mask:
    """What two masks have in common."""
    return ImageChops.darker(mask, limits)


def without(mask: Mask, hole: Mask) -> Mask:
    """A mask less another one."""
    return ImageChops.subtract(mask, hole)


def pattern(kind: str) -> Mask:
    """Stripes, dots or a band all over the square; anything else is plain."""
    if kind == "striped":
        return joined(*(polygon((0, y), (100, y), (100, y + 5), (0, y + 5)) for y in range(6, 100, 11)))
    if kind == "dotted":
        places = [(x + (y % 22) / 2, y) for y in range(0, 110, 11) for x in range(-6, 110, 11)]
        mask, draw = _mask()
        for x, y in places:
            draw.ellipse([(x - 2.4) * UNIT, (y - 2.4) * UNIT, (x + 2.4) * UNIT, (y + 2.4) * UNIT], fill=255)
        return mask
    if kind == "banded":
        return polygon((0, 54), (100, 54), (100, 66), (0, 66))
    return Image.new("L", (SIDE, SIDE))
