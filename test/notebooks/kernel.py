"""A notebook run from a clean kernel, and its outputs without what differs from run to run.

Jupyter's libraries are imported where they are used: they are only there where the heavy tests are run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coactive
from coactive.display.thumbnail import thumbnail
from coactive.local import Service
from notebooks.pages import Output

if TYPE_CHECKING:
    from nbformat import NotebookNode

_SECONDS = 120
"""For one cell."""

_LOOPBACK_ONLY = '__import__("pytest_socket").socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)\n'
"""What a kernel runs first: it then reaches no other machine."""

_NOT_GIVEN = re.compile(r"COACTIVE_|IPYTHON|JUPYTER|PYTHON|https?_proxy$|no_proxy$|(COLUMNS|LINES)$", re.IGNORECASE)
"""Names of the environment that would make a run depend on the machine."""

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

_HOST = re.compile(r"http://127\.0\.0\.1:\d+")
_REQUEST_ID = re.compile(r"Request ID: [0-9a-f]{32}")
_PICTURE = re.compile(r'src="http://127\.0\.0\.1:\d+/images/([\w-]+)"')
_LINK = re.compile(r' href="http://127\.0\.0\.1:\d+/[^"]*"( target="_blank" rel="noopener noreferrer")?')
_BAR = re.compile(r"(\d+%)\|[^|]*\| (\d+/\d+) \[[^]]*?(errors=\d+)?\]")


def executed(path: Path, folder: Path, service: Service) -> NotebookNode:
    """The notebook after a run in an empty folder, settled.

    Args:
        path: the notebook.
        folder: an empty folder; the kernel runs in one below it.
        service: a stand-in with the demo's catalogue, which has the pictures that the notebook shows.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook: NotebookNode = nbformat.read(path, 4)  # type: ignore[no-untyped-call]
    place = folder / "run"
    place.mkdir()
    client = NotebookClient(notebook, timeout=_SECONDS, record_timing=False, resources={"metadata": {"path": place}})
    client.execute(env=_environment(folder / "ipython"))
    _settle(notebook, service)
    return notebook


def _environment(profile: Path) -> dict[str, str]:
    """The environment of the kernel, which imports what is tested, and nothing of its user's profile."""
    startup = profile / "profile_default/startup/00-loopback-only.py"
    startup.parent.mkdir(parents=True)
    startup.write_text(_LOOPBACK_ONLY, "utf-8")
    given = {name: value for name, value in os.environ.items() if not _NOT_GIVEN.match(name)}
    source = str(Path(coactive.__file__).parents[1])
    return given | {"PYTHONPATH": source, "IPYTHONDIR": str(profile), "JUPYTER_PLATFORM_DIRS": "1"}


def _settle(notebook: NotebookNode, service: Service) -> None:
    """Take out of the outputs what differs from run to run, and embed what would be gone without the service."""
    from nbformat.notebooknode import from_dict

    notebook.metadata = from_dict(_METADATA)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        cell.metadata = from_dict({"tags": tags} if (tags := cell.metadata.get("tags")) else {})  # type: ignore[no-untyped-call]
        if cell.cell_type == "code":
            cell.outputs = from_dict([_settled(it, service) for it in _joined(cell.outputs)])  # type: ignore[no-untyped-call]


def _joined(outputs: list[Output]) -> list[Output]:
    """The outputs, with what was printed in several pieces as one; what came by stderr, at any moment, is first."""
    joined: list[Output] = []
    for output in sorted(outputs, key=lambda it: it.get("name") != "stderr"):
        if joined and output["output_type"] == "stream" and joined[-1].get("name") == output["name"]:
            joined[-1]["text"] += output["text"]
        else:
            joined.append(output)
    return joined


def _settled(output: Output, service: Service) -> Output:
    if output["output_type"] == "stream":
        return output | {"text": "\n".join(_line(line) for line in _without_noise(output["text"]).split("\n"))}
    if output["output_type"] == "error":
        traceback = [_without_noise(line) for line in output["traceback"]]
        return output | {"evalue": _without_noise(output["evalue"]), "traceback": traceback}
    if "text/html" in output["data"]:
        html = _PICTURE.sub(lambda found: f'src="{_embedded(found[1], service)}"', output["data"]["text/html"])
        return output | {"data": output["data"] | {"text/html": _LINK.sub("", html)}}
    return output


def _without_noise(text: str) -> str:
    return _REQUEST_ID.sub(f"Request ID: {'0' * 32}", _HOST.sub("http://127.0.0.1:8000", text))


def _line(line: str) -> str:
    """A line without what was drawn over on it; a progress bar is, and has times."""
    return _BAR.sub(_bar, line.rstrip("\r").rpartition("\r")[2])


def _bar(found: re.Match[str]) -> str:
    percent, count, errors = found.groups()
    return f"{percent}|{'█' * (int(percent[:-1]) // 10)}| {count}{f' [{errors}]' if errors else ''}"


def _embedded(image_id: str, service: Service) -> str | None:
    """The `data:` address of a picture that the service has."""
    image: Any = service.catalog.find(image_id)
    return thumbnail(image.file.read_bytes())
