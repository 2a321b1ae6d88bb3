"""By how much an upload raises the peak of memory.

`python -m bench.memory floor|client HOST SMALL LARGE` uploads two files and prints the growth by the second, in bytes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from bench.client import Client
from bench.floor import Floor
from bench.measuring import Measured
from bench.work import MIB


def growth(host: str, small: Path, large: Path) -> Measured:
    """Of the upload of the large file after one of the small, each in a process of its own, in MiB."""
    floor, client = (_growth(kind, host, small, large) / MIB for kind in ("floor", "client"))
    return Measured(client, floor, client)


def _growth(kind: str, host: str, small: Path, large: Path) -> int:
    command = [sys.executable, "-m", "bench.memory", kind, host, str(small), str(large)]
    folder = Path(__file__).parent.parent
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, cwd=folder).stdout)


def _peak() -> int:
    """Bytes; not by getrusage on Linux, where a process inherits the peak of the one that started it."""
    try:
        with Path("/proc/self/status").open() as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Upload the small file, then the large one, and print by how much that raised the peak."""
    kind, host, small, large = sys.argv[1:]
    uploader = (Floor if kind == "floor" else Client)(host)
    uploader.upload(Path(small))
    before = _peak()
    uploader.upload(Path(large))
    print(_peak() - before)


if __name__ == "__main__":
    main()
