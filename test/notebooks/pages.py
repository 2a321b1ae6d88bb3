"""The notebooks of `docs/notebooks`: where they are, and what a test compares of them.

Notebooks are plain JSON here, so that they can be read where Jupyter's libraries are missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from html_page import Page

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))

Cell: TypeAlias = dict[str, Any]
Output: TypeAlias = dict[str, Any]


def cells(path: Path, kind: str) -> list[Cell]:
    """The cells of a kind ("code" or "markdown") of a saved notebook."""
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == kind]


def text(lines: str | list[str]) -> str:
    """A text that is saved line by line, as one."""
    return lines if isinstance(lines, str) else "".join(lines)


def htmls(path: Path) -> Iterator[str]:
    """The HTML of each output that has some."""
    for cell in cells(path, "code"):
        for output in cell["outputs"]:
            if "text/html" in output.get("data", {}):
                yield text(output["data"]["text/html"])


def told(output: Output) -> tuple[Any, ...]:
    """What an output tells a reader: its text, the exception, the names of its pictures.

    How IPython draws a traceback, how pandas styles a table and how Pillow writes a JPEG is left out.
    """
    if output["output_type"] == "stream":
        return output["name"], text(output["text"])
    if output["output_type"] == "error":
        return output["ename"], output["evalue"]
    data = output["data"]
    if "text/html" not in data:
        return tuple((kind, text(data[kind])) for kind in sorted(data))
    page = Page(text(data["text/html"]))
    sources = [re.sub(r",.*", "", source or "") for source in page.all("img", "src")]
    return re.sub(r"\s+", " ", page.text), page.all("img", "alt"), sources
