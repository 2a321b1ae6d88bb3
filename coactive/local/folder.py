"""Finds the files of a folder, and tells by their stamps which have changed."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = -6e10, 2.5e11
"""Seconds from EPOCH, to the years 68 and 9892: the very first and last dates are none in other time zones."""


class FoundFile(NamedTuple):
    """A file of a folder; `path` is relative to it, with `/` on every system."""

    path: str
    size: int
    mtime_ns: int
    inode: int

    @property
    def stamp(self) -> str:
        """The same as long as nobody has written to the file or put another one in its place."""
        return f"{self.size}:{self.mtime_ns}:{self.inode}"

    @property
    def changed(self) -> datetime:
        """When it was last written to, as far as there are dates: a file system may know the year 11476."""
        return EPOCH + timedelta(seconds=min(max(EARLIEST, self.mtime_ns / 1e9), LATEST))


def check_folder(folder: Path) -> None:
    """Raise FileNotFoundError or NotADirectoryError where there is no such folder."""
    if not folder.exists():
        raise FileNotFoundError(f"no such folder: {folder}")
    if not folder.is_dir():
        raise NotADirectoryError(f"not a folder: {folder}")


def files_of(folder: Path, besides: Collection[Path] = ()) -> list[FoundFile]:
    """Every regular file of a folder and below it, sorted by path; nothing hidden, and no folder through a link.

    The files `besides` are left out.
    """
    left_out = {_identity(file.stat()) for file in besides if file.exists()}
    return sorted(_walk(folder, left_out))


def _walk(folder: Path, left_out: Collection[tuple[int, int]]) -> Iterator[FoundFile]:
    prefixes = [""]
    while prefixes:
        prefix = prefixes.pop()
        for entry in _entries(folder / prefix):
            if entry.is_dir(follow_symlinks=False):
                prefixes.append(f"{prefix}{entry.name}/")
            elif (known := _regular(entry)) is not None and _identity(known) not in left_out:
                yield FoundFile(prefix + entry.name, known.st_size, known.st_mtime_ns, known.st_ino)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as problem:
        logging.getLogger("coactive.local").warning("%s is left out: %s", folder, problem.strerror)
        return []


def _regular(entry: os.DirEntry[str]) -> os.stat_result | None:
    """What is known of a regular file; None where it is something else, a link that leads nowhere, or gone by now."""
    try:
        # What Windows tells of an entry has no inode.
        known = Path(entry).stat() if os.name == "nt" else entry.stat()
    except OSError:
        return None
    return known if stat.S_ISREG(known.st_mode) else None


def _identity(known: os.stat_result) -> tuple[int, int]:
    return known.st_dev, known.st_ino
