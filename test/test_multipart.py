"""Whatever goes into a form, the parsers of two other libraries read back.

They are python-multipart, which FastAPI's services use, and the standard library's `email`, whose every complaint is an
error here. What they read back is what went in, with these exceptions:

- In names and filenames a quote, a backslash and the control characters of ASCII are percent-encoded. A percent sign
  itself stays, as browsers leave it, so that a name that had one of these codes of its own comes out decoded too.
- In filenames what UTF-8 cannot carry is a question mark. Text parts with such a character are refused.
- A media type comes without the spaces around it, which are no part of a header's value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email import message_from_string
from email.message import Message
from email.policy import compat32
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from forms import parts_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_server import ScriptedServer, Seen, scripted_server

from coactive import ApiClient, ApiValueError
from coactive.apis import SimilaritySearchApi
from coactive.image_file import upload
from coactive.multipart import MultipartForm
from coactive.upload import BLOCK

# What goes in.


class Sent(NamedTuple):
    """One part of a form."""

    name: str
    data: bytes
    filename: str | None = None
    media_type: str | None = None


CODES = [f"%{code:02X}" for code in (*range(32), 127, *b'"\\')]
NASTY = [*"\r\n\0\t\x7f\x85\xa0\"\\;=%'é🦊\ufeff\u2028\u202e/", "\r\n", "e\u0301", "--", "\\'", "..", "C:\\", "utf-8''"]
NASTY += ["=?utf-8?q?a?=", "%zz", "%0d", *CODES]
NASTY += ["\r\n--", '"; filename="', "; filename*=utf-8''", "\r\nContent-Type: text/html\r\n\r\n", "Content-Length: 0"]

TEXT = st.lists(st.text(max_size=20) | st.sampled_from(NASTY), max_size=20).map("".join)
WITH_SURROGATES = st.lists(st.text(st.characters(), max_size=20) | st.sampled_from(NASTY), max_size=20).map("".join)
FILENAME = WITH_SURROGATES.filter(bool)
LONG_FILENAME = st.builds(lambda name, times: name * times, FILENAME, st.integers(2, 500))
TEXTS = st.lists(st.tuples(st.sampled_from(["group_by", "limit"]) | TEXT, TEXT), max_size=5)

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=50)
ODD_TYPES = ["multipart/form-data; boundary=x", "message/rfc822", 'image/png; charset="', "text/plain; a*=utf-8''b"]
MEDIA_TYPE = st.builds("{}/{}".format, PRINTABLE, PRINTABLE) | st.sampled_from(["image/png", *ODD_TYPES])

BOUNDARY = b"\r\n--" + b"0f" * 16
SEPARATORS = [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"--", b"\r\n--", b"--\r\n", BOUNDARY, BOUNDARY + b"--\r\n", b"\0"]
DATA = st.lists(st.binary() | st.sampled_from(SEPARATORS), min_size=1).map(b"".join).filter(bool)
AROUND_A_BLOCK = [blocks * BLOCK + more for blocks in (1, 2) for more in (-1, 0, 1)]
LARGE = st.builds(
    lambda pattern, size: (pattern * size)[:size], st.binary(min_size=1, max_size=9), st.sampled_from(AROUND_A_BLOCK)
)
IMAGE = st.builds(Sent, st.just("file") | TEXT, DATA | LARGE, FILENAME, MEDIA_TYPE)


# What comes out.


def decoded(name: str) -> str:
    """A name as a server has it that undoes the percent-encoding."""
    return re.sub("|".join(CODES), lambda code: chr(int(code[0][1:], 16)), name)


def carried(filename: str) -> str:
    return re.sub("[\ud800-\udfff]", "?", filename)


def by_python_multipart(content_type: str, body: bytes) -> list[Sent]:
    headers = Message()
    headers["Content-Type"] = content_type
    *texts, image = parts_of(Seen("POST", "/", headers, body))
    assert {tuple(part.headers) for part in texts} <= {("content-disposition",)}
    assert list(image.headers) == ["content-disposition", "content-type"]
    read_back = [Sent(part.name, part.data) for part in texts]
    return [*read_back, Sent(image.name, image.data, image.filename, image.content_type.strip())]


class EmailPart(Message):
    """A part that is not looked into, whatever its media type says."""

    def get_content_type(self) -> str:
        return "application/octet-stream" if "Content-Disposition" in self else super().get_content_type()


STRICT = compat32.clone(raise_on_defect=True, message_factory=EmailPart)


def by_email(content_type: str, body: bytes) -> list[Sent]:
    # Latin-1 makes one character of every byte, and the byte of the character again.
    message = message_from_string(f"Content-Type: {content_type}\r\n\r\n{body.decode('latin-1')}", policy=STRICT)
    parts: Any = message.get_payload()
    *texts, image = parts
    assert (message.preamble, message.epilogue) == (None, "")
    assert {tuple(part.keys()) for part in texts} <= {("Content-Disposition",)}
    assert image.keys() == ["Content-Disposition", "Content-Type"]
    read_back = [Sent(_parameter(part, "name"), _data(part)) for part in texts]
    media_type = image["Content-Type"].strip()
    return [*read_back, Sent(_parameter(image, "name"), _data(image), _parameter(image, "filename"), media_type)]


def _parameter(part: Message, name: str) -> str:
    value = part.get_param(name, header="Content-Disposition")
    assert isinstance(value, str)
    return value.encode("latin-1").decode()


def _data(part: Message) -> bytes:
    payload = part.get_payload()
    assert isinstance(payload, str)
    return payload.encode("latin-1")


PARSERS = [by_python_multipart, by_email]


def check(read_back: list[Sent], sent: list[Sent]) -> None:
    assert [part.data for part in read_back] == [part.data for part in sent]
    assert [part.media_type for part in read_back] == [part.media_type and part.media_type.strip() for part in sent]
    for got, put in zip(read_back, sent, strict=True):
        assert decoded(got.name) == decoded(put.name)
        assert decoded(got.filename or "") == decoded(carried(put.filename or ""))
        assert not re.search(r'[\0-\x1f\x7f"\\]', got.name + (got.filename or ""))


def form_of(texts: list[tuple[str, str]], image: Sent) -> MultipartForm:
    return MultipartForm(texts, image.name, upload((image.filename, image.data, image.media_type)))


@pytest.mark.parametrize("read", PARSERS)
@settings(deadline=None)
@given(texts=TEXTS, image=IMAGE)
def test_a_parser_reads_back_exactly_what_went_in(
    read: Callable[[str, bytes], list[Sent]], texts: list[tuple[str, str]], image: Sent
) -> None:
    form = form_of(texts, image)
    check(read(form.content_type, b"".join(form)), [*(Sent(name, text.encode()) for name, text in texts), image])


@settings(deadline=None)
@given(filename=LONG_FILENAME)
def test_a_filename_of_any_length_is_read_back(filename: str) -> None:
    # The other parser refuses a header of more than 4,224 bytes.
    image = Sent("file", b"x", filename, "image/png")
    form = form_of([], image)
    check(by_email(form.content_type, b"".join(form)), [image])


def test_a_file_may_be_a_form_itself() -> None:
    inner = form_of([("group_by", "sku")], Sent("file", b"x", "a.png", "image/png"))
    image = Sent("file", b"".join(inner), "captured.bin", inner.content_type)
    form = form_of([("group_by", "sku")], image)
    for read in PARSERS:
        check(read(form.content_type, b"".join(form)), [Sent("group_by", b"sku"), image])


# How it is handed on.


def check_stream(form: MultipartForm, data: bytes) -> None:
    blocks = [bytes(block) for block in form]
    whole = b"".join(blocks)
    assert len(whole) == form.length
    around = form.length - len(data)
    assert all(0 < len(block) <= BLOCK + around for block in blocks)
    assert len(blocks) <= len(data) // BLOCK + 3
    assert b"".join(form) == whole
    at_once = list(zip(form, form, strict=True))
    assert b"".join(one for one, _ in at_once) == b"".join(other for _, other in at_once) == whole


@settings(deadline=None)
@given(texts=TEXTS, image=IMAGE)
def test_a_form_is_as_long_as_it_says_the_same_each_time_and_in_bounded_blocks(
    texts: list[tuple[str, str]], image: Sent
) -> None:
    check_stream(form_of(texts, image), image.data)


@pytest.mark.parametrize("size", [1, *AROUND_A_BLOCK])
@pytest.mark.parametrize("opened", [False, True], ids=["path", "open file"])
def test_a_file_on_disk_is_handed_on_the_same_way(tmp_path: Path, size: int, opened: bool) -> None:
    data = (b"\r\n--" * size)[:size]
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    with path.open("rb") as stream:
        image = upload(stream if opened else path)
        form = MultipartForm([("group_by", "sku")], "file", image)
        check_stream(form, data)
        read_back = by_email(form.content_type, b"".join(form))
        image.close()
    assert [part.data for part in read_back] == [b"sku", data]


# Over HTTP.


@pytest.fixture(scope="module")
def listening() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="module")
def searches(listening: ScriptedServer) -> Iterator[SimilaritySearchApi]:
    with ApiClient(listening.configuration(retries=False, read_timeout=5)) as client:
        yield SimilaritySearchApi(client)


@settings(deadline=None, max_examples=30)
@given(group_by=TEXT, key=TEXT, value=TEXT, limit=st.integers(), image=IMAGE)
def test_a_server_reads_what_was_given_to_the_operation(
    listening: ScriptedServer,
    searches: SimilaritySearchApi,
    group_by: str,
    key: str,
    value: str,
    limit: int,
    image: Sent,
) -> None:
    file = (image.filename, image.data, image.media_type)
    searches.get_similar_images_grouped_semantic(
        "e", group_by, file, metadata_key=key, metadata_value=value, limit=limit
    )
    seen = listening.seen.pop()
    assert int(seen.headers["Content-Length"]) == len(seen.body)
    fields = {"metadata_key": key, "metadata_value": value, "limit": str(limit), "group_by": group_by}
    sent = [Sent(name, text.encode()) for name, text in fields.items()]
    for read in PARSERS:
        check(read(seen.headers["Content-Type"], seen.body), [*sent, image._replace(name="file")])


@settings(deadline=None, max_examples=30)
@given(before=TEXT, surrogate=st.characters(categories=["Cs"]), after=TEXT)
def test_a_text_part_that_utf8_cannot_carry_is_refused(
    listening: ScriptedServer, searches: SimilaritySearchApi, before: str, surrogate: str, after: str
) -> None:
    with pytest.raises(ApiValueError, match=r"^group_by: UTF-8 cannot carry it \(surrogates not allowed\)$"):
        searches.get_similar_images_grouped("e", before + surrogate + after, b"x")
    assert not listening.seen
