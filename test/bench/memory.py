"""By how much an upload raises the peak of memory.

`python -m bench.memory floor|client HOST SMALL LARGE` uploads two files and prints the growth by the second, in bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.client import Client
from bench.floor import Floor
from bench.measuring import Measured
from bench.process import output_of, peak_memory
from bench.work import MIB


def growth(host: str, small: Path, large: Path) -> Measured:
    """Of the upload of the large file after one of the small, each in a process of its own, in MiB."""
    floor, client = (_growth(kind, host, small, large) / MIB for kind in ("floor", "client"))
    return Measured(client, floor, client)


def _growth(kind: str, host: str, small: Path, large: Path) -> int:
    return int(output_of("bench.memory", kind, host, small, large))


def main() -> None:
    """Upload the small file, then the large one, and print by how much that raised the peak."""
    kind, host, small, large = sys.argv[1:]
    uploader = (Floor if kind == "floor" else Client)(host)
    uploader.upload(Path(small))
    before = peak_memory()
    uploader.upload(Path(large))
    print(peak_memory() - before)


if __name__ == "__main__":
    main()
