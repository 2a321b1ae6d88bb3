"""Reads the project's Markdown: the programs on a page, its tables and its links; and serves what the programs call."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from coactive.local import Service
from coactive.local.app import build_app
from coactive.local.server import _listen, _serving

ROOT = Path(__file__).parent.parent

CLIENT_ID, CLIENT_SECRET = "a-client", "and-its-secret"
EMBEDDING_ID = "b78a6e5f-5434-46c4-9e4f-ded092147584"
"""What the examples write for the embedding that they search in."""

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
            exec(compile("\n" * (self.line - 1) + self.code, self.page, "exec"), names)
        if self.output is not None and not _matches(self.output, printed.getvalue()):
            assert printed.getvalue() == self.output, f"{self.page}:{self.line}"


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


@contextlib.contextmanager
def same_images(service: Service) -> Iterator[str]:
    """The host of a stand-in with a service's images, for the embedding id and the credentials of the examples."""
    app = build_app(service.catalog, embedding_id=EMBEDDING_ID, token=f"{CLIENT_ID}:{CLIENT_SECRET}")
    with _listen("127.0.0.1", 0) as listener, _serving(app, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def photo_of(service: Service) -> Path:
    """The picture that the examples search by."""
    return next(image.file for image in service.catalog.images if image.path == PHOTO)
