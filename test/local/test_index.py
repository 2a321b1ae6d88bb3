from __future__ import annotations

import faulthandler
import logging
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from coactive.local import descriptor
from coactive.local.catalog import Catalog
from coactive.local.encoder import Encoder
from coactive.local.image_file import ENOUGH
from coactive.local.index import FILE_NAME, Index
from coactive.local.indexing import index_folder


class Counting:
    """An encoder that counts how often it is asked; its embedding is the mean colour."""

    def __init__(self, name: str = "counting") -> None:
        self.calls = 0
        self.encoder = Encoder(name, ENOUGH, self.encode)

    def encode(self, image: Image.Image) -> Any:
        self.calls += 1
        return np.asarray(image.convert("RGB"), dtype=np.float32).mean(axis=(0, 1)) / 255


@pytest.fixture
def counting() -> Counting:
    return Counting()


def changes(catalog: Catalog) -> tuple[int, ...]:
    """How many files came, were read again, went, and stayed as they were."""
    assert catalog.update is not None
    return catalog.update[1:]


def known(catalog: Catalog) -> dict[str, list[float]]:
    return {image.path: row.tolist() for image, row in zip(catalog.images, catalog.embeddings, strict=True)}


def contents(index: Path) -> tuple[Any, ...]:
    """All that an index says, whatever the order of its rows."""
    with closing(sqlite3.connect(index)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        files = database.execute("SELECT path, stamp, digest FROM files ORDER BY path").fetchall()
        rows = "SELECT digest, encoder, media_type, embedding FROM contents ORDER BY digest, encoder"
        return files, database.execute(rows).fetchall()


def test_a_second_start_reads_no_image_and_knows_the_same(folder: Path, counting: Counting) -> None:
    first = index_folder(folder, encoder=counting.encoder)
    assert (folder / FILE_NAME).is_file()
    again = index_folder(folder, encoder=counting.encoder)
    assert counting.calls == 3
    assert changes(first) == (3, 0, 0, 0)
    assert changes(again) == (0, 0, 0, 3)
    assert known(again) == known(first)
    assert [image.media_type for image in again.images] == ["image/png"] * 3


def test_only_what_was_added_or_changed_is_read_and_what_is_gone_is_forgotten(folder: Path, counting: Counting) -> None:
    index_folder(folder, encoder=counting.encoder)
    Image.new("RGB", (9, 9), "yellow").save(folder / "new.png")
    Image.new("RGB", (9, 9), "white").save(folder / "red.png")
    (folder / "deep" / "blue.png").unlink()
    catalog = index_folder(folder, encoder=counting.encoder)
    assert changes(catalog) == (1, 1, 1, 1)
    assert counting.calls == 5
    assert known(catalog)["red.png"] == [1, 1, 1]
    assert sorted(known(catalog)) == ["deep/er/green.png", "new.png", "red.png"]
    fresh = folder.parent / "fresh.sqlite"
    index_folder(folder, index=fresh, encoder=counting.encoder)
    assert contents(folder / FILE_NAME) == contents(fresh)


def test_a_file_that_was_only_touched_or_moved_is_not_decoded_again(folder: Path, counting: Counting) -> None:
    index_folder(folder, encoder=counting.encoder)
    os.utime(folder / "red.png", (0, 0))
    (folder / "deep" / "blue.png").rename(folder / "navy.png")
    catalog = index_folder(folder, encoder=counting.encoder)
    assert changes(catalog) == (1, 1, 1, 1)
    assert counting.calls == 3
    assert known(catalog)["navy.png"] == [0, 0, 1]


def test_content_of_the_same_size_time_and_inode_is_taken_as_unchanged_until_rehash(
    folder: Path, counting: Counting
) -> None:
    def paint(colour: str) -> None:
        with (folder / "red.png").open("r+b") as file:
            Image.new("RGB", (20, 20), colour).save(file, "PNG", compress_level=0)
        os.utime(folder / "red.png", (0, 0))

    paint("red")
    index_folder(folder, encoder=counting.encoder)
    paint("lime")
    assert known(index_folder(folder, encoder=counting.encoder))["red.png"] == [1, 0, 0]
    again = index_folder(folder, encoder=counting.encoder, rehash=True)
    assert changes(again) == (0, 3, 0, 0)
    assert known(again)["red.png"] == [0, 1, 0]
    assert counting.calls == 4


def test_the_same_content_twice_is_one_in_the_index_and_two_images(folder: Path, counting: Counting) -> None:
    (folder / "copy.png").write_bytes((folder / "red.png").read_bytes())
    catalog = index_folder(folder, encoder=counting.encoder)
    assert known(catalog)["copy.png"] == known(catalog)["red.png"]
    assert len(catalog.images) == 4
    assert len(contents(folder / FILE_NAME)[1]) == 3
    (folder / "red.png").unlink()
    assert "copy.png" in known(index_folder(folder, encoder=counting.encoder))


def test_broken_images_and_other_files_are_not_read_again_either(folder: Path, counting: Counting) -> None:
    (folder / "notes.txt").write_text("no image")
    (folder / "broken.png").write_bytes((folder / "red.png").read_bytes()[:60])
    for _ in range(2):
        catalog = index_folder(folder, encoder=counting.encoder)
        assert catalog.skipped == ["broken.png", "notes.txt"]
    assert changes(catalog) == (0, 0, 0, 5)
    (folder / "broken.png").write_bytes((folder / "red.png").read_bytes())
    assert index_folder(folder, encoder=counting.encoder).skipped == ["notes.txt"]


def test_what_a_slow_encoder_made_is_kept_when_it_is_interrupted_in_the_middle_of_a_batch(
    folder: Path, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coactive.local.indexing.SECONDS", 0)

    def interrupted(image: Image.Image) -> Any:
        if image.getpixel((0, 0)) == (255, 0, 0):
            raise KeyboardInterrupt
        return counting.encode(image)

    with pytest.raises(KeyboardInterrupt):
        index_folder(folder, encoder=Encoder("counting", ENOUGH, interrupted))
    assert changes(index_folder(folder, encoder=counting.encoder)) == (1, 0, 0, 2)
    assert counting.calls == 3


def test_an_image_that_was_too_large_for_the_memory_is_tried_again(
    folder: Path, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(self: Image.Image) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("PIL.ImageFile.ImageFile.load", too_large)
        with pytest.raises(ValueError, match="no JPEG, PNG, GIF or WebP image"):
            index_folder(folder, encoder=counting.encoder)
    assert index_folder(folder, encoder=counting.encoder).skipped == []


def test_a_file_that_goes_before_it_is_read_again_is_not_served_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that the files are read one after another.
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    index_folder(folder, encoder=Counting().encoder)
    for name in ("deep/blue.png", "red.png"):
        Image.new("RGB", (9, 9), "yellow").save(folder / name, compress_level=0)

    def tidying(image: Image.Image) -> Any:
        (folder / "red.png").unlink(missing_ok=True)
        return Counting().encode(image)

    catalog = index_folder(folder, encoder=Encoder("counting", ENOUGH, tidying))
    assert [image.path for image in catalog.images] == ["deep/blue.png", "deep/er/green.png"]
    assert catalog.skipped == ["red.png"]


def test_every_encoder_has_embeddings_of_its_own_in_one_index(folder: Path, counting: Counting) -> None:
    other = Counting("other")
    index_folder(folder, encoder=counting.encoder)
    index_folder(folder, encoder=other.encoder)
    assert (counting.calls, other.calls) == (3, 3)
    index_folder(folder, encoder=counting.encoder)
    built_in = index_folder(folder)
    assert counting.calls == 3
    assert built_in.embeddings.shape == (3, descriptor.DIMENSIONS)


def test_a_changed_encoder_of_the_same_name_is_found_by_the_length_of_its_vectors(folder: Path) -> None:
    index_folder(folder, encoder=Counting().encoder)
    Image.new("RGB", (9, 9), "yellow").save(folder / "new.png")
    changed = Encoder("counting", ENOUGH, lambda _: np.ones(5, dtype=np.float32))
    with pytest.raises(ValueError, match="encoder: counting gave vectors of 3 and of 5 numbers; an encoder that"):
        index_folder(folder, encoder=changed)


def test_the_index_lies_where_it_is_told_to_and_is_no_file_of_the_folder(folder: Path) -> None:
    index = folder / "index.db"
    for _ in range(2):
        assert index_folder(folder, index=index).skipped == []
    assert index.is_file()
    assert not (folder / FILE_NAME).exists()


def test_a_file_that_is_something_else_is_left_as_it_is(folder: Path, tmp_path: Path) -> None:
    note, other = tmp_path / "note.txt", tmp_path / "other.sqlite"
    note.write_text("nothing to do with an index " * 100)
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE files (mine)")
        database.commit()
    for file in (note, other):
        before = file.read_bytes()
        with pytest.raises(ValueError, match=re.escape(f"index: {file}") + ".*; it is left as it is"):
            index_folder(folder, index=file)
        assert file.read_bytes() == before


def test_an_index_of_another_version_is_named(folder: Path) -> None:
    index_folder(folder)
    with closing(sqlite3.connect(folder / FILE_NAME)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(ValueError, match=r"index: .*sqlite is of another version .*; remove it"):
        index_folder(folder)


def test_a_chosen_index_is_of_one_folder_unless_that_has_moved(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "index.sqlite"
    index_folder(folder / "deep", index=index)
    with pytest.raises(ValueError, match=r"index: .*index\.sqlite is the index of .*deep; give each folder a file"):
        index_folder(folder, index=index)
    (folder / "deep").rename(tmp_path / "moved")
    assert changes(index_folder(tmp_path / "moved", index=index)) == (0, 0, 0, 2)


def test_an_index_that_cannot_be_made_where_it_is_told_to_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="index: .*none.*: there is no folder .*none$"):
        index_folder(folder, index=tmp_path / "none" / "index.sqlite")
    with pytest.raises(OSError, match="index: .*: it is a folder; name a file in it, such as .*index.sqlite$"):
        index_folder(folder, index=tmp_path)


def test_a_folder_that_takes_no_index_is_served_all_the_same(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / FILE_NAME).mkdir()
    with caplog.at_level(logging.WARNING, "coactive.local"):
        catalog = index_folder(folder)
    assert len(catalog.images) == 3
    assert catalog.update is not None
    assert catalog.update.kept_in is None
    assert "the index cannot be kept in" in caplog.text
    assert "--index FILE" in caplog.text


def test_an_index_that_cannot_be_written_to_is_still_read(
    folder: Path, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_folder(folder, encoder=counting.encoder)
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as other:
        # Another program that never lets go stands for a folder that only others may write to.
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("coactive.local.index.PATIENCE", 0.1)
        catalog = index_folder(folder, encoder=counting.encoder)
    assert changes(catalog) == (0, 0, 0, 3)
    assert counting.calls == 3


def test_an_index_that_another_program_has_locked_for_good_is_done_without(
    folder: Path, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_folder(folder)
    monkeypatch.setattr("coactive.local.index.PATIENCE", 0.1)
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        # For `backup`, which no signal wakes.
        faulthandler.dump_traceback_later(60, exit=True)
        try:
            assert changes(index_folder(folder, encoder=counting.encoder)) == (3, 0, 0, 0)
        finally:
            faulthandler.cancel_dump_traceback_later()


def test_an_empty_index_that_cannot_be_written_to_is_done_without(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as other:
        # Stands for a folder that only others may write to.
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("coactive.local.index.PATIENCE", 0.1)
        assert changes(index_folder(folder)) == (3, 0, 0, 0)


def test_a_broken_index_is_named_and_may_be_removed(folder: Path) -> None:
    index_folder(folder)
    os.truncate(folder / FILE_NAME, 20_000)
    with pytest.raises(ValueError, match="index: .*sqlite: database disk image is malformed; remove it, and"):
        index_folder(folder)


def test_two_programs_may_index_one_folder_at_the_same_time(folder: Path) -> None:
    for number in range(400):
        Image.new("RGB", (8, 8), (number % 250, number // 2, 7)).save(folder / f"{number}.png")
    program = "import pathlib, sys, coactive.local.indexing as i; i.index_folder(pathlib.Path(sys.argv[1]))"
    both = [subprocess.Popen([sys.executable, "-W", "error", "-c", program, str(folder)]) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    fresh = folder.parent / "fresh.sqlite"
    index_folder(folder, index=fresh)
    assert contents(folder / FILE_NAME) == contents(fresh)


def test_programs_that_make_an_index_at_the_same_time_take_it_for_theirs(tmp_path: Path) -> None:
    def opened(file: Path, together: threading.Barrier) -> dict[str, str]:
        together.wait(60)
        with Index.of(tmp_path, file, "counting") as index:
            return index.stamps(index.digests())

    with ThreadPoolExecutor(3) as pool:
        for number in range(200):
            together = threading.Barrier(3)
            one_index = [tmp_path / f"{number}.sqlite"] * 3
            assert list(pool.map(opened, one_index, [together] * 3)) == [{}, {}, {}]


def test_an_empty_folder_does_not_empty_its_index(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "index.sqlite"
    index_folder(folder, index=index)
    # As where a disk is not mounted.
    folder.rename(tmp_path / "away")
    folder.mkdir()
    with pytest.raises(ValueError, match="no JPEG, PNG, GIF or WebP image"):
        index_folder(folder, index=index)
    folder.rmdir()
    (tmp_path / "away").rename(folder)
    assert changes(index_folder(folder, index=index)) == (0, 0, 0, 3)


IMAGES = 2000
KILLS = 20


@contextmanager
def _serving(folder: Path, index: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "coactive.local", "serve", str(folder), "--index", str(index), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _ready(process: subprocess.Popen[str]) -> bool:
    """Wait until the service is ready; False where it ended before."""
    assert process.stdout is not None
    return process.stdout.readline().startswith(f"{IMAGES:,} images")


def _recorded(index: Path) -> int:
    with closing(sqlite3.connect(index)) as database:
        tables = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'files'").fetchone()[0]
        return int(database.execute("SELECT count(*) FROM files").fetchone()[0]) if tables else 0


def _written(index: Path) -> int:
    """When the index was written to: it is, when it is opened."""
    return index.stat().st_mtime_ns if index.exists() else 0


@pytest.mark.heavy
def test_killed_at_any_moment_of_indexing_it_ends_as_if_it_had_run_in_one_go(tmp_path: Path) -> None:
    photos, whole, index = tmp_path / "photos", tmp_path / "whole.sqlite", tmp_path / "index.sqlite"
    photos.mkdir()
    chance = random.Random(5)
    for number in range(IMAGES):
        noise = Image.frombytes("RGB", (12, 12), chance.randbytes(432))
        noise.resize((240, 240)).save(photos / f"{number:04}.jpg")
    started = time.monotonic()
    index_folder(photos, index=whole)
    duration = time.monotonic() - started
    halfway = 0
    for _ in range(KILLS):
        before = _written(index)
        with _serving(photos, index) as process:
            while _written(index) == before:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, duration / 6))
            process.send_signal(signal.SIGKILL)
            finished = _ready(process)
        halfway += 0 < _recorded(index) < IMAGES
        if finished or _recorded(index) == IMAGES:
            assert contents(index) == contents(whole)
            index.unlink()
    assert halfway >= KILLS / 2
    with _serving(photos, index) as process:
        assert _ready(process)
    assert contents(index) == contents(whole)
