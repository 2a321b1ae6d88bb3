"""The command line: `python -m bench [client [ROW ...]]`, `python -m bench stand-in [IMAGES]`."""

from __future__ import annotations

import argparse
import sys

from bench import page, report, runs
from bench.rows import ROWS, Row

_KEYS = ", ".join(row.key for row in ROWS)


def main() -> None:
    """Measure what the command line names; the client unless told otherwise."""
    arguments = _parser().parse_args(sys.argv[1:] or ["client"])
    if arguments.what == "stand-in":
        from bench import stand_in  # wants the extra `local`

        stand_in.main(arguments.images)
    else:
        _measure_client(arguments.rows)


def _measure_client(rows: list[Row]) -> None:
    results = runs.measure(rows or ROWS)
    print(report.table(results))
    if not rows:
        page.PAGE.write_text(page.text(results), "utf-8")
        print(f"\nWritten to {page.PAGE}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What the client and the stand-in cost.")
    kinds = parser.add_subparsers(dest="what", required=True)
    client = kinds.add_parser("client", help="the client against its floor; writes docs/performance.md")
    client.add_argument("rows", nargs="*", type=_row, metavar="ROW", help=f"these alone, and no page: {_KEYS}")
    stand_in = kinds.add_parser("stand-in", help="how fast the stand-in indexes, starts again and searches")
    stand_in.add_argument("images", nargs="?", type=int, default=100_000, metavar="IMAGES", help="how many pictures")
    return parser


def _row(key: str) -> Row:
    for row in ROWS:
        if row.key == key:
            return row
    raise argparse.ArgumentTypeError(f"{key!r} is none of {_KEYS}")


if __name__ == "__main__":
    main()
