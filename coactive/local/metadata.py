"""Reads what is known about images: a CSV or JSON Lines file, one row per image, which it names under `file`."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

Metadata = dict[str, Any]
"""One image's row without `file`: text from a CSV, any JSON values from JSON Lines; None is no value in both."""

FILE_COLUMN = "file"
DELIMITERS = ",;\t"
NOT_PLAIN = re.compile(r"\\|//|/$|^(?:[A-Za-z]:)?/|(?:^|/)\.\.?(?:/|$)")
"""What makes a path one that can be written in another way."""

FROM_PANDAS = 'df.to_json("rows.jsonl", orient="records", lines=True)'
"""How a data frame becomes a file that is read here."""


class MetadataError(ValueError):
    """The metadata file cannot be read; the message names the file and, where there is one, the line."""


def read_metadata(source: Path, folder: Path | None = None) -> dict[str, Metadata]:
    """The rows of a `.csv`, `.jsonl` or `.ndjson` file (UTF-8), by the `file_key` of their images in a folder.

    Raises FileNotFoundError where there is no such file, and MetadataError for what is wrong in it.
    """
    if source.is_dir():
        raise MetadataError(f"{source}: it is a folder; the metadata is one file, .csv or .jsonl")
    if not source.is_file():
        raise FileNotFoundError(f"no such metadata file: {source}")
    readers = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows}
    reader = readers.get(source.suffix.lower())
    if reader is None:
        raise MetadataError(f"{source}: neither .csv nor .jsonl (JSON Lines); pandas writes one: {FROM_PANDAS}")
    try:
        # Spreadsheets begin their UTF-8 with a byte order mark.
        text = source.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = problem.object.count(b"\n", 0, problem.start) + 1
        raise MetadataError(f"{source}:{line}: invalid UTF-8; save it as UTF-8") from problem
    if not text.strip():
        raise MetadataError(f"{source}: it is empty")
    return _by_file(source, reader(source, io.StringIO(text, newline="")), _roots(folder))


def _by_file(source: Path, rows: Iterator[tuple[int, Metadata]], roots: Sequence[str]) -> dict[str, Metadata]:
    by_file: dict[str, Metadata] = {}
    for line, row in rows:
        name = row.pop(FILE_COLUMN, None)
        if not isinstance(name, str) or not name:
            raise MetadataError(f"{source}:{line}: {FILE_COLUMN!r} is missing in this row; it names the row's image")
        key = file_key(name, roots)
        if key in by_file:
            raise MetadataError(f"{source}:{line}: a second row for {name!r}")
        by_file[key] = row
    if not by_file:
        raise MetadataError(f"{source}: it has no rows")
    return by_file


def _roots(folder: Path | None) -> list[str]:
    """The ways to write a folder that absolute paths of its files begin with."""
    return [] if folder is None else [file_key(str(folder.absolute())), file_key(str(folder.resolve()))]


def file_key(path: str, roots: Sequence[str] = ()) -> str:
    """A path as rows are keyed by it: below the roots relative to them, with `/`, without `./`.

    There is more than one way to write an accented letter; the key has one.
    """
    if path.isascii() and not NOT_PLAIN.search(path):
        return path
    key = PurePosixPath(unicodedata.normalize("NFC", path.replace("\\", "/")))
    root = next((root for root in roots if key.is_relative_to(root)), None)
    return (key if root is None else key.relative_to(root)).as_posix()


def _csv_rows(source: Path, text: TextIO) -> Iterator[tuple[int, Metadata]]:
    delimiter = _delimiter(text.readline())
    text.seek(0)
    reader = csv.reader(text, strict=True, delimiter=delimiter)
    try:
        columns = next(reader, [])
        if FILE_COLUMN not in columns:
            there_are = f"its columns are {', '.join(columns)}" if columns else "the first line is empty"
            raise MetadataError(f"{source}:1: the column {FILE_COLUMN!r} is missing; {there_are}")
        for values in filter(None, reader):
            if len(values) > len(columns):
                raise MetadataError(f"{source}:{reader.line_num}: more values than there are columns")
            # pandas writes its index into a column without a name.
            yield reader.line_num, {key: value or None for key, value in zip(columns, values, strict=False) if key}
    except csv.Error as problem:
        raise MetadataError(f"{source}:{reader.line_num}: {problem}") from problem


def _delimiter(header: str) -> str:
    """What separates the columns of a CSV file: spreadsheets of many countries write semicolons."""
    for mark in DELIMITERS:
        if FILE_COLUMN in [name.strip('"') for name in header.strip().split(mark)]:
            return mark
    return DELIMITERS[0]


def _json_rows(source: Path, text: TextIO) -> Iterator[tuple[int, Metadata]]:
    for line, written in enumerate(text, start=1):
        if not written.strip():
            continue
        try:
            row = json.loads(written, parse_constant=_finite, parse_float=_finite)
        except (ValueError, RecursionError) as problem:
            raise MetadataError(f"{source}:{line}: not JSON: {_without_line(problem)}") from problem
        if not isinstance(row, dict):
            raise MetadataError(
                f"{source}:{line}: not a JSON object; JSON Lines has one {{...}} on each line, and no list around"
            )
        yield line, row


def _without_line(problem: Exception) -> str:
    """The message of a JSON error; it knows only this line of the file, and would call it the first."""
    return f"{problem.msg}, at column {problem.pos + 1}" if isinstance(problem, json.JSONDecodeError) else str(problem)


def _finite(written: str) -> float:
    """The number; NaN and the infinities, which Python writes and JSON has not, are an error."""
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{written} is no JSON number; null is the word for a value that is not there")
    return number
