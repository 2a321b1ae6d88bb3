"""The notebooks are what they say: each runs from a clean kernel, and shows what was saved with it."""

from __future__ import annotations

import ast
import base64
import importlib.util
import io
import json
import os
import re
from pathlib import Path

import pytest
from html_page import Page
from PIL import Image

from coactive.local import Service
from notebooks.kernel import executed
from notebooks.pages import NOTEBOOKS, ROOT, Cell, cells, htmls, text, told

_ABSOLUTE_PATH = re.compile(r"(?<![\w/.:<*])(?:[A-Z]:\\+|/)\w+[/\\]+[\w.-]+")
"""A path from the root of some machine; neither an address nor a closing tag."""

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def _jupyter() -> None:
    """Skips the test on a machine without Jupyter's libraries; CI fails."""
    missing = [name for name in ("nbclient", "nbformat", "ipykernel") if not importlib.util.find_spec(name)]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"pip install '.[browser]', for {', '.join(missing)}")


@pytest.mark.heavy
@pytest.mark.usefixtures("_jupyter")
@every_notebook
def test_a_notebook_runs_from_a_clean_kernel_and_shows_what_was_saved(
    path: Path, tmp_path: Path, service: Service
) -> None:
    notebook = executed(path, tmp_path, service)
    run = {cell.id: [told(it) for it in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"}
    saved = {cell["id"]: [told(it) for it in cell["outputs"]] for cell in cells(path, "code")}
    assert run == saved, "after a change that is wanted: cd test && python -m notebooks.refresh"
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.heavy
@pytest.mark.usefixtures("_jupyter")
@every_notebook
def test_a_notebook_has_the_format_of_notebooks(path: Path) -> None:
    import nbformat

    nbformat.validate(nbformat.read(path, nbformat.NO_CONVERT))  # type: ignore[no-untyped-call]


def test_there_are_the_three_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["comparing-two-searches", "getting-started", "searching-a-folder"]


@every_notebook
def test_every_cell_was_run_in_order(path: Path) -> None:
    counts = [cell["execution_count"] for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1))


@every_notebook
def test_every_cell_that_shows_something_has_its_output(path: Path) -> None:
    for cell in cells(path, "code"):
        assert bool(cell["outputs"]) is _shows(cell), cell["id"]


def _shows(cell: Cell) -> bool:
    """Whether a cell prints, or ends in an expression; to close something shows nothing."""
    code = text(cell["source"])
    last = ast.parse(code).body[-1]
    ends_in_value = isinstance(last, ast.Expr) and not ast.unparse(last).endswith(".close()")
    return ends_in_value or re.search(r"^ *print\(|search_all\(\)$", code, re.MULTILINE) is not None


@every_notebook
def test_only_a_cell_that_says_so_ends_in_an_error(path: Path) -> None:
    for cell in cells(path, "code"):
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        assert failed is ("raises-exception" in cell["metadata"].get("tags", [])), cell["id"]


@every_notebook
def test_a_notebook_says_nothing_of_the_machine_and_the_moment_it_was_run(path: Path) -> None:
    saved = re.sub(r"data:image/\w+;base64,[\w+/=]+", "", path.read_text("utf-8"))
    whole = json.loads(saved)
    saved = re.sub(r"\\u001b\[[\d;]*m|\\n", " ", saved)
    assert _ABSOLUTE_PATH.findall(saved) == []
    assert str(ROOT) not in saved
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", saved)) <= {"8000"}
    assert set(re.findall(r"Request ID: (\w+)", saved)) <= {"0" * 32}
    assert not re.search(r"\d\d:\d\d|it/s|searches/s|\d{4}-\d\d-\d\dT", saved)
    assert set(whole["metadata"]["language_info"]) == {"name"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in whole["cells"])


@every_notebook
def test_a_notebook_has_no_token(path: Path) -> None:
    saved = path.read_text("utf-8")
    assert not re.search(r"stand-in\\?[\"']|local:stand-in|Bearer|access_token", saved)
    assert set(re.findall(r"COACTIVE_CLIENT_\w+=(\S{3})", saved)) <= {"..."}


@every_notebook
def test_every_picture_is_in_the_notebook_and_can_be_read(path: Path) -> None:
    sources = [source or "" for html in htmls(path) for source in Page(html).all("img", "src")]
    assert sources
    for source in sources:
        kind, _, data = source.partition(";base64,")
        assert kind in ("data:image/jpeg", "data:image/png")
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as picture:
            picture.load()
            assert min(picture.size) > 60


@every_notebook
def test_no_output_links_to_a_service_that_is_gone(path: Path) -> None:
    assert [link for html in htmls(path) for link in Page(html).all("a", "href") if link] == []


@every_notebook
def test_a_notebook_is_less_than_half_a_megabyte(path: Path) -> None:
    assert path.stat().st_size < 500_000


@every_notebook
def test_links_lead_to_a_file(path: Path) -> None:
    told_in_words = "\n".join(text(cell["source"]) for cell in cells(path, "markdown"))
    links = re.findall(r"\[[^\[\]]+\]\(([^()\s]+)\)", told_in_words)
    assert links
    for link in links:
        assert (path.parent / link.partition("#")[0]).resolve().is_relative_to(ROOT), link
        assert (path.parent / link.partition("#")[0]).is_file(), link
