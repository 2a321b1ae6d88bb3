"""Reads the project's Markdown: the programs on a page, its tables and its links."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

from coactive.local import Service

ROOT = Path(__file__).parent.parent

EMBEDDING_ID = "b78a6e5f-5434-46c4-9e4f-ded092147584"
"""What the pages write for the embedding that the examples search in; the stand-in's own takes its place."""

PHOTO = "mug/mug-01-1.jpg"

_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\[\]]+\]\(([^()\s]+)\)")


class Block(NamedTuple):
    """A block of Python, the line of the page that it begins on, and what it prints where the page says so."""

    page: Path
    line: int
    code: str
    output: str | None

    def run(self, names: dict[str, Any]) -> None:
        """Run it among `names`, and compare what it prints with what the page says."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(self.compiled(names["EMBEDDING_ID"]), names)
        told = printed.getvalue().replace(names["EMBEDDING_ID"], EMBEDDING_ID)
        if self.output is not None and not _matches(self.output, told):
            assert told == self.output, f"{self.page}:{self.line}"

    def compiled(self, embedding_id: str) -> CodeType:
        """The code, for another embedding than the page's; errors name the line of the page."""
        return compile("\n" * (self.line - 1) + self.code.replace(EMBEDDING_ID, embedding_id), self.page, "exec")


def _matches(expected: str, printed: str) -> bool:
    return doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS)


def blocks(page: Path) -> list[Block]:
    """The blocks of Python on a page."""
    text = page.read_text("utf-8")
    return [Block(page, text.count("\n", 0, found.start()) + 2, found[1], found[2]) for found in _BLOCK.finditer(text)]


def programs(page: Path) -> list[list[Block]]:
    """The blocks of a page by program: one that begins with an import begins a program, another goes on."""
    found: list[list[Block]] = []
    for block in blocks(page):
        if block.code.startswith(("import ", "from ")) or not found:
            found.append([])
        found[-1].append(block)
    return found


def links(page: Path) -> list[str]:
    """The addresses that a page links to, those of other sites left out."""
    return [address for address in _LINK.findall(_prose(page)) if "://" not in address]


def anchors(page: Path) -> set[str]:
    """What a link to a page can end in after `#`."""
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(page: Path, heading: str) -> str:
    """What a page says, code left out, from a heading to the next one of the same rank."""
    rank = heading.partition(" ")[0]
    _, _, rest = _prose(page).partition(f"\n{heading}\n")
    return re.split(rf"^{rank} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def table(text: str) -> list[list[str]]:
    """The cells of the first table in a text, row by row, without its head and without Markdown's marks."""
    rows = re.search(r"(?:^.*\|.*\n?)+", text, re.MULTILINE)
    assert rows, f"no table in {text[:80]!r}"
    return [[_plain(cell) for cell in _cells(row)] for row in rows[0].splitlines()[2:]]


def _prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def _cells(row: str) -> list[str]:
    return (row.rstrip().removesuffix("|")[1:] if row.startswith("|") else row).split("|")


def _plain(cell: str) -> str:
    return re.sub(r"\[((?:[^\[\]]|\[[^\[\]]*\])+)\]\([^()]+\)", r"\1", cell).replace("**", "").strip()


def names_of(service: Service) -> dict[str, Any]:
    """The names that the examples take for granted: whose token, and which embedding."""
    client_id, _, client_secret = str(service.configuration.access_token).partition(":")
    return {"CLIENT_ID": client_id, "CLIENT_SECRET": client_secret, "EMBEDDING_ID": service.embedding_id}


def photo_of(service: Service) -> Path:
    """The picture that the examples search by."""
    return next(image.file for image in service.catalog.images if image.path == PHOTO)
