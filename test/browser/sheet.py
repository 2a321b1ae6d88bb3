"""A notebook with every kind of result, run in a real kernel and exported to the HTML that a reader opens.

Its libraries are imported where they are used: they are only there where the heavy tests are run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import coactive

if TYPE_CHECKING:
    from nbformat import NotebookNode

BEGIN = """
import coactive
from coactive.apis import SimilaritySearchApi
from coactive.notebook import gallery

api = SimilaritySearchApi(coactive.ApiClient())
grouped = api.get_similar_images_grouped(EMBEDDING_ID, "sku", PHOTO, limit=12)
plain = api.get_similar_images(EMBEDDING_ID, PHOTO, limit=100)
"""

HOSTILE = '<img src=x onerror="document.title=1">'

CELLS: Mapping[str, str] = {
    "grouped": "grouped.show(file=PHOTO)",
    "value": "grouped",
    "plain": "gallery(plain['data'][:6], file=PHOTO)",
    "phrase": (
        "found = api.search_images_by_text_grouped(EMBEDDING_ID, 'blue striped', group_by='product', limit=9)\n"
        "found.show(query='blue striped')"
    ),
    "nothing": "api.search_images_by_text_grouped(EMBEDDING_ID, 'zeppelin', group_by='sku')",
    "one": "gallery(plain['data'][:1], file=PHOTO)",
    "thousand": "gallery([image | {'coactive_image_id': str(n)} for n in range(10) for image in plain['data']])",
    "embedded": "grouped.show(file=PHOTO, fetch=True)",
    "missing": (
        "gone = [{**image, 'url': url} for image, url in zip(plain['data'], "
        "[None, 'http://127.0.0.1:1/gone.jpg', 'javascript:alert(1)', 'file:///etc/hostname', '/images/1'])]\n"
        "gallery(gone)"
    ),
    "in-vain": "gallery(gone).show(fetch=True)",
    "hostile": (
        f"evil = {HOSTILE!r}\n"
        "image = {'path': evil, 'coactive_image_id': evil, 'url': 'javascript:' + evil, 'score': evil,\n"
        "         'metadata': {evil: evil, 'caption': evil, 'long': 'w' * 9000}}\n"
        "gallery({'data': [{'group': evil, 'images': [image, {**image, 'url': 'http://127.0.0.1:1/' + evil}]}]},\n"
        "        query=evil)"
    ),
    "compared": (
        "another = api.get_similar_images_grouped(EMBEDDING_ID, 'sku', OTHER_PHOTO, limit=12)\ngrouped.compare(another)"
    ),
    "error": (
        "try:\n"
        "    api.get_similar_images('no-such-embedding', PHOTO)\n"
        "except coactive.ApiException as caught:\n"
        "    error = caught\n"
        "error"
    ),
    "traceback": "api.get_similar_images('no-such-embedding', PHOTO)",
}
"""The code of each cell by the cell's name; the last one ends in an exception."""


def executed(names: Mapping[str, str], settings: Mapping[str, str], folder: Path) -> NotebookNode:
    """The notebook after a run in a kernel that has the settings in its environment."""
    from nbclient import NotebookClient
    from nbformat.v4 import new_notebook

    given = "\n".join(f"{name} = {text!r}" for name, text in names.items())
    cells = [_cell("begin", f"{given}\n{BEGIN}"), *(_cell(name, code) for name, code in CELLS.items())]
    cells[-1].metadata.tags = ["raises-exception"]
    notebook: NotebookNode = new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    # The kernel is to import what is tested, and nothing of its working folder or of the user's profile.
    source = str(Path(coactive.__file__).parents[1])
    places = {"PYTHONPATH": source, "IPYTHONDIR": str(folder / "ipython"), "JUPYTER_PLATFORM_DIRS": "1"}
    with patch.dict(os.environ, {**settings, **places}):
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def _cell(name: str, code: str) -> NotebookNode:
    from nbformat.v4 import new_code_cell

    cell: NotebookNode = new_code_cell(code, id=name)  # type: ignore[no-untyped-call]
    return cell


def exported(notebook: NotebookNode, theme: str) -> str:
    """The HTML that nbconvert makes of it, without the scripts that it takes from elsewhere."""
    from nbconvert import HTMLExporter

    elsewhere = dict.fromkeys(("require_js_url", "mathjax_url", "jquery_url", "mermaid_js_url"), "")
    exporter = HTMLExporter(theme=theme, **elsewhere)  # type: ignore[no-untyped-call]
    page: str = exporter.from_notebook_node(notebook)[0]
    return page


def bare(notebook: NotebookNode) -> str:
    """The outputs on a page without a notebook's style, which follows the reader's choice of light or dark."""
    outputs = (
        f'<div id="cell-id={cell.id}">{output.data["text/html"]}</div>'
        for cell in notebook.cells
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    )
    style = ":root { color-scheme: light dark } body { background: Canvas; color: CanvasText }"
    head = f'<meta charset="utf-8"><title>bare</title><style>{style}</style>'
    return f"<!doctype html><html><head>{head}</head><body>{''.join(outputs)}</body></html>"
