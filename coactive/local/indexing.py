"""Turns a folder of image files, and what a metadata file says of them, into a catalogue."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tqdm import tqdm

from coactive.local.catalog import Catalog, IndexedImage
from coactive.local.encoder import Embedding, encode
from coactive.local.image_file import UnreadableImageError, read_picture
from coactive.local.metadata import file_key, read_metadata

if TYPE_CHECKING:
    _ProgressBar = tqdm["_Entry | None"]
else:
    _ProgressBar = tqdm


class _Progress(_ProgressBar):
    """A progress bar that starts no thread to watch over it and no lock shared between processes."""

    monitor_interval = 0
    _lock = RLock()


class _Entry(NamedTuple):
    embedding: Embedding
    media_type: str
    changed: datetime


def index_folder(folder: Path, metadata: Path | None = None) -> Catalog:
    """Index every JPEG, PNG, GIF and WebP in a folder and below it, whatever its name; nothing hidden.

    A file that is no image, or a broken one, is listed in the catalogue's `skipped`; what a metadata row names
    and the folder does not have, in `unmatched`. A progress bar shows where stderr is a terminal. Raises
    FileNotFoundError, NotADirectoryError, MetadataError, and ValueError where there is no image at all.
    """
    if not folder.exists():
        raise FileNotFoundError(f"no such folder: {folder}")
    if not folder.is_dir():
        raise NotADirectoryError(f"not a folder: {folder}")
    rows = {} if metadata is None else read_metadata(metadata)
    files = [file for file in _files(folder) if metadata is None or not file.samefile(metadata)]
    paths = [file.relative_to(folder).as_posix() for file in files]
    entries = _entries(files)
    images = [
        IndexedImage(file, path, entry.media_type, entry.changed, rows.pop(file_key(path), None))
        for file, path, entry in zip(files, paths, entries, strict=True)
        if entry is not None
    ]
    if not images:
        raise ValueError(f"no JPEG, PNG, GIF or WebP image in {folder} or below it")
    embeddings = np.stack([entry.embedding for entry in entries if entry is not None])
    skipped = [path for path, entry in zip(paths, entries, strict=True) if entry is None]
    return Catalog(images, embeddings, skipped=skipped, unmatched=list(rows))


def _files(folder: Path) -> list[Path]:
    """Every regular file of a folder and below it, sorted; nothing hidden, and no folder through a link."""
    files: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(file for file in files if file.is_file())


def _entries(files: Sequence[Path]) -> list[_Entry | None]:
    """What is to be known of each file, in the same order; None for one that is no image."""
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="coactive-index") as pool:
        entries = pool.map(_entry, files)
        try:
            return list(_Progress(entries, total=len(files), desc="indexing", unit=" files", disable=None))
        except BaseException:
            # Ctrl-C is not to wait for the files that are still to come.
            pool.shutdown(cancel_futures=True)
            raise


def _entry(file: Path) -> _Entry | None:
    try:
        picture = read_picture(file)
        changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except (UnreadableImageError, OSError):
        return None
    return _Entry(encode(picture.image), picture.media_type, changed)
