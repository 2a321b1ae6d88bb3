"""Turns a folder of image files, and what a metadata file says of them, into a catalogue."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from tqdm import tqdm

from coactive.local.catalog import Catalog, IndexedImage
from coactive.local.encoder import BUILT_IN, Encoder, EncoderError
from coactive.local.folder import FoundFile, check_folder, files_of
from coactive.local.image_file import UnreadableImageError, is_image, read_picture
from coactive.local.index import Content, Index, Record, Update
from coactive.local.metadata import Metadata, MetadataError, file_key, read_metadata

BATCH, SECONDS = 128, 1
"""Files whose records are written together, and how long they may wait for that: what is read again after a kill."""

if TYPE_CHECKING:
    _ProgressBar = tqdm[NoReturn]
else:
    _ProgressBar = tqdm


class _Progress(_ProgressBar):
    """A progress bar that starts no thread to watch over it and no lock shared between processes."""

    monitor_interval = 0
    _lock = RLock()


def index_folder(
    folder: Path,
    metadata: Path | None = None,
    *,
    index: Path | None = None,
    encoder: Encoder = BUILT_IN,
    rehash: bool = False,
) -> Catalog:
    """Index every JPEG, PNG, GIF and WebP in a folder and below it, whatever its name; nothing hidden.

    What the index (None: a hidden file in the folder) knows of the files is kept: a file of the same size, time and
    inode is taken as it was, unless `rehash` is true; otherwise a digest tells whether its content is known.

    A file that is no image, or a broken one, is listed in the catalogue's `skipped`; what a metadata row names
    and the folder does not have, in `unmatched`. A progress bar shows where stderr is a terminal. Raises
    FileNotFoundError, NotADirectoryError, MetadataError (also where no row names an image), OSError where the index
    cannot be read or written, and ValueError for an index that is none, or where there is no image at all.
    """
    check_folder(folder)
    rows = {} if metadata is None else read_metadata(metadata, folder)
    found = files_of(folder, [file for file in (metadata, index) if file is not None])
    if not found:
        raise _no_image(folder)
    # Before the images are read, which may take minutes, and once more when it is known which files are images.
    _check_names(rows, metadata, folder, [file.path for file in found])
    with Index.of(folder, index, encoder.name) as known:
        update = _updated(known, folder, found, encoder, rehash=rehash)
        catalog = _catalog(known, folder, found, rows, encoder, update)
    _check_names(rows, metadata, folder, [image.path for image in catalog.images])
    return catalog


def _updated(index: Index, folder: Path, found: Sequence[FoundFile], encoder: Encoder, *, rehash: bool) -> Update:
    """Bring the index up to date with the files that were found."""
    digests = index.digests()
    stamps = index.stamps(digests)
    todo = [file for file in found if rehash or stamps.get(file.path) != file.stamp]
    reader = _Reader(folder, encoder, digests)
    unread = {file.path for file in todo}
    for records in _in_batches(reader.record, todo):
        index.record(records)
        unread.difference_update(record.path for record in records)
    gone = stamps.keys() - {file.path for file in found}
    if todo or gone:
        index.forget(gone | unread)
    reread = sum(file.path in stamps for file in todo)
    return Update(index.kept_in, len(todo) - reread, reread, len(gone), len(found) - len(todo))


class _Reader:
    """Finds out what a file is; for many threads."""

    def __init__(self, folder: Path, encoder: Encoder, known: Collection[bytes]) -> None:
        self._folder = folder
        self._encoder = encoder
        self._known = known

    def record(self, file: FoundFile) -> Record | None:
        """What is to be written down of a file; None where it cannot be read, so that it is tried again."""
        try:
            with (self._folder / file.path).open("rb") as opened:
                if not is_image(opened):
                    return Record(file.path, file.stamp, None)
                digest = hashlib.file_digest(opened, "sha256").digest()
                known = digest in self._known
                return Record(file.path, file.stamp, digest, None if known else self._content(opened, file.path))
        except OSError:
            return None

    def _content(self, opened: BinaryIO, path: str) -> Content:
        opened.seek(0)
        try:
            picture = read_picture(opened, self._encoder.side)
        except UnreadableImageError as problem:
            if _may_pass(problem.__cause__):
                raise OSError from problem
            return Content()
        try:
            return Content(picture.media_type, self._encoder.encode(picture.image))
        except EncoderError as problem:
            raise EncoderError(f"{path}: {problem}") from problem


def _may_pass(cause: BaseException | None) -> bool:
    """Whether it was the machine that failed, not the file: Pillow's own OSErrors have no number."""
    return isinstance(cause, MemoryError) or (isinstance(cause, OSError) and cause.errno is not None)


def _in_batches(record: Callable[[FoundFile], Record | None], todo: Sequence[FoundFile]) -> Iterator[list[Record]]:
    """The records of the files, on all cores, a batch at a time."""
    with (
        ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="coactive-index") as pool,
        _Progress(
            total=len(todo), desc="indexing", unit=" files", disable=None if todo and sys.stderr else True
        ) as progress,
    ):
        try:
            for start in range(0, len(todo), BATCH):
                records, due = [], monotonic() + SECONDS
                for found in pool.map(record, todo[start : start + BATCH]):
                    progress.update()
                    records += [] if found is None else [found]
                    if monotonic() >= due:
                        yield records
                        records, due = [], monotonic() + SECONDS
                yield records
        except BaseException:
            # Ctrl-C is not to wait for the files that are still to come.
            pool.shutdown(cancel_futures=True)
            raise


def _catalog(
    index: Index,
    folder: Path,
    found: Sequence[FoundFile],
    rows: Mapping[str, Metadata],
    encoder: Encoder,
    update: Update,
) -> Catalog:
    files = {file.path: file for file in found}
    known = index.images(files)
    keys = [file_key(path) for path in known.paths]
    if not keys:
        raise _no_image(folder)
    images = [
        IndexedImage(folder, path, media_type, files[path].changed, rows.get(key))
        for path, media_type, key in zip(known.paths, known.media_types, keys, strict=True)
    ]
    named = set(keys)
    return Catalog(
        images,
        known.embeddings,
        encoder=encoder,
        skipped=sorted(files.keys() - set(known.paths)),
        unmatched=[key for key in rows if key not in named],
        update=update,
    )


def _no_image(folder: Path) -> ValueError:
    return ValueError(f"no JPEG, PNG, GIF or WebP image in {folder} or below it")


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
