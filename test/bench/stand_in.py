"""How fast the stand-in indexes, starts again and answers.

Photographs are indexed in turn with Pillow's decoding them alone; the ratio of the rates is what counts. The rest
are seconds, milliseconds and MiB of this machine: a folder of small pictures is drawn, indexed, and served by a new
process.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from bench.measuring import seconds
from bench.process import output_of
from bench.work import MIB
from coactive.local.image_file import ENOUGH
from coactive.local.index import IN_MEMORY
from coactive.local.indexing import index_folder

PHOTOGRAPHS, PIXELS = 200, (4000, 3000)
ROUNDS = 3
COLOURS = ["red", "blue", "green", "yellow", "black", "pink", "orange", "teal", "purple", "cream"]
PRODUCTS = ["mug", "bottle", "lamp", "chair", "shirt", "bag", "shoe", "plant", "vase", "cushion", "clock", "umbrella"]
MATERIALS = ["ceramic", "glass", "linen", "wood", "cotton", "canvas", "metal", "velvet", "nylon"]
ADJECTIVES = [
    "small",
    "large",
    "round",
    "tall",
    "old",
    "new",
    "shiny",
    "matte",
    "soft",
    "hard",
    "striped",
    "dotted",
    "plain",
    "banded",
    "woven",
]


def main(count: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        _print_indexing_of_photographs(Path(place, "photographs"))
        _print_restart(Path(place, "pictures"), Path(place, "rows.csv"), count)


def _print_indexing_of_photographs(folder: Path) -> None:
    folder.mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        drawn = pool.map(lambda number: _photograph(number, folder / f"{number:03}.jpg"), range(PHOTOGRAPHS))
        list(tqdm(drawn, total=PHOTOGRAPHS, desc="drawing photographs", disable=None))
    files = sorted(folder.iterdir())
    megabytes = sum(file.stat().st_size for file in files) / len(files) / 1e6
    print(f"{len(files)} JPEGs of {PIXELS[0]} x {PIXELS[1]} pixels, {megabytes:.1f} MB each, {os.cpu_count()} cores")
    alone, indexed = [], []
    for _ in range(ROUNDS):
        alone.append(_rate(lambda: _decode_all(files)))
        indexed.append(_rate(lambda: index_folder(folder, index=IN_MEMORY)))
    ratios = sorted(ours / theirs for ours, theirs in zip(indexed, alone, strict=True))
    print(f"  Pillow decodes them at {statistics.median(alone):.1f} a second")
    print(
        f"  they are indexed at    {statistics.median(indexed):.1f} a second: {statistics.median(ratios):.0%}", end=""
    )
    print(f" (of {ROUNDS} rounds {ratios[0]:.0%} to {ratios[-1]:.0%})", flush=True)


def _photograph(number: int, file: Path) -> None:
    """A picture of soft shapes with the grain of a sensor, so that the file has a photograph's size."""
    chance = np.random.default_rng(number)
    shapes = Image.fromarray(chance.integers(0, 255, (30, 40, 3), dtype=np.uint8)).resize(
        PIXELS, Image.Resampling.BICUBIC
    )
    grain = chance.integers(-20, 20, (PIXELS[1], PIXELS[0], 3), dtype=np.int16)
    Image.fromarray((np.asarray(shapes) + grain).clip(0, 255).astype(np.uint8)).save(file, quality=88)


def _decode_all(files: list[Path]) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_decode, files))


def _decode(file: Path) -> None:
    with Image.open(file) as image:
        image.draft(None, (ENOUGH, ENOUGH))
        image.load()


def _rate(work: Callable[[], object]) -> float:
    return PHOTOGRAPHS / seconds(work)


def _print_restart(folder: Path, metadata: Path, count: int) -> None:
    _draw(folder, metadata, count)
    took = seconds(lambda: index_folder(folder, metadata))
    print(f"{count:,} pictures of 48 x 48 pixels with 6 columns of metadata")
    print(f"  indexed in {took:.0f} s", flush=True)
    runs = [json.loads(output_of("bench.restart", folder, metadata)) for _ in range(ROUNDS)]
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    memory, restart = found.pop("memory"), found.pop("restart")
    print(f"  served again after {restart:.2f} s, {memory / MIB:.0f} MiB at most")
    for name, took in found.items():
        print(f"  a search by {name}: {took * 1000:.0f} ms")


def _draw(folder: Path, metadata: Path, count: int) -> None:
    chance = np.random.default_rng(1)
    with metadata.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "sku", "product", "colour", "material", "price", "caption"])
        for number in tqdm(range(count), desc="drawing pictures", disable=None):
            path = f"{number // 1000:03}/item-{number:06}.jpg"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            small = Image.fromarray(chance.integers(0, 255, (4, 4, 3), dtype=np.uint8))
            small.resize((48, 48), Image.Resampling.BICUBIC).save(folder / path, quality=85)
            rows.writerow([path, *_described(number, chance)])


def _described(number: int, chance: np.random.Generator) -> list[str]:
    colour, product, material = (str(chance.choice(words)) for words in (COLOURS, PRODUCTS, MATERIALS))
    first, second = (str(word) for word in chance.choice(ADJECTIVES, 2))
    caption = f"a {first} {colour} {product} of {second} {material}"
    return [f"{product.upper()}-{number // 5:05}", product, colour, material, f"{chance.random() * 100:.2f}", caption]
