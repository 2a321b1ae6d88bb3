"""The file that answers are kept in, and what makes two searches the same."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from coactive import ApiClient, ApiValueError, Configuration
from coactive.apis import SimilaritySearchApi
from coactive.journal import Journal, fingerprint
from coactive.models import SimilarImage, SimilaritySearchResponse
from coactive.request import Request

OPERATION = "search_images_by_text_grouped"
HEADER = f'{{"journal": "coactive.bulk", "version": 1, "operation": "{OPERATION}"}}\n'
HOST = "https://app.coactive.ai"
KEY, OTHER = bytes(16), b"k" * 16
FOUND = {"data": [{"group": "MUG", "images": [{"score": 1.0, "created_dt": "2026-01-02T03:04:05Z", "a field": "é"}]}]}

api = SimilaritySearchApi(ApiClient(Configuration(HOST, access_token="id:secret")))


def text_search(**arguments: Any) -> Request[Any]:
    return api.search_images_by_text_grouped.__wrapped__(api, **{"embedding_id": "e", "query": "mug", **arguments})


def key_of(*, host: str = HOST, operation: str = "get_similar_images", **arguments: Any) -> bytes:
    arguments = {"embedding_id": "e", **arguments}
    request = getattr(api, operation).__wrapped__(api, **arguments)
    try:
        return fingerprint(host, operation, request)
    finally:
        request.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "searches.jsonl"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """A new one, open."""
    opened = Journal(path, OPERATION)
    yield opened
    opened.close()


def reopened(path: Path) -> Journal:
    """The journal as another run finds it; closed again, since these tests only look."""
    opened = Journal(path, OPERATION)
    opened.close()
    return opened


# What is kept.


def test_an_answer_is_found_again_by_another_run_as_the_model_it_was(journal: Journal, path: Path) -> None:
    answer = SimilaritySearchResponse.from_dict(FOUND)
    journal.write(KEY, answer)
    journal.close()
    again = Journal(path, OPERATION)
    assert (KEY in again, OTHER in again) == (True, False)
    found = again.read(KEY, text_search())
    again.close()
    assert found == answer
    assert isinstance(found.data[0].images[0], SimilarImage)
    assert found.to_dict() == answer.to_dict()


def test_an_answer_is_found_by_the_run_that_wrote_it(journal: Journal) -> None:
    journal.write(KEY, {"data": [1]})
    journal.write(OTHER, {"data": [2]})
    request: Request[Any] = Request("GET", "/", returns=None)
    assert [journal.read(key, request) for key in (OTHER, KEY, OTHER)] == [{"data": [2]}, {"data": [1]}, {"data": [2]}]


@pytest.mark.parametrize("answer", [None, 0, "", "\ud800 \n é", [1.5, None], {"a": {"b": True}}])
def test_every_json_value_is_kept_as_it_is_on_one_line(journal: Journal, path: Path, answer: Any) -> None:
    journal.write(KEY, answer)
    assert len(path.read_bytes().splitlines()) == 2
    assert json.loads(path.read_text("utf-8").splitlines()[1]) == {"key": "00" * 16, "answer": answer}
    assert journal.read(KEY, Request("GET", "/", returns=None)) == answer


def test_an_answer_of_another_structure_is_read_as_unchecked_as_it_was_at_first(journal: Journal) -> None:
    journal.write(KEY, {"data": 5})
    assert journal.read(KEY, text_search(_check_return_type=False)) == {"data": 5}


def test_a_file_of_journal_begins_with_what_it_is_for(journal: Journal, path: Path) -> None:
    assert path.read_text("utf-8") == HEADER


def test_nothing_is_written_after_the_end_of_the_run(journal: Journal, path: Path) -> None:
    journal.close()
    journal.write(KEY, {})
    journal.close()
    assert path.read_text("utf-8") == HEADER


# What a crash leaves.


@pytest.mark.parametrize("torn", ["{", '{"key":"00', f'{{"key":"{"00" * 16}","answer":{{"data":[]}}}}', "\0" * 40])
def test_a_torn_last_line_is_cut_off(path: Path, torn: str) -> None:
    whole = f'{HEADER}{{"key":"{OTHER.hex()}","answer":1}}\n'
    path.write_text(whole + torn, "utf-8")
    opened = reopened(path)
    assert (OTHER in opened, KEY in opened) == (True, False)
    assert path.read_text("utf-8") == whole


@pytest.mark.parametrize("size", [0, 1, 20, len(HEADER) - 1])
def test_a_torn_first_line_is_written_anew(path: Path, size: int) -> None:
    path.write_text(HEADER[:size], "utf-8")
    reopened(path)
    assert path.read_text("utf-8") == HEADER


@pytest.mark.parametrize(
    "damaged", ["\n", "no json\n", '{"key":"00","answer":1}\n', f'{{"key":"{"00" * 16}","answer":1\n', '{"a":1}\n']
)
def test_a_damaged_line_before_the_last_is_an_error_that_says_where(path: Path, damaged: str) -> None:
    line = f'{{"key":"{OTHER.hex()}","answer":1}}\n'
    path.write_text(HEADER + line + damaged + line, "utf-8")
    with pytest.raises(ApiValueError, match=r"^journal: '.*searches.jsonl': line 3 is damaged; delete it$"):
        Journal(path, OPERATION)


@pytest.mark.parametrize("answer", ['{"data":[}', "[]", "nul"])
def test_a_damaged_answer_is_an_error_that_says_where_when_it_is_asked_for(path: Path, answer: str) -> None:
    line = f'{{"key":"{OTHER.hex()}","answer":1}}\n'
    path.write_text(f'{HEADER}{line}{line}{{"key":"{KEY.hex()}","answer":{answer}}}\n{line}', "utf-8")
    opened = Journal(path, OPERATION)
    with pytest.raises(ApiValueError, match="line 4 is damaged; delete it"):
        opened.read(KEY, text_search())
    opened.close()


def test_a_file_that_somebody_cut_while_it_was_in_use_is_an_error(journal: Journal, path: Path) -> None:
    journal.write(KEY, {"data": []})
    os.truncate(path, len(HEADER) + 5)
    with pytest.raises(ApiValueError, match="line 2 is damaged"):
        journal.read(KEY, text_search())


# What is no journal of ours.


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\xd8\xff", "it is no journal, and stays as it is"),
        (b"file,colour\nmug.jpg,red", "it is no journal, and stays as it is"),
        (b"[]\n", "it is no journal, and stays as it is"),
        (b'{"journal": "of a trip", "version": 1, "operation": "sail"}\n', "it is no journal, and stays as it is"),
        (HEADER.replace("1", "2").encode(), "another version of this package wrote it"),
        (
            HEADER.replace(OPERATION, "get_similar_images").encode() + b'{"key"',
            f"it is of the operation get_similar_images, not {OPERATION}; take another file",
        ),
    ],
)
def test_another_file_is_refused_and_stays_as_it_is(path: Path, content: bytes, problem: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ApiValueError) as caught:
        Journal(path, OPERATION)
    assert str(caught.value) == f"journal: {str(path)!r}: {problem}"
    assert path.read_bytes() == content


def test_a_path_that_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ApiValueError, match=r"it cannot be used: Is a directory$") as caught:
        Journal(tmp_path, OPERATION)
    assert isinstance(caught.value.__cause__, IsADirectoryError)
    with pytest.raises(ApiValueError, match=r"no-such/a.jsonl': it cannot be used: No such file or directory$"):
        Journal(tmp_path / "no-such" / "a.jsonl", OPERATION)
    with pytest.raises(ApiValueError, match=r"^journal: '/dev/null': it is no regular file$"):
        Journal("/dev/null", OPERATION)


def test_one_run_at_a_time_has_it(journal: Journal, path: Path) -> None:
    with pytest.raises(ApiValueError, match="another run is using it"):
        Journal(path, OPERATION)
    journal.write(KEY, {})
    journal.close()
    assert KEY in reopened(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks otherwise")
def test_where_the_file_system_knows_no_locks_it_is_used_without(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_locks(handle: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", without_locks)
    opened = Journal(path, OPERATION)
    opened.write(KEY, {})
    opened.close()
    assert KEY in reopened(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_an_answer_for_which_there_is_no_space_is_an_error_and_leaves_no_part_of_it(
    journal: Journal, path: Path
) -> None:
    import resource

    journal.write(OTHER, {})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(ApiValueError, match=r"searches.jsonl': it cannot be written to: File too large$"):
            journal.write(KEY, "x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert KEY not in journal
    journal.write(KEY, {})
    journal.close()
    assert KEY in reopened(path)


# What makes two searches the same.


def test_the_order_of_arguments_and_those_that_are_not_sent_make_no_difference(png: bytes) -> None:
    key = key_of(file=png, limit=5)
    assert key_of(limit=5, file=png) == key
    assert key_of(file=png, limit=5, _request_timeout=3) == key
    assert key_of(file=png, limit=None) == key_of(file=png) != key


def test_each_argument_makes_a_difference(png: bytes) -> None:
    semantic: Any = {"operation": "get_similar_images_grouped_semantic", "group_by": "a", "file": png}
    keys = [
        key_of(file=png),
        key_of(file=png, limit=1),
        key_of(file=png, limit=11),
        key_of(file=png, embedding_id="f"),
        key_of(file=png + b"1"),
        key_of(file=("a.png", png)),
        key_of(file=("a.png", png, "image/webp")),
        key_of(file=png, host="https://api.coactive.ai"),
        key_of(file=png, operation="get_similar_images_grouped", group_by="a"),
        key_of(**semantic),
        key_of(**semantic, metadata_value="b"),
        key_of(**semantic, metadata_key="b", metadata_value="b"),
        key_of(operation=OPERATION, query="a", group_by="b"),
        key_of(operation=OPERATION, query="b", group_by="a"),
        key_of(operation=OPERATION, query="a\0b"),
    ]
    assert len(set(keys)) == len(keys)


def test_numbers_are_the_same_by_value() -> None:
    import numpy as np

    assert key_of(operation=OPERATION, query="a", limit=np.int64(5)) == key_of(operation=OPERATION, query="a", limit=5)


def test_bytes_are_the_same_however_they_come(png: bytes) -> None:
    key = key_of(file=png)
    for same in (bytearray(png), memoryview(png), io.BytesIO(png), ("image.png", png), ("image.png", png, "image/png")):
        assert key_of(file=same) == key


def test_an_open_file_is_known_by_what_is_left_in_it_and_stays_where_it_is(tmp_path: Path, png: bytes) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"head" + png)
    with file.open("rb") as stream:
        stream.seek(4)
        assert key_of(file=stream) == key_of(file=("a.png", png))
        assert stream.tell() == 4


def test_a_picture_in_memory_is_known_by_its_pixels() -> None:
    red, red_again, blue = (Image.new("RGB", (4, 4), colour) for colour in ("red", "red", "blue"))
    assert key_of(file=red) == key_of(file=red_again) != key_of(file=blue)


def test_a_path_is_known_by_where_it_leads_and_by_size_and_time_of_change(
    tmp_path: Path, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, copy = tmp_path / "a.png", tmp_path / "b.png"
    file.write_bytes(png)
    copy.write_bytes(png)
    key = key_of(file=file)
    assert key_of(file=copy) != key
    monkeypatch.chdir(tmp_path)
    assert key_of(file="a.png") == key_of(file=str(file)) == key
    os.utime(file, ns=(0, 1))
    later = key_of(file=file)
    assert later != key
    file.write_bytes(png + b"1")
    os.utime(file, ns=(0, 1))
    assert key_of(file=file) not in (key, later)
