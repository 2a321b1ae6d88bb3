"""Several runs, each in a process of its own: `python -m bench.runs NUMBER ROW ...` makes one and prints it as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from bench.measuring import Measured
from bench.rows import ROWS, Row

RUNS = 3


class Result(NamedTuple):
    """What the runs found for a row."""

    row: Row
    runs: list[Measured]


def measure(rows: Sequence[Row]) -> list[Result]:
    """Each row in each run: a process has luck with its memory, and keeps it, so that one process is one sample."""
    runs = [_run(number, rows) for number in range(1, RUNS + 1)]
    return [Result(row, list(measured)) for row, measured in zip(rows, zip(*runs, strict=True), strict=True)]


def _run(number: int, rows: Sequence[Row]) -> list[Measured]:
    command = [sys.executable, "-m", "bench.runs", str(number), *(row.key for row in rows)]
    folder = Path(__file__).parent.parent
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=folder)
    return [Measured(*measured) for measured in json.loads(done.stdout)]


def main() -> None:
    """Make one run."""
    number, *keys = sys.argv[1:]
    rows = tqdm([row for row in ROWS if row.key in keys], unit="row", disable=None)
    measured = []
    for row in rows:
        rows.set_description(f"run {number} of {RUNS}: {row.key}")
        measured.append(row.measure())
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
