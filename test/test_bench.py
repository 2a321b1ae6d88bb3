"""The benchmark compares like with like, and its page has its rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from bench import page
from bench.client import Client
from bench.floor import Floor
from bench.peers import FIGURES, PEERS
from bench.rows import ROWS
from bench.server import answer, running
from bench.work import write_image
from forms import parts_of
from pages import table
from scripted_server import ScriptedServer, Seen

from coactive.models import SimilarImage

SEARCHES: dict[str, Callable[[Any, Path], float]] = {
    "search": lambda caller, image: caller.search(100),
    "upload": lambda caller, image: caller.upload(image),
}


def asked(seen: Seen) -> Any:
    """What a request means, whatever its headers are and the order of its fields."""
    path, _, query = seen.target.partition("?")
    form = {(part.name, part.data) for part in parts_of(seen)} if seen.body else set()
    return seen.method, path, set(parse_qsl(query)), form, seen.headers["Authorization"], seen.headers["Accept"]


@pytest.mark.parametrize("kind", SEARCHES)
def test_floor_and_client_ask_for_the_same(server: ScriptedServer, tmp_path: Path, kind: str) -> None:
    image = write_image(tmp_path / "image.jpg", 1)
    for caller in (Floor(server.host), Client(server.host)):
        SEARCHES[kind](caller, image)
    floors, clients = server.seen
    assert asked(floors) == asked(clients)


@pytest.mark.parametrize("kind", SEARCHES)
def test_floor_and_client_read_the_same_scores(tmp_path: Path, kind: str) -> None:
    image = write_image(tmp_path / "image.jpg", 1)
    with running() as host:
        floors, clients = (SEARCHES[kind](caller, image) for caller in (Floor(host), Client(host)))
    assert floors == clients > 0


def test_an_image_of_an_answer_has_every_field() -> None:
    body = json.loads(answer(7).partition(b"\r\n\r\n")[2])
    assert [len(group["images"]) for group in body["data"]] == [5, 2]
    assert {tuple(image) for group in body["data"] for image in group["images"]} == {SimilarImage._fields}


def test_the_page_has_the_rows_and_limits_that_are_measured() -> None:
    rows = table(page.PAGE.read_text("utf-8"))
    limits = [f"{row.at_most:.1f} {row.unit}" if row.unit else f"{row.at_most:.2f}" for row in ROWS]
    assert [(work, limit) for work, limit, *_ in rows] == [
        (row.work, limit) for row, limit in zip(ROWS, limits, strict=True)
    ]


def test_other_clients_have_a_figure_or_none_for_each_row() -> None:
    assert FIGURES.keys() <= {row.key for row in ROWS}
    assert {len(figures) for figures in FIGURES.values()} == {len(PEERS)}
