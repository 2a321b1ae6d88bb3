"""The public names and their signatures are those of the committed list; the list has what the documentation uses."""

from __future__ import annotations

import ast
import difflib
import json
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from pages import ROOT, blocks
from public_api import LIST, Entries, Promise, listed, names_of, promise, resolved

import coactive.local
import coactive.notebook
from coactive.exceptions import OpenApiException

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "test/seed_scripts.md"]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))

CHANGED = """The public names and signatures are no longer those of the list:

{changes}

If that is meant, write the list anew by `cd test && python -m public_api`, and add a line to CHANGELOG.md under
Unreleased. docs/guides/public-api.md says which changes need a new minor version.
"""


def test_the_public_names_and_signatures_are_those_of_the_list() -> None:
    committed, found = LIST.read_text("utf-8").splitlines(), listed()
    changes = difflib.unified_diff(committed, found, "test/public_api.txt", "the code", lineterm="", n=0)
    if told := "\n".join(changes):
        pytest.fail(CHANGED.format(changes=told), pytrace=False)


def test_the_list_has_each_name_once_and_nothing_that_differs_from_run_to_run() -> None:
    names = [line.partition(": ")[0] for line in listed()]
    assert len(names) == len(set(names))
    assert not [line for line in listed() if re.search(r" at 0x|<\w+ object|ForwardRef|<factory>", line)]


def test_the_list_has_every_module_and_name_that_the_documentation_uses() -> None:
    names = {line.partition(": ")[0] for line in LIST.read_text("utf-8").splitlines()}
    known = names | {*promise().modules, *promise().paths}
    used = {name for page in PAGES for block in blocks(page) for name in _used(block.code)}
    used |= {name for notebook in NOTEBOOKS for code in _cells(notebook) for name in _used(code)}
    assert {"coactive.hooks.Exchange", "coactive.model.error_response.ErrorResponse", "coactive.bulk"} <= used
    assert used - known == set()


def _cells(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def _used(code: str) -> Iterator[str]:
    """The names of this package that a program imports or reaches by `coactive.`."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "coactive")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "coactive":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and re.fullmatch(r"coactive(\.\w+)+", ast.unparse(node)):
            yield ast.unparse(node)


def test_every_exception_is_public() -> None:
    def below(kind: type[Exception]) -> Iterator[type[Exception]]:
        yield kind
        for narrower in kind.__subclasses__():
            yield from below(narrower)

    own = {kind.__name__ for kind in below(OpenApiException) if kind.__module__ == "coactive.exceptions"}
    assert {name for name in own if not name.startswith("_")} <= set(coactive.__all__)


def test_what_the_guide_calls_not_public_is_a_member_of_a_public_class() -> None:
    told = promise()
    classes = {name.rpartition(".")[0] for name in told.internal}
    entries = Entries({name: resolved(name) for name in classes}, told._replace(internal=[]))
    assert set(told.internal) <= {name for name, _ in entries.all()}


def test_a_module_offers_its_all_lazy_names_too_or_else_what_it_defines() -> None:
    assert names_of(coactive.local) == ["Service", "running"]
    assert "running" not in vars(coactive.local)
    assert not hasattr(coactive.notebook, "__all__")
    assert names_of(coactive.notebook) == ["gallery", "Gallery"]


SAMPLE = """
from __future__ import annotations
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")
LIMIT = 7
Name: TypeAlias = str | Path


class _Base:
    def __init__(self, size: int, *, unit: Name = "px") -> None:
        self.size = size
        self.seen: list[int] = []
        self._hidden = None

    def shared(self, by: float | None = 5) -> Iterator[Path]: ...


class Shown(_Base, ValueError):
    kind = "plain"

    @property
    def area(self) -> int: ...
    @classmethod
    def make(cls, *sizes: int) -> Shown: ...
    @staticmethod
    def check(size: int) -> None: ...
    def _internal(self) -> None: ...
    def __len__(self) -> int: ...
    def __repr__(self) -> str: ...


class Pair(NamedTuple):
    left: int
    right: Path | None = None


@dataclass
class Box:
    width: int
    items: list[int] = field(default_factory=list)


@contextmanager
def opened(path: Name) -> Iterator[Path]: ...
"""

LISTED = """\
Box: class
Box.__eq__: method
Box.items: attribute list[int]
Box.width: attribute int
LIMIT: constant int
Name: alias str | Path
Pair: class of tuple
Pair.left: attribute int
Pair.right: attribute Path | None
Shown: class of ValueError, made by (size: int, *, unit: Name = 'px')
Shown.__len__: method
Shown.area: property int
Shown.check: staticmethod (size: int)
Shown.kind: attribute = 'plain'
Shown.make: classmethod (*sizes: int) -> Shown
Shown.seen: attribute list[int]
Shown.shared: method (by: float | None = 5) -> Iterator[Path]
Shown.size: attribute int
opened: function (path: Name) -> Iterator[Path]
"""


def test_members_of_private_bases_fields_and_aliases_are_listed_and_private_names_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sample_of_names.py").write_text(SAMPLE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = import_module("sample_of_names")
    names = [f"sample_of_names.{name}" for name in names_of(module)]
    types = [f"sample_of_names.{name}" for name in ("Box", "Pair")]
    entries = Entries({name: resolved(name) for name in names}, Promise([], [], types, []))
    told = [f"{name.partition('.')[2]}: {what}\n" for name, what in sorted(entries.all())]
    del sys.modules["sample_of_names"]
    assert "".join(told) == LISTED
