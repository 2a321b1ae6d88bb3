from __future__ import annotations

import inspect
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from coactive.local.descriptor import encode
from coactive.local.folder import FoundFile, files_of
from coactive.local.indexing import index_folder
from coactive.local.metadata import MetadataError


def test_images_are_indexed_below_the_folder_too_in_the_order_of_their_paths(folder: Path) -> None:
    catalog = index_folder(folder)
    assert [image.path for image in catalog.images] == ["deep/blue.png", "deep/er/green.png", "red.png"]
    for image, embedding in zip(catalog.images, catalog.embeddings, strict=True):
        assert np.array_equal(embedding, encode(Image.open(folder / image.path)))


def test_what_is_no_image_is_skipped_and_listed(folder: Path) -> None:
    (folder / "notes.txt").write_text("no image")
    (folder / "deep" / "broken.png").write_bytes((folder / "red.png").read_bytes()[:50])
    (folder / "empty.jpg").touch()
    catalog = index_folder(folder)
    assert len(catalog.images) == 3
    assert catalog.skipped == ["deep/broken.png", "empty.jpg", "notes.txt"]


def test_an_image_is_known_by_its_content_whatever_its_name(folder: Path) -> None:
    (folder / "red.png").rename(folder / "red")
    image = index_folder(folder).images[-1]
    assert (image.path, image.media_type) == ("red", "image/png")


def test_hidden_files_and_folders_are_left_out(folder: Path) -> None:
    (folder / ".DS_Store").write_text("x")
    (folder / "deep" / ".thumbnails").mkdir()
    (folder / "red.png").rename(folder / "deep" / ".thumbnails" / "red.png")
    catalog = index_folder(folder)
    assert len(catalog.images) == 2
    assert catalog.skipped == []


def test_a_folder_that_links_to_itself_and_a_pipe_are_no_trap(folder: Path) -> None:
    (folder / "deep" / "again").symlink_to(folder, target_is_directory=True)
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "pipe.png")
    assert len(index_folder(folder).images) == 3


@pytest.mark.parametrize("target", ["loop.png", "red.png/x", "x" * 300])
def test_a_link_that_leads_nowhere_is_passed_over(target: str, folder: Path) -> None:
    (folder / "loop.png").symlink_to(target)
    catalog = index_folder(folder)
    assert len(catalog.images) == 3
    assert catalog.skipped == []


def test_folders_may_be_nested_deeper_than_calls(folder: Path) -> None:
    (folder / "/".join("d" * 200)).mkdir(parents=True)
    (folder / "/".join("d" * 200) / "black.png").touch()
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        assert len(files_of(folder)) == 4
    finally:
        sys.setrecursionlimit(before)


def test_a_folder_whose_path_is_too_long_is_left_out_with_a_warning(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(folder)
    for _ in range(25):
        Path("d" * 200).mkdir()
        os.chdir("d" * 200)
    os.chdir(folder)
    assert len(index_folder(folder).images) == 3
    assert "is left out: File name too long" in caplog.text


def test_rows_of_metadata_are_joined_by_the_path_of_their_file(folder: Path, tmp_path: Path) -> None:
    catalog = index_folder(folder, tmp_path / "rows.jsonl")
    assert [image.metadata for image in catalog.images] == [
        {"sku": "B", "price": 2},
        None,
        {"sku": "A", "price": 1.5, "new": True, "tags": ["x", "ü"], "gone": None},
    ]


def test_rows_about_no_image_are_listed_and_the_metadata_file_itself_is_not_skipped(folder: Path) -> None:
    (folder / "rows.csv").write_text("file,sku\n./red.png,A\nnone.png,B\nrows.csv,C\n")
    catalog = index_folder(folder, folder / "rows.csv")
    assert catalog.unmatched == ["none.png", "rows.csv"]
    assert catalog.skipped == []
    assert catalog.images[-1].metadata == {"sku": "A"}


def test_an_accented_name_is_the_same_however_it_is_encoded(folder: Path) -> None:
    (folder / "red.png").rename(folder / "re\u0301d.png")
    (folder / "rows.csv").write_text("file,sku\nr\u00e9d.png,A\n", encoding="utf-8")
    assert index_folder(folder, folder / "rows.csv").images[-1].metadata == {"sku": "A"}


def test_the_time_of_an_image_is_that_of_its_file(folder: Path) -> None:
    os.utime(folder / "red.png", (0, 1_700_000_000.5))
    assert index_folder(folder).images[-1].changed == datetime(2023, 11, 14, 22, 13, 20, 500_000, UTC)


@pytest.mark.parametrize(("seconds", "year"), [(300_000_000_000, 9892), (-100_000_000_000, 68)])
def test_a_time_beyond_all_dates_is_the_nearest_that_there_is(seconds: int, year: int) -> None:
    assert FoundFile("a.png", 1, seconds * 10**9, 1).changed.year == year


def test_a_program_without_stderr_can_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert len(index_folder(folder).images) == 3


def test_indexing_leaves_no_thread_behind(folder: Path) -> None:
    before = set(threading.enumerate())
    index_folder(folder)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("none", FileNotFoundError, "no such folder: .*none"),
        ("rows.jsonl", NotADirectoryError, r"not a folder: .*rows\.jsonl"),
        ("empty", ValueError, "no JPEG, PNG, GIF or WebP image in .*empty"),
    ],
)
def test_a_folder_that_cannot_be_served_is_named(
    name: str, error: type[Exception], says: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=says):
        index_folder(tmp_path / name)


def test_wrong_metadata_is_said_before_the_images_are_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("name\na\n")
    for file in folder.rglob("*.png"):
        file.unlink()
    with pytest.raises(MetadataError, match="the column 'file' is missing"):
        index_folder(folder, tmp_path / "rows.csv")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "file\npictures/red.png\nx.png\n",
            "none of its 2 rows names an image in pictures; its first names 'pictures/red.png', "
            "the folder has 'red.png'",
        ),
        (
            "file\nx.png\n",
            "its only row does not name an image in pictures; it names 'x.png', the folder has 'deep/blue.png'",
        ),
        (
            "file\nnotes.txt\n",
            "its only row does not name an image in pictures; it names 'notes.txt', the folder has 'deep/blue.png'",
        ),
    ],
)
def test_metadata_that_names_no_image_at_all_is_an_error_with_an_example(
    content: str, says: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "notes.txt").write_text("no image")
    (tmp_path / "wrong.csv").write_text(content)
    with pytest.raises(MetadataError) as problem:
        index_folder(folder, tmp_path / "wrong.csv")
    assert str(problem.value) == f"{tmp_path / 'wrong.csv'}: {says}"


def test_metadata_counts_its_rows_and_knows_the_columns_in_their_order(folder: Path, tmp_path: Path) -> None:
    catalog = index_folder(folder, tmp_path / "rows.jsonl")
    assert catalog.rows == 2
    assert catalog.columns == ("sku", "price", "new", "tags", "gone")
