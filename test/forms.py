"""Reads a multipart form back with the parser of another library, which refuses what is malformed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from python_multipart.multipart import MultipartParser, parse_options_header
from scripted_server import Seen


@dataclass
class Part:
    """One part of a form, as the parser understood it."""

    headers: dict[str, bytes] = field(default_factory=dict)
    data: bytes = b""

    @property
    def name(self) -> str:
        return self._disposition[b"name"].decode()

    @property
    def filename(self) -> str:
        return self._disposition[b"filename"].decode()

    @property
    def content_type(self) -> str:
        return self.headers["content-type"].decode()

    @property
    def _disposition(self) -> dict[bytes, bytes]:
        kind, options = parse_options_header(self.headers["content-disposition"])
        assert kind == b"form-data"
        return options


class _Reader:
    """Collects what the parser reports."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._name = self._value = b""

    def on_part_begin(self) -> None:
        self.parts.append(Part())

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self.parts[-1].headers[self._name.decode().lower()] = self._value
        self._name = self._value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].data += data[start:end]

    def on_end(self) -> None:
        self.ended = True


def parts_of(seen: Seen) -> list[Part]:
    """The parts of a request's form, in order; an error where the form is malformed or cut off."""
    kind, options = parse_options_header(seen.headers["Content-Type"])
    assert kind == b"multipart/form-data"
    reader = _Reader()
    callbacks: Any = {name: getattr(reader, name) for name in dir(reader) if name.startswith("on_")}
    parser = MultipartParser(options[b"boundary"], callbacks)
    parser.write(seen.body)
    parser.finalize()
    assert reader.ended
    return reader.parts


def part_of(seen: Seen, name: str) -> Part:
    """The one part of that name."""
    (part,) = (part for part in parts_of(seen) if part.name == name)
    return part
