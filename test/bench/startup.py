"""How long it takes to import, in a fresh process each time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import coactive
from bench.measuring import Measured

_PROCESSES = 25

_TIMED = """
import sys, time
sys.path.append(sys.argv[1])
started = time.perf_counter()
{}
print(time.perf_counter() - started)
"""

_FLOOR = "import urllib3"

_CLIENT = """
import coactive
from coactive.apis import SimilaritySearchApi
SimilaritySearchApi(coactive.ApiClient(coactive.Configuration(access_token="an-id:a-secret")))
"""


def startup() -> Measured:
    """Import and make the objects, against `import urllib3`: the shortest of many processes, in turn.

    The start of the interpreter is not counted. What disturbs a process only adds to its time: hence the shortest.
    """
    times = [(_seconds(_FLOOR), _seconds(_CLIENT)) for _ in range(_PROCESSES)]
    floor, client = (min(column) for column in zip(*times, strict=True))
    return Measured(client / floor, floor, client)


def _seconds(statements: str) -> float:
    home = Path(coactive.__file__).parent.parent
    command = [sys.executable, "-I", "-c", _TIMED.format(statements), str(home)]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
