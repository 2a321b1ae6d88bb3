"""What the demo's shop sells: a drawing and the words for each kind of product."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from coactive.local.demo.sketch import (
    BLACK,
    WHITE,
    Colour,
    Mask,
    Sketch,
    curve,
    ellipse,
    joined,
    line,
    mixed,
    pattern,
    polygon,
    ring,
    rounded,
    within,
    without,
)

STEEL: Colour = (150, 154, 160)
WOOD: Colour = (176, 128, 84)
LEAF: Colour = (62, 140, 72)


class Look(NamedTuple):
    """How one product differs from others of its kind."""

    colour: Colour
    accent: Colour
    pattern: str


class Product(NamedTuple):
    """A kind of product; `detail` ends its captions: "a red mug with a handle"."""

    name: str
    detail: str
    material: str
    price: float
    draw: Callable[[Sketch, Look], None]


def _body(sketch: Sketch, mask: Mask, look: Look, light: str) -> None:
    """The part of a product that has its colour and its pattern."""
    sketch.paint(mask, look.colour, light)
    sketch.paint(within(pattern(look.pattern), mask), look.accent, light, over=mask)


def _mug(sketch: Sketch, look: Look) -> None:
    sketch.paint(without(ellipse(58, 38, 88, 72), ellipse(64, 44, 81, 66)), look.colour, "flat")
    _body(sketch, joined(rounded(24, 30, 70, 84, 8), ellipse(24, 24, 70, 38)), look, "round")
    sketch.paint(ellipse(24, 24, 70, 38), mixed(look.colour, WHITE, 0.35))
    sketch.paint(ellipse(27, 26, 67, 37), mixed(look.colour, BLACK, 0.6))


def _bottle(sketch: Sketch, look: Look) -> None:
    outline = [(44, 16), (44, 32), (36, 42), (34, 52), (34, 88), (38, 91)]
    mirrored = [(100 - x, y) for x, y in reversed(outline)]
    _body(sketch, polygon(*outline, *mirrored), look, "round")
    sketch.paint(rounded(42, 8, 58, 19, 2), STEEL, "round")
    sketch.paint(line(1.6, (39, 50), (39, 82)), mixed(look.colour, WHITE, 0.75))


def _lamp(sketch: Sketch, look: Look) -> None:
    sketch.paint(line(3, (50, 40), (50, 86)), STEEL, "round")
    sketch.paint(ellipse(32, 82, 68, 92), STEEL, "round")
    shade = joined(polygon((36, 12), (64, 12), (80, 50), (20, 50)), ellipse(20, 46, 80, 54))
    _body(sketch, shade, look, "round")
    sketch.paint(ellipse(36, 9, 64, 15), mixed(look.colour, WHITE, 0.7))


def _chair(sketch: Sketch, look: Look) -> None:
    for top, bottom in (((34, 60), (30, 90)), ((66, 60), (70, 90))):
        sketch.paint(line(4, top, bottom), mixed(WOOD, BLACK, 0.3), "round")
    _body(sketch, rounded(30, 10, 70, 54, 9), look, "flat")
    for x, foot in ((27, 23), (73, 77)):
        sketch.paint(line(4.5, (x, 64), (foot, 94)), WOOD, "round")
    sketch.paint(polygon((30, 52), (70, 52), (78, 64), (22, 64)), mixed(look.colour, WHITE, 0.15))
    sketch.paint(rounded(22, 62, 78, 69, 3), mixed(look.colour, BLACK, 0.25))


def _shirt(sketch: Sketch, look: Look) -> None:
    half = [(50, 22), (40, 14), (30, 18), (8, 38), (19, 50), (28, 42), (28, 88)]
    mask = polygon(*half, *[(100 - x, y) for x, y in reversed(half)])
    _body(sketch, without(mask, ellipse(40, 6, 60, 24)), look, "flat")
    sketch.paint(ring(39, 5, 61, 25, 2.2, 15, 165), mixed(look.colour, BLACK, 0.3))
    for x in (28, 72):
        sketch.paint(line(0.9, (x, 42), (x, 58)), mixed(look.colour, BLACK, 0.3))


def _bag(sketch: Sketch, look: Look) -> None:
    sketch.paint(ring(35, 8, 65, 62, 3.4, 180, 360), mixed(look.colour, BLACK, 0.35))
    _body(sketch, polygon((22, 36), (78, 36), (84, 88), (16, 88)), look, "flat")
    sketch.paint(ring(32, 14, 68, 74, 3.4, 180, 360), mixed(look.colour, BLACK, 0.15))
    sketch.paint(polygon((22, 36), (78, 36), (78.5, 40), (21.5, 40)), mixed(look.colour, BLACK, 0.25))


def _shoe(sketch: Sketch, look: Look) -> None:
    upper = curve((12, 44), (20, 38), (28, 46), (40, 40), (50, 36), (60, 48), (78, 58), (90, 66), (90, 76), (12, 76))
    _body(sketch, upper, look, "flat")
    sketch.paint(within(ellipse(72, 56, 104, 92), upper), mixed(look.colour, WHITE, 0.55))
    sketch.paint(rounded(8, 73, 94, 82, 4), (240, 238, 232), "flat")
    sketch.paint(rounded(8, 80, 94, 84, 2), mixed(look.accent, BLACK, 0.3), "flat")
    for x, y in ((44, 42), (51, 45), (58, 50), (65, 55)):
        sketch.paint(line(1.7, (x, y), (x - 7, y + 9)), WHITE)


def _plant(sketch: Sketch, look: Look) -> None:
    for tip, side in (
        ((22, 22), (24, 46)),
        ((78, 20), (76, 46)),
        ((34, 8), (34, 40)),
        ((66, 8), (66, 40)),
        ((50, 4), (42, 34)),
    ):
        root = (50, 62)
        across = (2 * ((tip[0] + root[0]) / 2) - side[0] + 3, 2 * ((tip[1] + root[1]) / 2) - side[1] + 4)
        shade = mixed(LEAF, BLACK if tip[0] % 4 else WHITE, 0.14)
        sketch.paint(curve(tip, side, root, across), shade, "ball")
        sketch.paint(line(0.7, tip, root), mixed(LEAF, BLACK, 0.4))
    _body(sketch, polygon((30, 60), (70, 60), (64, 92), (36, 92)), look, "round")
    sketch.paint(rounded(27, 56, 73, 64, 2), mixed(look.colour, WHITE, 0.12), "round")


def _vase(sketch: Sketch, look: Look) -> None:
    half = [(42, 10), (40, 14), (44, 26), (30, 44), (25, 60), (32, 80), (40, 91)]
    _body(sketch, curve(*half, *[(100 - x, y) for x, y in reversed(half)]), look, "round")
    sketch.paint(ellipse(40, 8, 60, 14), mixed(look.colour, BLACK, 0.55))


def _cushion(sketch: Sketch, look: Look) -> None:
    mask = curve((14, 16), (50, 21), (86, 16), (81, 50), (86, 84), (50, 80), (14, 84), (19, 50))
    _body(sketch, mask, look, "ball")
    for x, y in ((14, 16), (86, 16), (14, 84), (86, 84)):
        sketch.paint(ellipse(x - 2.5, y - 2.5, x + 2.5, y + 2.5), mixed(look.accent, BLACK, 0.2), "ball")


def _clock(sketch: Sketch, look: Look) -> None:
    _body(sketch, ellipse(12, 12, 88, 88), look, "ball")
    sketch.paint(ellipse(21, 21, 79, 79), (250, 248, 242), "flat")
    for start, end in (
        ((50, 25), (50, 30)),
        ((75, 50), (70, 50)),
        ((50, 75), (50, 70)),
        ((25, 50), (30, 50)),
    ):
        sketch.paint(line(2, start, end), (60, 60, 66))
    sketch.paint(line(2.6, (50, 50), (36, 42)), (40, 40, 46))
    sketch.paint(line(1.8, (50, 50), (60, 31)), (40, 40, 46))
    sketch.paint(ellipse(47, 47, 53, 53), look.colour)


def _umbrella(sketch: Sketch, look: Look) -> None:
    sketch.paint(line(2.4, (50, 8), (50, 82)), STEEL, "round")
    sketch.paint(ring(36, 72, 52, 92, 3.6, 0, 180), WOOD, "round")
    canopy = without(ellipse(8, 14, 92, 98), polygon((0, 57), (100, 57), (100, 100), (0, 100)))
    scallops = joined(*(ellipse(left, 50, left + 21, 66) for left in (8, 29, 50, 71)))
    _body(sketch, without(canopy, scallops), look, "round")
    for x in (29, 50, 71):
        sketch.paint(line(0.8, (50, 14), (x, 57)), mixed(look.colour, BLACK, 0.35))


PRODUCTS = (
    Product("mug", "with a handle", "ceramic", 12.5, _mug),
    Product("bottle", "with a steel cap", "glass", 18.0, _bottle),
    Product("lamp", "with a wide shade", "linen", 49.0, _lamp),
    Product("chair", "with wooden legs", "wood", 89.0, _chair),
    Product("shirt", "with short sleeves", "cotton", 24.0, _shirt),
    Product("bag", "with two handles", "canvas", 32.0, _bag),
    Product("shoe", "with white laces", "canvas", 64.0, _shoe),
    Product("plant", "in a pot", "terracotta", 21.5, _plant),
    Product("vase", "with a narrow neck", "porcelain", 38.0, _vase),
    Product("cushion", "for a sofa", "velvet", 27.0, _cushion),
    Product("clock", "for the wall", "metal", 42.0, _clock),
    Product("umbrella", "with a hooked grip", "nylon", 29.0, _umbrella),
)
