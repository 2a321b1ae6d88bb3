"""The page of the documentation that a run of all rows writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench import machine, report
from bench.peers import FIGURES, PEERS
from bench.rows import ROWS
from bench.runs import RUNS, Result

PAGE = Path(__file__).parent.parent.parent / "docs/performance.md"

_PAGE = """\
# Performance

What the client adds to its floor: `urllib3.PoolManager().request(...)` and `json.loads`, written by hand for the same
searches. `tox -e bench` measures both and writes this page.

{table}

- Machine: {machine}.
- Versions: {versions}.

A figure is the client's time divided by the floor's, or MiB where it says so. Of {runs} runs, each in a process of its
own, the median counts. `floor` and `client` are what one call takes, in the last row what all of them take.

- The server is a process of its own that sends prepared answers. Floor and client use it in turn, in short blocks of
  calls, each with one pool of connections that stays open; a run's ratio is the median over the pairs of blocks.
  Server and clients share one core: between two, the time in which a sleeping core wakes up would hide a part of the
  difference. Garbage is collected as Python does by itself.
- An image of an answer has every field of [SimilarImage](SimilarImage.md) and four keys of metadata; five share a
  group. The floor reads `image["score"]`, the client `image.score`.
- The floor of an upload reads the file whole and passes it in `fields`. Both have uploaded 24 MiB before the uploads
  of 1 MiB, so that `malloc` has settled. Growth of peak memory is measured in a fresh process, after an upload of
  1 MiB.
- The floor of the import is `import urllib3`. Each takes the shortest of 25 processes, the start of Python left out.
- The 1,000 calls go through `coactive.bulk.run`. Their floor is the ideal: 1,000 / 16 x 50 ms.

## Other clients

The same work by other clients, as multiples of the same floor, or MiB. They were measured once, and not by
`tox -e bench`: clients that OpenAPI Generator (its target `python`) and openapi-python-client make, and the vendor's
published SDK, of which only the import compares.

{peers}

## Run it

`tox -e bench` takes about a minute. `tox -e bench -- client small upload` measures these rows alone and leaves this
page; the rows are {keys}.
`tox -e bench -- stand-in` measures the [stand-in](guides/the-stand-in.md).

Times depend on the machine, so no test fails by them. The tests count what does not: the objects made in a thousand
calls, the reads of an image and the memory they take, the system calls that send an upload, and the modules that
`import coactive` loads.
"""


def text(results: Sequence[Result]) -> str:
    """The page."""
    return _PAGE.format(
        table=report.table(results),
        machine=machine.machine(),
        versions=machine.versions(),
        runs=RUNS,
        peers=_peers(),
        keys=", ".join(f"`{row.key}`" for row in ROWS),
    )


def _peers() -> str:
    rows = [[row.work, *FIGURES[row.key]] for row in ROWS if row.key in FIGURES]
    return report.markdown(["work", *PEERS], rows)
