"""The command line: `python -m bench [client [ROW ...]]`, `python -m bench stand-in [IMAGES]`."""

from __future__ import annotations

import argparse
import sys

from bench import page, report, runs
from bench.rows import ROWS


def main() -> None:
    """Measure what the command line names; the client unless told otherwise."""
    arguments = _parser().parse_args(sys.argv[1:] or ["client"])
    if arguments.what == "stand-in":
        from bench import stand_in  # wants the extra `local`

        stand_in.main(arguments.images)
    else:
        _measure_client(arguments.rows)


def _measure_client(keys: list[str]) -> None:
    rows = [row for row in ROWS if not keys or row.key in keys]
    results = runs.measure(rows)
    print(report.table(results))
    if not keys:
        page.PAGE.write_text(page.text(results), "utf-8")
        print(f"\nWritten to {page.PAGE}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What the client and the stand-in cost.")
    kinds = parser.add_subparsers(dest="what", required=True)
    client = kinds.add_parser("client", help="the client against its floor; writes docs/performance.md")
    keys = [row.key for row in ROWS]
    client.add_argument("rows", nargs="*", metavar="ROW", help=f"these rows alone, and no page: {', '.join(keys)}")
    stand_in = kinds.add_parser("stand-in", help="how fast the stand-in indexes, starts again and searches")
    stand_in.add_argument("images", nargs="?", type=int, default=100_000, metavar="IMAGES", help="how many pictures")
    return parser


if __name__ == "__main__":
    main()
