"""Several runs of each row, every one in a process of its own: `python -m bench.runs ROW` makes one and prints it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

from tqdm import tqdm

from bench.measuring import Measured
from bench.process import output_of
from bench.rows import ROWS, Row

RUNS = 3


class Result(NamedTuple):
    """What the runs found for a row."""

    row: Row
    runs: list[Measured]


def measure(rows: Sequence[Row]) -> list[Result]:
    """Every row, then every row again: a process has luck with its memory, and keeps it, so that it is one sample."""
    results = [Result(row, []) for row in rows]
    with tqdm(results * RUNS, unit="row", disable=None) as bar:
        for result in bar:
            bar.set_description(result.row.key)
            result.runs.append(_run(result.row))
    return results


def _run(row: Row) -> Measured:
    return Measured(*json.loads(output_of("bench.runs", row.key)))


def main() -> None:
    """Make one run of one row."""
    (row,) = (row for row in ROWS if row.key == sys.argv[1])
    print(json.dumps(row.measure()))


if __name__ == "__main__":
    main()
