"""The index: what is known of a folder's files, kept in one SQLite file from one run to the next.

A file has a stamp (size, time, inode) and a digest of its content; the content has one embedding by each encoder. So a
file that was moved or touched is not decoded again, and one encoder's embeddings never pass for another's. Every batch
is one transaction: whenever the program is killed, what was recorded is whole.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from mmap import mmap
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from coactive.local.encoder import Embedding

FILE_NAME = ".coactive-index.sqlite"
"""The index of a folder, in it, unless told otherwise."""

IN_MEMORY = Path(":memory:")
"""An index that is not kept."""

PATIENCE = 60
"""Seconds to wait for another program that writes to the index."""

APPLICATION_ID, VERSION = 0x636F6163, 1
SCHEMA = f"""
PRAGMA page_size = 16384;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS folder (path BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, stamp TEXT NOT NULL, digest BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (digest BLOB NOT NULL, encoder TEXT NOT NULL, media_type TEXT, embedding BLOB);
CREATE UNIQUE INDEX IF NOT EXISTS contents_by_digest ON contents (encoder, digest);
CREATE INDEX IF NOT EXISTS broken ON contents (encoder, digest) WHERE embedding IS NULL;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""
KNOWN = "SELECT digest FROM contents WHERE encoder = ?"
BROKEN = "SELECT digest FROM contents WHERE encoder = ? AND embedding IS NULL"
IMAGES = "SELECT digest, media_type, embedding FROM contents NOT INDEXED WHERE encoder = ? AND embedding NOT NULL"
ORPHANS = "DELETE FROM contents WHERE digest NOT IN (SELECT digest FROM files WHERE digest IS NOT NULL)"

EMBEDDING = np.dtype("<f4")


class Content(NamedTuple):
    """What is in an image file; without a media type and an embedding it is one that cannot be decoded."""

    media_type: str | None = None
    embedding: Embedding | None = None


class Record(NamedTuple):
    """What is known of a file; without a digest it is no image, without `content` its content is in the index."""

    path: str
    stamp: str
    digest: bytes | None
    content: Content | None = None


class Images(NamedTuple):
    """The images of an index: their paths, their media types and, row by row, their embeddings."""

    paths: list[str]
    media_types: list[str]
    embeddings: NDArray[np.float32]


class Update(NamedTuple):
    """How an index was brought up to date: how many files came, were read again, went and stayed as they were.

    `kept_in` is the index's file, and None where nothing is kept.
    """

    kept_in: Path | None
    added: int
    reread: int
    removed: int
    unchanged: int


class Index:
    """An index of one folder, by one encoder. For one thread.

    `kept_in` is its file, and None where nothing is kept.
    """

    def __init__(self, connection: sqlite3.Connection, encoder: str, kept_in: Path | None) -> None:
        self._connection = connection
        self._encoder = encoder
        self.kept_in = kept_in

    @classmethod
    @contextmanager
    def of(cls, folder: Path, file: Path | None, encoder: str) -> Iterator[Self]:
        """The index of a folder in a file of the user's choice, made where there is none, or beside the images.

        Beside them it is only read where it cannot be written; a warning is logged. Raises ValueError where
        the file is something else, another folder's index, or cannot be read or written.
        """
        kept_in = file or folder / FILE_NAME
        kept = file != IN_MEMORY
        with _in_words(kept_in):
            try:
                connection = _opened(kept_in, folder, chosen=file is not None)
            except sqlite3.OperationalError as problem:
                if file is not None:
                    raise
                warning = "the index cannot be kept in %s: %s; --index FILE (in Python index=) says where it can"
                logging.getLogger("coactive.local").warning(warning, kept_in, problem)
                connection, kept = _copied(kept_in), False
            with closing(connection):
                yield cls(connection, encoder, kept_in if kept else None)

    def stamps(self, digests: Container[bytes]) -> dict[str, str]:
        """The stamps, by path, of the files that are no images, and of those whose content is among the digests."""
        rows = self._connection.execute("SELECT path, stamp, digest FROM files")
        return {os.fsdecode(path): stamp for path, stamp, digest in rows if digest is None or digest in digests}

    def digests(self) -> frozenset[bytes]:
        """The digests of the contents that are known."""
        return frozenset(digest for (digest,) in self._connection.execute(KNOWN, [self._encoder]))

    def record(self, records: Collection[Record]) -> None:
        """Write down what was found out about some files, all of it or nothing."""
        contents = [
            (record.digest, self._encoder, content.media_type, _as_bytes(content.embedding))
            for record in records
            if (content := record.content) is not None
        ]
        files = [(os.fsencode(record.path), record.stamp, record.digest) for record in records]
        with self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO contents VALUES (?, ?, ?, ?)", contents)
            self._connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", files)

    def forget(self, paths: Iterable[str]) -> None:
        """Drop files that are gone or cannot be read, and contents that no file has any more."""
        gone = [(os.fsencode(path),) for path in paths]
        with self._connection:
            self._connection.executemany("DELETE FROM files WHERE path = ?", gone)
            self._connection.execute(ORPHANS)

    def images(self, paths: Container[str]) -> Images:
        """The images among some files, sorted by path.

        Raises ValueError where the encoder gave vectors of different lengths.
        """
        good = self.digests() - {digest for (digest,) in self._connection.execute(BROKEN, [self._encoder])}
        rows = self._connection.execute("SELECT path, digest FROM files")
        listed = [(path, digest) for name, digest in rows if digest in good and (path := os.fsdecode(name)) in paths]
        listed.sort()
        media_types, embeddings = self._contents([digest for _, digest in listed])
        return Images([path for path, _ in listed], media_types, embeddings)

    def _contents(self, digests: Sequence[bytes]) -> tuple[list[str], NDArray[np.float32]]:
        """The media type and the embedding of each content."""
        places: dict[bytes, list[int]] = {}
        for place, digest in enumerate(digests):
            places.setdefault(digest, []).append(place)
        media_types = [""] * len(digests)
        embeddings = np.empty((len(digests), 0), dtype=EMBEDDING)
        for digest, media_type, written in self._connection.execute(IMAGES, [self._encoder]):
            embedding = np.frombuffer(written, dtype=EMBEDDING)
            if not embeddings.size:
                embeddings = _room(len(digests), embedding.size)
            self._check_length(embedding, embeddings)
            for place in places.get(digest, ()):
                media_types[place], embeddings[place] = media_type, embedding
        return media_types, embeddings

    def _check_length(self, embedding: Embedding, embeddings: NDArray[np.float32]) -> None:
        if embedding.size != embeddings.shape[1]:
            raise ValueError(
                f"encoder: {self._encoder} gave vectors of {embeddings.shape[1]:,} and of {embedding.size:,} numbers; "
                "an encoder that was changed needs a new name, or a new index"
            )


def _room(rows: int, columns: int) -> NDArray[np.float32]:
    """Memory for embeddings."""
    # NumPy would ask for huge pages, and wait for the system to make some.
    memory = mmap(-1, max(1, rows * columns * EMBEDDING.itemsize))
    return np.frombuffer(memory, dtype=EMBEDDING, count=rows * columns).reshape(rows, columns)


def _opened(file: Path, folder: Path, *, chosen: bool) -> sqlite3.Connection:
    """A connection to an index that can be written to, made where there is none."""
    with ExitStack() as undo:
        connection = undo.enter_context(closing(_connection(file)))
        _check_ours(connection, file)
        connection.executescript(SCHEMA)
        with connection:
            _belongs_to(connection, file, folder, chosen=chosen)
        undo.pop_all()
        return connection


def _copied(file: Path) -> sqlite3.Connection:
    """A connection to an index in memory with what is in the file, as far as it can be read."""
    with ExitStack() as undo:
        connection = undo.enter_context(closing(_connection(IN_MEMORY)))
        with suppress(sqlite3.OperationalError):
            _copy(file, connection)
        _check_ours(connection, file)
        connection.executescript(SCHEMA)
        undo.pop_all()
        return connection


def _copy(file: Path, connection: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", timeout=PATIENCE, uri=True)) as source:
        # While it reads nobody can lock the file, for which `backup` would wait without end.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(connection)


def _connection(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=PATIENCE, isolation_level="IMMEDIATE")


def _check_ours(connection: sqlite3.Connection, file: Path) -> None:
    """Raise where the file is something else, before anything is written to it."""
    # First of all: another program that makes the index now writes all three at once.
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master")
    ((application_id,),) = connection.execute("PRAGMA application_id")
    ((version,),) = connection.execute("PRAGMA user_version")
    if tables and application_id != APPLICATION_ID:
        raise sqlite3.NotSupportedError("no index of coactive.local")
    if tables and version != VERSION:
        raise ValueError(f"index: {file} is of another version of coactive.local; remove it, and it is made anew")


def _belongs_to(connection: sqlite3.Connection, file: Path, folder: Path, *, chosen: bool) -> None:
    """Write down the folder of an index; raise where a chosen file has another one's, which would be lost."""
    here = folder.resolve()
    for (written,) in connection.execute("SELECT path FROM folder").fetchall():
        other = Path(os.fsdecode(written))
        if chosen and other != here and other.exists():
            raise ValueError(f"index: {file} is the index of {other}; give each folder a file of its own")
    connection.execute("DELETE FROM folder")
    connection.execute("INSERT INTO folder VALUES (?)", [os.fsencode(here)])


@contextmanager
def _in_words(file: Path) -> Iterator[None]:
    """Errors of the database as OSError and ValueError that name the file."""
    try:
        yield
    except sqlite3.OperationalError as problem:
        raise OSError(f"index: {file}: {_why_not(file) or problem}") from problem
    except sqlite3.NotSupportedError as problem:
        raise ValueError(f"index: {file} is {problem}; it is left as it is") from problem
    except sqlite3.DatabaseError as problem:
        broken = problem.sqlite_errorcode == sqlite3.SQLITE_CORRUPT
        advice = "remove it, and it is made anew" if broken else "it is left as it is"
        raise ValueError(f"index: {file}: {problem}; {advice}") from problem


def _why_not(file: Path) -> str | None:
    """Why there can be no database, where that is plain to see; SQLite says the same of everything."""
    if file.is_dir():
        return f"it is a folder; name a file in it, such as {file / 'index.sqlite'}"
    if not file.parent.exists():
        return f"there is no folder {file.parent}"
    return None


def _as_bytes(embedding: Embedding | None) -> bytes | None:
    return None if embedding is None else embedding.astype(EMBEDDING).tobytes()
