from __future__ import annotations

from pathlib import Path

import pytest

from coactive.local.metadata import MetadataError, read_metadata


def rows(tmp_path: Path, name: str, content: str | bytes) -> dict[str, dict[str, object]]:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_metadata(file)


def test_csv_values_stay_text(tmp_path: Path) -> None:
    read = rows(tmp_path, "a.csv", 'file,price,caption\na.jpg,1.50,"red, ""round"""\nb.jpg,,x\n')
    assert read == {"a.jpg": {"price": "1.50", "caption": 'red, "round"'}, "b.jpg": {"price": "", "caption": "x"}}


def test_json_lines_keep_their_types(tmp_path: Path) -> None:
    read = rows(tmp_path, "a.jsonl", '{"file": "a.jpg", "n": 1, "x": [true, null]}\n\n{"file": "b.jpg"}\n')
    assert read == {"a.jpg": {"n": 1, "x": [True, None]}, "b.jpg": {}}


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "a.jsonl", "a.ndjson"])
def test_a_spreadsheets_byte_order_mark_is_no_part_of_the_first_column(name: str, tmp_path: Path) -> None:
    content = "file\na.jpg\n" if name.lower().endswith("csv") else '{"file": "a.jpg"}\n'
    assert rows(tmp_path, name, b"\xef\xbb\xbf" + content.encode()) == {"a.jpg": {}}


def test_a_csv_row_that_is_too_short_says_nothing_in_the_columns_it_lacks(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.csv", "file,sku,price\na.jpg,A\n") == {"a.jpg": {"sku": "A"}}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "path,sku\na.jpg,A\n", r"a\.csv:1: no column 'file'; its columns are path, sku"),
        ("a.csv", "", r"a\.csv:1: no column 'file'"),
        ("a.csv", "file,sku\na.jpg,A,B\n", r"a\.csv:2: more values"),
        ("a.csv", "file,sku\na.jpg,A\n,B\n", r"a\.csv:3: no 'file' in this row"),
        ("a.csv", "file,sku\na.jpg,A\n./a.jpg,B\n", r"a\.csv:3: a second row for './a\.jpg'"),
        ("a.csv", 'file,sku\na.jpg,"A\n', r"a\.csv:\d: unexpected end"),
        ("a.csv", b"file\n\xff\xfe.jpg\n", r"a\.csv: not UTF-8 text"),
        ("a.jsonl", '{"file": "a.jpg"}\n{"file": \n', r"a\.jsonl:2: not JSON"),
        ("a.jsonl", '["a.jpg"]\n', r"a\.jsonl:1: not a JSON object"),
        ("a.jsonl", '{"sku": "A"}\n', r"a\.jsonl:1: no 'file' in this row"),
        ("a.jsonl", '{"file": 5}\n', r"a\.jsonl:1: no 'file' in this row"),
        ("a.jsonl", '{"file": "a.jpg", "x": NaN}\n', r"a\.jsonl:1: not JSON: NaN"),
        ("a.jsonl", '{"file": "a.jpg", "x": -Infinity}\n', r"a\.jsonl:1: not JSON: -Infinity"),
        ("a.jsonl", '{"file": "a.jpg", "x": 1e999}\n', r"a\.jsonl:1: not JSON: 1e999"),
        ("a.jsonl", "[" * 100_000, r"a\.jsonl:1: not JSON"),
        ("a.xlsx", "file\n", r"a\.xlsx: neither CSV nor JSON Lines"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(name: str, content: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match=says):
        rows(tmp_path, name, content)


def test_a_metadata_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such metadata file: .*none\.csv"):
        read_metadata(tmp_path / "none.csv")
