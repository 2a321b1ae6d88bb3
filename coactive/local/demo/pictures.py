"""Draws the demo's catalogue: product pictures in folders by kind, and a CSV file about them."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageEnhance, ImageFilter

from coactive.local.demo.products import PRODUCTS, Look, Product
from coactive.local.demo.sketch import WHITE, Colour, Sketch, mixed

COLOURS: dict[str, Colour] = {
    "red": (206, 48, 44),
    "blue": (44, 92, 186),
    "green": (58, 148, 84),
    "yellow": (236, 188, 44),
    "black": (52, 52, 58),
    "pink": (232, 128, 164),
    "orange": (232, 122, 40),
    "teal": (36, 148, 152),
    "purple": (122, 76, 166),
    "cream": (236, 222, 196),
}
PATTERNS = ("plain", "striped", "plain", "dotted", "banded")

VARIANTS = 5
"""Stock keeping units (SKU) of each kind of product."""

VIEWS = 5
"""Pictures of each SKU."""

PIXELS = 160
COLUMNS = ("file", "sku", "product", "colour", "pattern", "material", "price", "caption")


class _Item(NamedTuple):
    """One SKU."""

    sku: str
    product: Product
    colour: str
    pattern: str


def draw_catalogue(folder: Path) -> Path:
    """Draw the catalogue into a folder, the same every time; returns its metadata file."""
    metadata = folder / "metadata.csv"
    with metadata.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for item in _items():
            (folder / item.product.name).mkdir(exist_ok=True)
            cut_out = _cut_out(item)
            for view in range(1, VIEWS + 1):
                file = f"{item.product.name}/{item.sku.lower()}-{view}.{'png' if view == VIEWS else 'jpg'}"
                _photograph(cut_out, f"{item.sku}/{view}").save(folder / file, quality=90)
                writer.writerow([file, *_described(item)])
    return metadata


def _items() -> Iterator[_Item]:
    names = list(COLOURS)
    for row, product in enumerate(PRODUCTS):
        for variant in range(VARIANTS):
            # Every kind comes in red, in blue and in three colours more, so that searches have a choice.
            colour = names[variant if variant < 2 else 2 + (row + 3 * variant) % (len(names) - 2)]
            sku = f"{product.name.upper()}-{variant + 1:02}"
            yield _Item(sku, product, colour, PATTERNS[(row + variant) % len(PATTERNS)])


def _described(item: _Item) -> list[str]:
    """The values of COLUMNS but the first."""
    product, adjective = item.product, "" if item.pattern == "plain" else f"{item.pattern} "
    price = product.price + 1.5 * (int(item.sku[-2:]) - 1)
    caption = f"a {item.colour} {adjective}{product.name} {product.detail}"
    return [
        item.sku,
        product.name,
        item.colour,
        item.pattern,
        product.material,
        f"{price:.2f}",
        caption.replace("a o", "an o", 1),
    ]


def _cut_out(item: _Item) -> Image.Image:
    colour = COLOURS[item.colour]
    sketch = Sketch()
    accent = mixed(colour, WHITE, 0.8) if item.colour != "cream" else COLOURS["teal"]
    item.product.draw(sketch, Look(colour, accent, item.pattern))
    return sketch.image


def _photograph(cut_out: Image.Image, seed: str) -> Image.Image:
    """One view: turned a little, nearer or farther, in a light of its own, with a shadow."""
    # Text seeds the same sequence on every system and Python.
    chance = random.Random(seed)  # noqa: S311 - for looks, not for secrets
    placed = _placed(cut_out, chance)
    warmth = chance.randint(-5, 5)
    ground = Image.new("RGB", placed.size, (248 + warmth, 247, 248 - warmth))
    shadow = (
        placed.getchannel("A")
        .resize((PIXELS // 4, PIXELS // 4))
        .filter(ImageFilter.GaussianBlur(1.6))
        .resize(placed.size)
    )
    ground.paste(
        (120, 122, 130),
        (round(PIXELS * 0.02), round(PIXELS * 0.035)),
        shadow.point([v // 2 for v in range(256)]),
    )
    ground.paste(placed, mask=placed)
    return ImageEnhance.Brightness(ground).enhance(chance.uniform(0.93, 1.02))


def _placed(cut_out: Image.Image, chance: random.Random) -> Image.Image:
    turned = cut_out.rotate(chance.uniform(-7, 7), Image.Resampling.BILINEAR)
    size = chance.uniform(0.78, 0.96)
    width, height = round(PIXELS * size * chance.uniform(0.96, 1.04)), round(PIXELS * size)
    small = turned.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    placed = Image.new("RGBA", (PIXELS, PIXELS))
    spare = PIXELS - max(width, height)
    placed.paste(small, ((PIXELS - width) // 2 + chance.randint(-6, 6), spare // 2 + chance.randint(-5, 5)))
    return placed
