"""The scripts that the vendor publishes for its own client run with this one, against the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import PHOTO, Block, blocks, names_of, photo_of

from coactive.local import Service
from coactive.models import SimilaritySearchResponse

BY_IMAGE, BY_IMAGE_GROUPED, SEMANTIC, BY_TEXT = blocks(Path(__file__).with_name("seed_scripts.md"))


class _Names(dict[str, Any]):
    """The names of a script, and every answer that it gave the name `api_response`, in order."""

    def __init__(self, service: Service) -> None:
        super().__init__(names_of(service))
        self.answers: list[Any] = []
        self.opened: list[Any] = []
        self._picture = photo_of(service)
        self["open"] = self._open

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        if name == "api_response":
            self.answers.append(value)

    def _open(self, path: str, mode: str) -> Any:
        assert (path, mode) == ("/path/to/file", "rb")
        self.opened.append(self._picture.open(mode))
        return self.opened[-1]


@pytest.fixture
def names(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Names]:
    """What the scripts take from around them; the picture that they open stays open until the end."""
    monkeypatch.setenv("COACTIVE_HOST", service.configuration.host)
    found = _Names(service)
    yield found
    for file in found.opened:
        assert not file.closed
        file.close()


def _run(script: Block, names: _Names, capsys: pytest.CaptureFixture[str]) -> None:
    exec(script.compiled(names["EMBEDDING_ID"]), {}, names)
    assert capsys.readouterr().out == "", "an exception is printed"
    assert len(names.answers) == 2


def test_get_similar_images_runs_with_required_and_with_all_arguments(
    names: _Names, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(BY_IMAGE, names, capsys)
    first, second = names.answers
    assert first == second
    assert [len(first["data"]), first["data"][0]["path"]] == [100, PHOTO]


def test_get_similar_images_grouped_runs_with_required_and_with_all_arguments(
    names: _Names, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(BY_IMAGE_GROUPED, names, capsys)
    first, second = names.answers
    assert first == second
    assert isinstance(first, SimilaritySearchResponse)
    assert [first.data[0].group, first.data[0].images[0].path] == ["MUG-01", PHOTO]


def test_get_similar_images_grouped_semantic_runs_with_required_and_with_all_arguments(
    names: _Names, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(SEMANTIC, names, capsys)
    for answer in names.answers:
        assert isinstance(answer, SimilaritySearchResponse)
        assert [answer.data[0].group, answer.data[0].images[0].path] == ["MUG-01", PHOTO]


def test_search_images_by_text_grouped_runs_with_required_and_with_all_arguments(
    names: _Names, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(BY_TEXT, names, capsys)
    alone, by_sku = names.answers
    assert [group.group for group in alone.data] == [None]
    assert None not in [group.group for group in by_sku.data]
    assert len(by_sku.data) > 1
