"""Turns a folder of image files, and what a metadata file says of them, into a catalogue."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tqdm import tqdm

from coactive.local.catalog import Catalog, IndexedImage
from coactive.local.encoder import Embedding, encode
from coactive.local.image_file import UnreadableImageError, read_picture
from coactive.local.metadata import Metadata, MetadataError, file_key, read_metadata

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
    FileNotFoundError, NotADirectoryError, MetadataError (also where no row names an image), and ValueError
    where there is no image at all.
    """
    _check_folder(folder)
    rows = {} if metadata is None else read_metadata(metadata, folder)
    files = {
        file.relative_to(folder).as_posix(): file
        for file in _files(folder)
        if metadata is None or not file.samefile(metadata)
    }
    # Before the images are read, which may take minutes, and once more when it is known which files are images.
    _check_names(rows, metadata, folder, files)
    catalog = _catalog(files, rows)
    if not catalog.images:
        raise ValueError(f"no JPEG, PNG, GIF or WebP image in {folder} or below it")
    _check_names(rows, metadata, folder, [image.path for image in catalog.images])
    return catalog


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        raise FileNotFoundError(f"no such folder: {folder}")
    if not folder.is_dir():
        raise NotADirectoryError(f"not a folder: {folder}")


def _catalog(files: Mapping[str, Path], rows: Mapping[str, Metadata]) -> Catalog:
    entries = _entries(list(files.values()))
    indexed = [(path, entry) for path, entry in zip(files, entries, strict=True) if entry is not None]
    images = [
        IndexedImage(files[path], path, entry.media_type, entry.changed, rows.get(file_key(path)))
        for path, entry in indexed
    ]
    named = {file_key(path) for path, _ in indexed}
    return Catalog(
        images,
        np.array([entry.embedding for _, entry in indexed]),
        skipped=[path for path, entry in zip(files, entries, strict=True) if entry is None],
        unmatched=[key for key in rows if key not in named],
    )


def _check_names(rows: Mapping[str, Metadata], metadata: Path | None, folder: Path, paths: Collection[str]) -> None:
    """Raise a MetadataError, with an example, where no row names one of the paths."""
    if not rows or not paths or any(file_key(path) in rows for path in paths):
        return
    first = PurePosixPath(next(iter(rows)))
    likely = [path for path in paths if PurePosixPath(path).name == first.name]
    likely += [path for path in paths if PurePosixPath(path).suffix == first.suffix]
    none, it = ("none of its {} rows names", "its first") if len(rows) > 1 else ("its only row does not name", "it")
    raise MetadataError(
        f"{metadata}: {none.format(len(rows))} an image in {folder.name or folder}; "
        f"{it} names {str(first)!r}, the folder has {[*likely, *paths][0]!r}"
    )


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
