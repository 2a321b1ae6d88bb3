"""Reads what is known about images: a CSV or JSON Lines file, a row an image, which it names under `file`."""

from __future__ import annotations

import csv
import json
import math
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

Metadata = dict[str, Any]
"""One image's row without `file`: text from a CSV, any JSON values from JSON Lines."""

FILE_COLUMN = "file"


class MetadataError(ValueError):
    """The metadata file cannot be read; the message names the file and, where there is one, the line."""


def read_metadata(source: Path) -> dict[str, Metadata]:
    """The rows of a `.csv`, `.jsonl` or `.ndjson` file (UTF-8), by the `file_key` of their images.

    Raises FileNotFoundError where there is no such file, and MetadataError for what is wrong in it.
    """
    if not source.is_file():
        raise FileNotFoundError(f"no such metadata file: {source}")
    readers = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows}
    reader = readers.get(source.suffix.lower())
    if reader is None:
        raise MetadataError(f"{source}: neither CSV nor JSON Lines: name it .csv or .jsonl")
    try:
        # Spreadsheets begin their UTF-8 with a byte order mark.
        with source.open(encoding="utf-8-sig", newline="") as text:
            return _by_file(source, reader(source, text))
    except UnicodeDecodeError as problem:
        raise MetadataError(f"{source}: not UTF-8 text: {problem.reason} at byte {problem.start}") from problem


def _by_file(source: Path, rows: Iterator[tuple[int, Metadata]]) -> dict[str, Metadata]:
    by_file: dict[str, Metadata] = {}
    for line, row in rows:
        name = row.pop(FILE_COLUMN, None)
        if not isinstance(name, str) or not name:
            raise MetadataError(f"{source}:{line}: no {FILE_COLUMN!r} in this row, so it is about no image")
        key = file_key(name)
        if key in by_file:
            raise MetadataError(f"{source}:{line}: a second row for {name!r}")
        by_file[key] = row
    return by_file


def file_key(path: str) -> str:
    """A relative path as rows are keyed by it: without `./`, and with one way to write an accented letter."""
    return unicodedata.normalize("NFC", PurePosixPath(path).as_posix())


def _csv_rows(source: Path, text: TextIO) -> Iterator[tuple[int, Metadata]]:
    reader = csv.DictReader(text, strict=True)
    try:
        columns = reader.fieldnames or []
        if FILE_COLUMN not in columns:
            raise MetadataError(f"{source}:1: no column {FILE_COLUMN!r}; its columns are {', '.join(columns)}")
        for row in reader:
            if None in row:
                raise MetadataError(f"{source}:{reader.line_num}: more values than there are columns")
            yield reader.line_num, {column: value for column, value in row.items() if value is not None}
    except csv.Error as problem:
        raise MetadataError(f"{source}:{reader.line_num}: {problem}") from problem


def _json_rows(source: Path, text: TextIO) -> Iterator[tuple[int, Metadata]]:
    for line, written in enumerate(text, start=1):
        if not written.strip():
            continue
        try:
            row = json.loads(written, parse_constant=_finite, parse_float=_finite)
        except (ValueError, RecursionError) as problem:
            raise MetadataError(f"{source}:{line}: not JSON: {problem}") from problem
        if not isinstance(row, dict):
            raise MetadataError(f"{source}:{line}: not a JSON object")
        yield line, row


def _finite(written: str) -> float:
    """The number; NaN and the infinities, which Python writes and JSON has not, are an error."""
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{written} is no JSON number; null is the word for a value that is not there")
    return number
