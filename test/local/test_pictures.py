from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from coactive.local import Service
from coactive.local.demo.pictures import COLOURS, draw_catalogue


def test_the_catalogue_is_drawn_the_same_every_time(demo: Service, tmp_path: Path) -> None:
    metadata = draw_catalogue(tmp_path)
    drawn_before = {image.path: image.file.read_bytes() for image in demo.catalog.images}
    drawn = {p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert drawn.pop(metadata.name)
    assert drawn == drawn_before


def test_every_picture_has_a_row_that_describes_it(demo: Service) -> None:
    assert len(demo.catalog.images) == 300
    assert demo.catalog.skipped == []
    assert demo.catalog.unmatched == []
    for image in demo.catalog.images:
        row = image.metadata
        assert row is not None
        assert image.path.startswith(f"{row['product']}/{row['sku'].lower()}-")
        assert row["colour"] in COLOURS
        assert row["colour"] in row["caption"]
        assert row["product"] in row["caption"]
        assert float(row["price"]) > 0


def test_the_colours_that_are_said_are_the_colours_that_are_seen(demo: Service) -> None:
    for image in demo.catalog.images:
        row = image.metadata or {}
        if row["pattern"] == "plain" and row["product"] in ("bag", "shirt", "vase"):
            middle = np.asarray(Image.open(image.file).convert("RGB"), dtype=float)[60:100, 60:100].reshape(-1, 3)
            nearest = min(COLOURS, key=lambda name: float(np.abs(np.median(middle, axis=0) - COLOURS[name]).sum()))
            assert nearest == row["colour"], image.path


def test_pictures_of_the_same_sku_are_found_first(demo: Service) -> None:
    catalog = demo.catalog
    skus = [(image.metadata or {})["sku"] for image in catalog.images]
    first_of_the_same = []
    for sku, embedding in zip(skus, catalog.embeddings, strict=True):
        found = catalog.best(catalog.visual_scores(embedding), 5)
        first_of_the_same.append(sum((hit.image.metadata or {})["sku"] == sku for hit in found) / 5)
    assert np.mean(first_of_the_same) > 0.95


def test_the_metadata_is_a_plain_csv_file(tmp_path: Path) -> None:
    with draw_catalogue(tmp_path).open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == 300
    assert len({row["sku"] for row in rows}) == 60
    assert all((tmp_path / row["file"]).is_file() for row in rows)
