from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coactive.local.catalog import Catalog, Hit, IndexedImage, grouped


def image(path: str, **metadata: Any) -> IndexedImage:
    return IndexedImage(Path("folder"), path, "image/png", datetime(2024, 1, 2, tzinfo=UTC), metadata or None)


def catalog(*images: IndexedImage) -> Catalog:
    return Catalog(images, np.eye(len(images), dtype=np.float32))


def hits(*images: IndexedImage) -> list[Hit]:
    return [Hit(image, 1 - n / 10) for n, image in enumerate(images)]


def test_a_groups_name_is_text_as_it_is_and_other_values_as_json_writes_them() -> None:
    values = ["A", "", 5, 1.5, True, ["x", "ü"], {"a": None}, None]
    groups = grouped(hits(*(image(f"{n}.png", key=value) for n, value in enumerate(values))), "key")
    assert [group.name for group in groups] == ["A", "", "5", "1.5", "true", '["x", "ü"]', '{"a": null}', None]


def test_images_without_the_key_share_a_group_without_a_name() -> None:
    groups = grouped(hits(image("a.png"), image("b.png", key="B"), image("c.png", other=1)), "key")
    assert [(group.name, [hit.image.path for hit in group.hits]) for group in groups] == [
        (None, ["a.png", "c.png"]),
        ("B", ["b.png"]),
    ]


def test_groups_come_in_the_order_of_their_best_image() -> None:
    groups = grouped(hits(*(image(f"{n}.png", key=key) for n, key in enumerate("BABCA"))), "key")
    assert [(group.name, [hit.image.path for hit in group.hits]) for group in groups] == [
        ("B", ["0.png", "2.png"]),
        ("A", ["1.png", "4.png"]),
        ("C", ["3.png"]),
    ]


def test_without_a_key_all_hits_are_one_group_and_no_hits_are_none() -> None:
    assert [(g.name, len(g.hits)) for g in grouped(hits(image("a.png"), image("b.png", key=1)), None)] == [(None, 2)]
    assert grouped([], None) == []


def test_equal_scores_keep_the_catalogues_order_and_the_limit_holds() -> None:
    known = catalog(*(image(f"{n}.png") for n in range(5)))
    scores = np.array([0.5, 0.9, 0.5, 0, 0.5], dtype=np.float32)
    assert [hit.image.path for hit in known.best(scores, 3)] == ["1.png", "0.png", "2.png"]
    assert [hit.image.path for hit in known.best(scores, 100, above=0)] == ["1.png", "0.png", "2.png", "4.png"]


def test_a_text_is_searched_in_all_columns_and_the_path() -> None:
    known = catalog(image("mug/a.png", colour="red", note="blue sky"), image("b.png", colour="blue"), image("c.png"))
    assert (known.text_scores("blue") > 0).tolist() == [True, True, False]
    assert (known.text_scores("mug") > 0).tolist() == [True, False, False]


def test_a_value_is_compared_with_one_column_or_with_the_one_that_fits_best() -> None:
    known = catalog(image("blue.png", colour="red", note="sky blue"), image("b.png", colour="blue"), image("c.png"))
    assert known.value_scores("blue", "colour").tolist() == [0, 1, 0]
    assert known.value_scores("blue", "no such column").tolist() == [0, 0, 0]
    note, colour, nothing = known.value_scores("blue").tolist()
    assert 1 == colour > note > nothing == 0
    assert catalog(image("blue.png")).value_scores("blue").tolist() == [0]


def test_a_value_that_is_no_text_is_found_as_json_writes_it() -> None:
    values = [["x-ray", "ü"], {"deep": {"er": "blue lamp"}}, True, False, 1.5, 100, None, ""]
    known = catalog(*(image(f"{n}.png", key=value) for n, value in enumerate(values)))
    found = {
        query: np.flatnonzero(known.value_scores(query, "key")).tolist()
        for query in ("ray", "U", "lamps", "er", "true", "False", "1.5", "100", "None", "null", "")
    }
    assert found == {
        "ray": [0],
        "U": [0],
        "lamps": [1],
        "er": [1],
        "true": [2],
        "False": [3],
        "1.5": [4],
        "100": [5],
        "None": [],
        "null": [],
        "": [],
    }


def test_what_json_writes_alike_is_one_group_and_what_it_does_not_is_none() -> None:
    values = [1, 1.0, True, "true", "1", {"a": [1, None]}, {"a": [1, None]}, "", "null", None]
    groups = grouped(hits(*(image(f"{n}.png", key=value) for n, value in enumerate(values))), "key")
    assert [(group.name, [hit.image.path for hit in group.hits]) for group in groups] == [
        ("1", ["0.png", "4.png"]),
        ("1.0", ["1.png"]),
        ("true", ["2.png", "3.png"]),
        ('{"a": [1, null]}', ["5.png", "6.png"]),
        ("", ["7.png"]),
        ("null", ["8.png"]),
        (None, ["9.png"]),
    ]


@pytest.mark.heavy
def test_the_library_for_texts_is_loaded_when_it_is_asked_for_and_not_before() -> None:
    program = """
import sys, numpy, coactive.local.service
from coactive.local.catalog import Catalog
catalog = Catalog([], numpy.zeros((0, 1), numpy.float32))
catalog.visual_scores(numpy.zeros(1, numpy.float32))
before = "sklearn" in sys.modules
catalog.warm()
print(before, "sklearn" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "True"]


def test_an_images_id_depends_on_its_path_alone_and_holds_for_any_file_name() -> None:
    assert image("a.png").id == image("a.png", key=1).id != image("b.png").id
    assert image("\udcff.png").id != image("\udcfe.png").id
