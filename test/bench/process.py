"""Programs of the benchmark in processes of their own, and what one has used."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parent.parent
"""Where they are started."""


def command(module: str, *arguments: object) -> list[str]:
    """The command line that runs a module of the benchmark."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def output_of(module: str, *arguments: object) -> str:
    """What a module of the benchmark prints."""
    return subprocess.run(command(module, *arguments), stdout=subprocess.PIPE, check=True, text=True, cwd=HOME).stdout


def peak_memory() -> int:
    """The most bytes that this process had; not by getrusage on Linux, where it inherits its starter's peak."""
    try:
        with Path("/proc/self/status").open() as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
