"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import coactive


def machine() -> str:
    """The processor, its cores and the memory."""
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {gibibytes:.0f} GiB of memory, {platform.system()}"


def versions() -> str:
    """Of Python and of what is compared."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, urllib3 {version('urllib3')}, coactive {coactive.__version__}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
