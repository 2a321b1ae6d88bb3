from __future__ import annotations

from pathlib import Path

import pytest

from coactive.local.metadata import MetadataError, read_metadata


def rows(tmp_path: Path, name: str, content: str | bytes) -> dict[str, dict[str, object]]:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_metadata(file)


def test_csv_values_stay_text_and_an_empty_cell_is_no_value(tmp_path: Path) -> None:
    read = rows(tmp_path, "a.csv", 'file,price,caption\na.jpg,1.50,"red, ""round"""\nb.jpg,,x\n')
    assert read == {"a.jpg": {"price": "1.50", "caption": 'red, "round"'}, "b.jpg": {"price": None, "caption": "x"}}


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
        ("a.csv", "path,sku\na.jpg,A\n", r"a\.csv:1: the column 'file' is missing; its columns are path, sku"),
        ("a.csv", "", r"a\.csv: it is empty"),
        ("a.csv", b"\xef\xbb\xbf\n\n", r"a\.csv: it is empty"),
        ("a.jsonl", "\n", r"a\.jsonl: it is empty"),
        ("a.csv", "\nfile\na.jpg\n", r"a\.csv:1: the column 'file' is missing; the first line is empty"),
        ("a.csv", "file,sku\n", r"a\.csv: it has no rows"),
        ("a.csv", "path;sku\na.jpg;A\n", r"a\.csv:1: the column 'file' is missing; its columns are path;sku"),
        ("a.csv", "file,sku\na.jpg,A,B\n", r"a\.csv:2: more values"),
        ("a.csv", "file,sku\na.jpg,A\n,B\n", r"a\.csv:3: 'file' is missing in this row"),
        ("a.csv", "file,sku\na.jpg,A\n./a.jpg,B\n", r"a\.csv:3: a second row for './a\.jpg'"),
        ("a.csv", 'file,sku\na.jpg,"A\n', r"a\.csv:\d: unexpected end"),
        ("a.csv", b"file\na.jpg\ncaf\xe9.jpg\n", r"a\.csv:3: invalid UTF-8; save it as UTF-8"),
        ("a.csv", "file\na.jpg\n".encode("utf-16"), r"a\.csv:1: invalid UTF-8; save it as UTF-8"),
        ("a.jsonl", '{"file": "a.jpg"}\n{"file": \n', r"a\.jsonl:2: not JSON: Expecting value, at column [0-9]+$"),
        ("a.jsonl", '["a.jpg"]\n', r"a\.jsonl:1: not a JSON object; JSON Lines has one {...} on each line"),
        ("a.jsonl", '{"sku": "A"}\n', r"a\.jsonl:1: 'file' is missing in this row"),
        ("a.jsonl", '{"file": 5}\n', r"a\.jsonl:1: 'file' is missing in this row"),
        ("a.jsonl", '{"file": "a.jpg", "x": NaN}\n', r"a\.jsonl:1: not JSON: NaN"),
        ("a.jsonl", '{"file": "a.jpg", "x": -Infinity}\n', r"a\.jsonl:1: not JSON: -Infinity"),
        ("a.jsonl", '{"file": "a.jpg", "x": 1e999}\n', r"a\.jsonl:1: not JSON: 1e999"),
        ("a.jsonl", "[" * 100_000, r"a\.jsonl:1: not JSON"),
        ("a.xlsx", "file\n", r"a\.xlsx: neither \.csv nor \.jsonl \(JSON Lines\)"),
        ("a.json", "[]", r"pandas writes one: df\.to_json\(\"rows\.jsonl\", orient=\"records\", lines=True\)"),
        ("a.tsv", "file\tsku\n", r"pandas writes one: df\.to_json\("),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(name: str, content: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match=says):
        rows(tmp_path, name, content)


def test_a_metadata_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such metadata file: .*none\.csv"):
        read_metadata(tmp_path / "none.csv")


def test_metadata_that_is_a_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match=r"it is a folder; the metadata is one file"):
        read_metadata(tmp_path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_may_be_separated_as_spreadsheets_of_any_country_do(delimiter: str, tmp_path: Path) -> None:
    content = '"file",sku,caption\na.jpg,A,"red; round, new"\n'.replace(",", delimiter)
    caption = "red; round, new".replace(",", delimiter)
    assert rows(tmp_path, "a.csv", content) == {"a.jpg": {"sku": "A", "caption": caption}}


def test_a_data_frames_index_is_no_column(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.csv", ",file,sku\n0,a.jpg,A\n1,b.jpg,B\n") == {
        "a.jpg": {"sku": "A"},
        "b.jpg": {"sku": "B"},
    }


def test_an_image_may_be_named_by_its_absolute_path_or_with_backslashes(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "pictures", target_is_directory=True)
    (tmp_path / "rows.csv").write_text(f"file\n{tmp_path}/pictures/a.jpg\n{link}/b.jpg\ndeep\\c.jpg\n/else/d.jpg\n")
    assert list(read_metadata(tmp_path / "rows.csv", link)) == ["a.jpg", "b.jpg", "deep/c.jpg", "/else/d.jpg"]
