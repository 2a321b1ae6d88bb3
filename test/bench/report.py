"""The results as a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.measuring import Measured
from bench.rows import Row
from bench.runs import Result

_HEAD = ["work", "at most", "median", "the runs", "floor", "client"]


def table(results: Sequence[Result]) -> str:
    """A Markdown table with a row for each result."""
    return markdown(_HEAD, [_cells(result.row, result.runs) for result in results])


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def _cells(row: Row, runs: Sequence[Measured]) -> list[str]:
    figures = [run.figure for run in runs]
    return [
        row.work,
        _figure(row, row.at_most),
        f"**{_figure(row, statistics.median(figures))}**",
        ", ".join(_figure(row, figure) for figure in figures),
        _amount(row, statistics.median(run.floor for run in runs)),
        _amount(row, statistics.median(run.client for run in runs)),
    ]


def _figure(row: Row, figure: float) -> str:
    return _amount(row, figure) if row.unit else f"{figure:.2f}"


def _amount(row: Row, amount: float) -> str:
    if row.unit:
        return f"{amount:.1f} {row.unit}"
    milliseconds = amount * 1000
    return f"{milliseconds:.{2 if milliseconds < 10 else 0}f} ms"
