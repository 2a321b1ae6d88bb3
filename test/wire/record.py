"""Record what a client that OpenAPI Generator makes from `docs/openapi.json` sends.

    cd test && python -m wire.record

It writes `openapi-3.0.json`, the contract as the generator can read it, and generates a client from that.
Then it makes the call of each file in `recordings/` and `differences/` (its `operation` and `arguments`) and
puts what was sent into that file as its `request`. To record one more call, add a file with those two and run
this again.

Wants Java 8 or later and PyPI. In a fresh virtual environment, thrown away afterwards, it installs OpenAPI
Generator 6.0.1, generates the `python` client called `coactive`, and installs that with its own requirements,
`python-dateutil` and `urllib3 >= 1.25.3`. urllib3 is pinned to 1.26.20, of the series that was current with
the generator (2.5 and 2.8 give the same recordings but for a backslash in a file's name, which they leave
alone; 2.6.0 lacks a method that the client calls). The calls are run with `python -I`, which sees that
environment alone. Made with Python 3.11, and found the same with 3.9 and 3.13; `--python` names another.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wire.recorder import recording

HERE = Path(__file__).resolve().parent
CONTRACT = HERE.parents[1] / "docs" / "openapi.json"
RENDERING = HERE / "openapi-3.0.json"
GENERATOR = "openapi-generator-cli==6.0.1"
PINNED = "urllib3==1.26.20"
LEFT_OUT = {"dependentRequired", "x-reading"}


def render_openapi_3_0(document: Mapping[str, Any]) -> dict[str, Any]:
    """Say an OpenAPI 3.1 document in OpenAPI 3.0, leaving out what 3.0 has no word for."""
    rendered: dict[str, Any] = _render(document)
    return rendered | {"openapi": "3.0.3"}


def _render(node: Any) -> Any:
    if isinstance(node, list):
        return [_render(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    rendered = {key: _render(value) for key, value in node.items() if key not in LEFT_OUT}
    if isinstance(rendered.get("type"), list):
        rendered |= _render_types(rendered.pop("type"))
    if rendered.pop("contentMediaType", None):
        rendered["format"] = "binary"
    return rendered


def _render_types(types: list[str]) -> dict[str, Any]:
    named = [{"type": name} for name in types if name != "null"]
    rendered: dict[str, Any] = dict(*named) if len(named) == 1 else {"anyOf": named}
    return rendered | ({"nullable": True} if "null" in types else {})


def generate_client(base_python: str, folder: Path) -> Path:
    """Install a freshly generated client in a fresh environment; the environment's Python."""
    run(base_python, "-m", "venv", folder / "env")
    binaries = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    python, generator, client = binaries / "python", binaries / "openapi-generator-cli", folder / "client"
    run(python, "-m", "pip", "install", "--quiet", GENERATOR)
    run(generator, "generate", "-g", "python", "--package-name", "coactive", "-i", RENDERING, "-o", client)
    run(python, "-m", "pip", "install", "--quiet", client, PINNED)
    return python


def run(*command: str | Path, given: str = "") -> str:
    """Run a command; what it printed. Its errors are shown, and end the recording."""
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout


def record(python: Path, path: Path) -> None:
    """Make a recording's call with that Python's client; put down what it sent, or the error it raised."""
    call = {key: value for key, value in read_json(path).items() if key not in ("error", "request")}
    with recording() as recorder:
        asked = json.dumps([recorder.host, call["operation"], call["arguments"]])
        outcome = json.loads(run(python, "-I", HERE / "call.py", given=asked))
    if recorder.requests:
        (outcome["request"],) = recorder.requests
    write_json(path, call | outcome)


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people to read."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def main() -> None:
    """Render, generate and record everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="what the generated client runs on")
    base_python = parser.parse_args().python
    write_json(RENDERING, render_openapi_3_0(read_json(CONTRACT)))
    with tempfile.TemporaryDirectory() as folder:
        python = generate_client(base_python, Path(folder))
        for path in sorted([*HERE.glob("recordings/*.json"), *HERE.glob("differences/*.json")]):
            record(python, path)


if __name__ == "__main__":
    main()
