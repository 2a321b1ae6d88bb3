"""What can be uploaded, and what happens to the caller's file."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy
import pytest
from forms import part_of
from PIL import Image
from scripted_server import Reply, ScriptedServer

import coactive
from coactive import ApiConnectionError, ApiTypeError, ApiValueError
from coactive.apis import SimilaritySearchApi
from coactive.image_file import upload


class Nameless:
    """Has `read()` and nothing else."""

    def __init__(self, data: bytes) -> None:
        self._left = data

    def read(self, size: int = -1, /) -> bytes:
        taken, self._left = self._left[:size], self._left[size:]
        return taken


def _spooled(data: bytes) -> Any:
    file = tempfile.SpooledTemporaryFile(4)  # noqa: SIM115 - the test closes it
    file.write(data)
    file.seek(0)
    return file


class Seekable:
    """A stream that can seek and is of no class that anyone knows."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)
        self.read, self.seek, self.tell = self._inner.read, self._inner.seek, self._inner.tell

    def seekable(self) -> bool:
        return True


class Unknown:
    """A stream that takes no weak references."""

    __slots__ = ("_left",)

    def __init__(self, data: bytes) -> None:
        self._left = data

    def read(self, size: int = -1, /) -> bytes:
        taken, self._left = self._left[:size], self._left[size:]
        return taken


SOURCES: dict[str, Callable[[Path, bytes], Any]] = {
    "str": lambda path, data: str(path),
    "Path": lambda path, data: path,
    "bytes": lambda path, data: data,
    "bytearray": lambda path, data: bytearray(data),
    "memoryview": lambda path, data: memoryview(data),
    "strided memoryview": lambda path, data: memoryview(bytes(byte for one in data for byte in (one, 0)))[::2],
    "BytesIO": lambda path, data: io.BytesIO(data),
    "open file": lambda path, data: path.open("rb"),
    "unbuffered file": lambda path, data: path.open("rb", buffering=0),
    "SpooledTemporaryFile": lambda path, data: _spooled(data),
    "seekable reader": lambda path, data: Seekable(data),
    "slotted reader": lambda path, data: Unknown(data),
    "nameless reader": lambda path, data: Nameless(data),
    "tuple with bytes": lambda path, data: ("photo.png", data),
    "tuple with a path": lambda path, data: ("photo.png", path),
    "tuple with a media type": lambda path, data: ("photo.png", io.BytesIO(data), "image/png"),
}


@pytest.fixture
def path(tmp_path: Path, png: bytes) -> Path:
    file = tmp_path / "photo.png"
    file.write_bytes(png)
    return file


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("background", [False, True], ids=["blocking", "future"])
def test_every_kind_of_image_arrives_byte_for_byte(
    api: SimilaritySearchApi, server: ScriptedServer, path: Path, png: bytes, source: str, background: bool
) -> None:
    with ExitStack() as stack:
        file = SOURCES[source](path, png)
        if hasattr(file, "close"):
            stack.callback(file.close)
        if background:
            api.get_similar_images.submit("e", file).get()
        else:
            api.get_similar_images("e", file)
    sent = part_of(server.seen[0], "file")
    assert sent.data == png
    assert (sent.content_type, Path(sent.filename).suffix) == ("image/png", ".png")


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "RGBa", "La", "PA", "CMYK", "YCbCr", "HSV", "LAB", "I;16"]
)
def test_a_pil_image_of_any_mode_goes_as_png(api: SimilaritySearchApi, server: ScriptedServer, mode: str) -> None:
    api.get_similar_images("e", Image.new(mode, (5, 4)))
    sent = part_of(server.seen[0], "file")
    assert (sent.content_type, sent.filename) == ("image/png", "image.png")
    with Image.open(io.BytesIO(sent.data)) as read_back:
        assert (read_back.format, read_back.size) == ("PNG", (5, 4))


def test_a_pil_image_from_a_file_keeps_its_name_and_its_pixels(
    api: SimilaritySearchApi, server: ScriptedServer, tmp_path: Path
) -> None:
    Image.effect_noise((20, 10), 50).save(tmp_path / "mug.bmp")
    with Image.open(tmp_path / "mug.bmp") as image:
        api.get_similar_images("e", image)
        sent = part_of(server.seen[0], "file")
        with Image.open(io.BytesIO(sent.data)) as read_back:
            assert read_back.tobytes() == image.tobytes()
    assert sent.filename == "mug.png"


def test_a_pil_image_without_pixels_closed_or_cut_off_is_refused(
    api: SimilaritySearchApi, server: ScriptedServer, path: Path, tmp_path: Path
) -> None:
    with Image.open(path) as closed:
        pass
    noise = tmp_path / "noise.png"
    Image.effect_noise((200, 200), 50).save(noise)
    noise.write_bytes(noise.read_bytes()[:2000])
    with Image.open(noise) as cut_off:
        for image, message in (
            (Image.new("RGB", (0, 3)), "the image has no pixels"),
            (closed, "cannot write the PIL image as PNG"),
            (cut_off, "truncated"),
        ):
            with pytest.raises(ApiValueError, match=f"^file: .*{message}"):
                api.get_similar_images("e", image)
    assert server.connections == 0


def test_pillow_is_not_imported_for_other_files() -> None:
    import subprocess

    code = "import sys; from coactive.image_file import upload; upload(b'x'); print('PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def test_a_callers_file_is_left_open_where_it_stood(
    api: SimilaritySearchApi, server: ScriptedServer, path: Path, png: bytes
) -> None:
    path.write_bytes(b"before" + png)
    with path.open("rb") as file:
        file.seek(6)
        api.get_similar_images("e", file)
        api.get_similar_images("e", file, limit=3)
        assert not file.closed
        assert file.tell() == 6
    assert [part_of(seen, "file").data for seen in server.seen] == [png, png]


def test_a_callers_file_is_left_open_where_it_stood_after_an_error(
    api: SimilaritySearchApi, server: ScriptedServer, path: Path
) -> None:
    server.reply(Reply(raw=b""))
    with path.open("rb") as file:
        file.seek(3)
        with pytest.raises(ApiConnectionError, match="no answer"):
            api.get_similar_images("e", file)
        assert (file.closed, file.tell()) == (False, 3)
        with pytest.raises(ApiTypeError):
            api.get_similar_images("e", file, limit="3")  # type: ignore[arg-type]
        assert (file.closed, file.tell()) == (False, 3)


def test_the_callers_file_may_be_closed_once_the_future_is_there(
    api: SimilaritySearchApi, server: ScriptedServer, path: Path, png: bytes
) -> None:
    held = threading.Event()
    server.reply(Reply(hold=held))
    with path.open("rb") as file:
        futures = [api.get_similar_images.submit("e", file) for _ in range(4)]
        assert file.tell() == 0
    held.set()
    for future in futures:
        future.get(10)
    assert [part_of(seen, "file").data for seen in server.seen] == [png] * 4


def test_a_bytearray_may_change_once_the_future_is_there(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes
) -> None:
    image = bytearray(png)
    shared = memoryview(bytearray(png))
    futures = [api.get_similar_images.submit("e", file) for file in (image, shared.toreadonly())]
    image.clear()
    shared[:] = bytes(len(png))
    for future in futures:
        future.get(10)
    assert {part_of(seen, "file").data for seen in server.seen} == {png}


def test_files_that_the_client_opened_are_closed(
    api: SimilaritySearchApi, server: ScriptedServer, path: Path, png: bytes
) -> None:
    api.get_similar_images("e", path)
    before = len(os.listdir("/proc/self/fd"))
    large = Nameless(png + bytes(3_000_000))
    server.reply(Reply(status=400, body=b'{"detail": "no image"}'))
    for file in (path, large):
        with pytest.raises(Exception, match="no image"):
            api.get_similar_images("e", file)
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize("make", [SOURCES[name] for name in ("str", "open file", "nameless reader", "bytearray")])
def test_every_try_of_an_upload_sends_the_same_bytes(
    server: ScriptedServer, path: Path, png: bytes, make: Callable[[Path, bytes], Any]
) -> None:
    busy = Reply(status=503, headers={"Retry-After": "0"})
    server.reply(busy, Reply(raw=b""), Reply())
    with ExitStack() as stack:
        file = make(path, png)
        if hasattr(file, "close"):
            stack.callback(file.close)
        with coactive.ApiClient(server.configuration()) as client:
            SimilaritySearchApi(client).get_similar_images("e", file)
    first, second, third = server.seen
    assert first.body == second.body == third.body
    assert part_of(third, "file").data == png


BAD_FILES: dict[str, tuple[Callable[[Path], Any], type[Exception], str]] = {
    "missing": (lambda tmp: tmp / "none.jpg", ApiValueError, "No such file or directory"),
    "address": (lambda tmp: "https://example.com/a.jpg", ApiValueError, "URLs are not downloaded"),
    "directory": (lambda tmp: str(tmp), ApiValueError, "Is a directory"),
    "empty path": (lambda tmp: "", ApiValueError, "no path"),
    "path with NUL": (lambda tmp: "a\0b", ApiValueError, "no path"),
    "empty bytes": (lambda tmp: b"", ApiValueError, "empty"),
    "empty file": (lambda tmp: tmp.joinpath("empty").write_bytes(b"") or tmp / "empty", ApiValueError, "empty"),
    "empty open file": (lambda tmp: (tmp / "empty").open("w+b"), ApiValueError, "empty"),
    "empty reader": (lambda tmp: Nameless(b""), ApiValueError, "empty"),
    "None": (lambda tmp: None, ApiTypeError, "got NoneType"),
    "number": (lambda tmp: 7, ApiTypeError, "expected a path, bytes"),
    "text buffer": (lambda tmp: io.StringIO("x"), ApiTypeError, "text mode"),
    "reader of text": (lambda tmp: type("R", (), {"read": lambda self, n: "x"})(), ApiTypeError, "binary mode"),
    "reader of None": (lambda tmp: type("R", (), {"read": lambda self, n: None})(), ApiTypeError, "NoneType"),
    "tuple of one": (lambda tmp: (b"x",), ApiTypeError, "a tuple must be"),
    "tuple with odd name": (lambda tmp: (3, b"x"), ApiTypeError, "the filename must be a str"),
    "tuple with odd type": (lambda tmp: ("a", b"x", 3), ApiTypeError, "the media type must be a str"),
    "no media type": (lambda tmp: ("a", b"x", "png"), ApiValueError, "no media type"),
    "header in media type": (lambda tmp: ("a", b"x", "image/png\r\nX: y"), ApiValueError, "no media type"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_what_cannot_be_uploaded_is_refused_before_anything_is_sent(
    api: SimilaritySearchApi, server: ScriptedServer, tmp_path: Path, case: str
) -> None:
    make, error, message = BAD_FILES[case]
    file = make(tmp_path)
    with pytest.raises(error, match=message) as caught:
        api.get_similar_images("e", file)
    if isinstance(file, io.IOBase):
        file.close()
    assert str(caught.value).startswith("file: ")
    assert server.connections == 0


@pytest.mark.parametrize("mode", ["r", "w+", "closed", "wb"])
def test_a_file_open_in_a_way_that_gives_no_bytes_is_refused(
    api: SimilaritySearchApi, server: ScriptedServer, path: Path, mode: str
) -> None:
    messages = {"r": "text mode", "w+": "text mode", "closed": "the file is closed", "wb": "open for writing only"}
    with path.open("rb" if mode == "closed" else mode) as file:
        if mode == "closed":
            file.close()
        with pytest.raises((ApiTypeError, ApiValueError), match=messages[mode]):
            api.get_similar_images("e", file)
    assert server.connections == 0


def test_an_operating_systems_error_is_the_cause(api: SimilaritySearchApi, tmp_path: Path) -> None:
    with pytest.raises(ApiValueError) as caught:
        api.get_similar_images("e", tmp_path / "none.jpg")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_pipe_is_read_as_a_stream(
    api: SimilaritySearchApi, server: ScriptedServer, tmp_path: Path, png: bytes
) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(png,))
    writer.start()
    api.get_similar_images("e", fifo)
    writer.join()
    assert part_of(server.seen[0], "file").data == png


def test_a_path_that_changed_or_vanished_under_the_call_is_an_error_of_its_own(path: Path, png: bytes) -> None:
    prepared, vanishing = upload(path), upload(path)
    path.write_bytes(png[::-1])
    with pytest.raises(ApiValueError, match="changed after the call began"):
        list(prepared)
    path.unlink()
    with pytest.raises(ApiValueError, match="it can no longer be read: No such file or directory") as caught:
        list(vanishing)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_path_stays_the_same_file_where_the_working_folder_changes(
    path: Path, png: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(path.parent)
    relative = upload(path.name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert b"".join(relative) == png


def test_an_open_file_that_became_shorter_is_no_failure_of_the_connection(
    client: coactive.ApiClient, path: Path, png: bytes
) -> None:
    with path.open("r+b") as file:
        request = SimilaritySearchApi.get_similar_images.__wrapped__(SimilaritySearchApi(client), "e", file)
        file.truncate(40)
        with pytest.raises(ApiValueError, match=f"it became shorter while it was sent, by {len(png) - 40} bytes$"):
            client._call(request)
        request.close()
        with pytest.raises(ApiValueError, match="^file: it can no longer be read: Bad file descriptor$"):
            client._call(request)
        request.close()


def test_what_was_written_to_an_open_file_is_sent_too(
    api: SimilaritySearchApi, server: ScriptedServer, tmp_path: Path, png: bytes
) -> None:
    with (tmp_path / "new.png").open("w+b") as file:
        file.write(png)
        file.seek(0)
        api.get_similar_images("e", file)
    assert part_of(server.seen[0], "file").data == png


@pytest.mark.parametrize(
    "raised", [TimeoutError("the disk sleeps"), EOFError("cut off"), ValueError("odd"), KeyError("x"), RuntimeError()]
)
@pytest.mark.parametrize("after", [0, 3])
def test_a_stream_that_fails_is_named_before_anything_is_sent_and_leaves_nothing_open(
    api: SimilaritySearchApi, server: ScriptedServer, raised: Exception, after: int
) -> None:
    class Fails(Nameless):
        blocks = 0

        def read(self, size: int = -1, /) -> bytes:
            self.blocks += 1
            if self.blocks > after:
                raise raised
            return super().read(size)

    before = len(os.listdir("/proc/self/fd"))
    for call in (api.get_similar_images, api.get_similar_images.submit):
        with pytest.raises(ApiValueError, match="^file: cannot read the file: ") as caught:
            call("e", Fails(bytes(9_000_000)))
        assert caught.value.__cause__ is raised
    assert server.connections == 0
    assert len(os.listdir("/proc/self/fd")) <= before


SHARED: dict[str, Callable[[Path, bytes], Any]] = {
    "BytesIO": lambda path, data: io.BytesIO(data),
    "open file": lambda path, data: path.open("rb"),
    "SpooledTemporaryFile": lambda path, data: _spooled(data),
}


@pytest.mark.parametrize("kind", SHARED)
def test_threads_may_share_one_open_file(server: ScriptedServer, tmp_path: Path, kind: str) -> None:
    data = b"\x89PNG\r\n\x1a\n" + os.urandom(700_000)
    path = tmp_path / "large.png"
    path.write_bytes(data)
    with SHARED[kind](path, data) as file, coactive.ApiClient(server.configuration(retries=False)) as client:
        file.seek(8)
        api = SimilaritySearchApi(client)

        def search() -> None:
            for _ in range(3):
                api.get_similar_images("e", file)
                api.get_similar_images.submit("e", file).get(30)

        threads = [threading.Thread(target=search) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert file.tell() == 8
    assert len(server.seen) == 48
    assert {part_of(seen, "file").data for seen in server.seen} == {data[8:]}


@pytest.mark.parametrize(("mode", "value"), [("I", 70_000), ("F", 0.5)])
def test_a_pil_image_that_png_cannot_hold_is_refused(
    api: SimilaritySearchApi, server: ScriptedServer, mode: str, value: float
) -> None:
    with pytest.raises(ApiValueError, match=f"^file: PNG cannot hold a PIL image of mode {mode}; convert it first"):
        api.get_similar_images("e", Image.new(mode, (3, 3), value))
    assert server.connections == 0


def test_a_pil_images_orientation_is_kept(api: SimilaritySearchApi, server: ScriptedServer, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (20, 10)).save(tmp_path / "turned.jpg", exif=exif)
    with Image.open(tmp_path / "turned.jpg") as image:
        api.get_similar_images("e", image)
    with Image.open(io.BytesIO(part_of(server.seen[0], "file").data)) as read_back:
        assert read_back.getexif()[274] == 6


@pytest.mark.parametrize(
    ("file", "hint"), [("~/a.jpg", r"os\.path\.expanduser"), ("a.jpg", " in '/"), ("/nowhere/a.jpg", "$")]
)
def test_a_missing_file_is_named_with_what_may_be_wrong(api: SimilaritySearchApi, file: str, hint: str) -> None:
    with pytest.raises(ApiValueError, match=f"^file: cannot read '{file}': No such file or directory.*{hint}"):
        api.get_similar_images("e", file)


def test_an_array_is_refused_with_a_way_to_make_an_image_of_it(api: SimilaritySearchApi) -> None:
    with pytest.raises(ApiTypeError, match=r"got ndarray; PIL\.Image\.fromarray\(array\)"):
        api.get_similar_images("e", numpy.zeros((2, 2)))  # type: ignore[arg-type]


NAMES = [
    ('a"b.jpg', "a%22b.jpg"),
    ("a\r\nX-Evil: 1.jpg", "a%0D%0AX-Evil: 1.jpg"),
    ("back\\slash\\", "back%5Cslash%5C"),
    ("na\x00me\x7f.jpg", "na%00me%7F.jpg"),
    ("Größe 日本 🦊.jpg", "Größe 日本 🦊.jpg"),
    ("semi;colon=.jpg", "semi;colon=.jpg"),
    ("\udc80.jpg", "?.jpg"),
]


@pytest.mark.parametrize(("given", "read_back"), NAMES)
def test_a_filename_survives_a_strict_parser_and_adds_no_header(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes, given: str, read_back: str
) -> None:
    api.get_similar_images("e", (given, png))
    sent = part_of(server.seen[0], "file")
    assert sent.filename == read_back
    assert sorted(sent.headers) == ["content-disposition", "content-type"]


def test_a_files_own_name_is_used(api: SimilaritySearchApi, server: ScriptedServer, path: Path, png: bytes) -> None:
    with path.open("rb") as named, os.fdopen(os.open(path, os.O_RDONLY), "rb") as numbered:
        for file in (path, named, numbered, io.BytesIO(png), ("other.jpg", path)):
            api.get_similar_images("e", file)
    odd = io.BytesIO(png)
    odd.name = "<memory>"
    api.get_similar_images("e", odd)
    assert [part_of(seen, "file").filename for seen in server.seen] == [
        "photo.png", "photo.png", "image.png", "image.png", "other.jpg", "image.png",
    ]  # fmt: skip


FIRST_BYTES = {
    b"\xff\xd8\xff\xe0": ("image/jpeg", "image.jpg"),
    b"\x89PNG\r\n\x1a\n": ("image/png", "image.png"),
    b"GIF87a": ("image/gif", "image.gif"),
    b"GIF89a": ("image/gif", "image.gif"),
    b"RIFF\x00\x00\x00\x00WEBPVP8 ": ("image/webp", "image.webp"),
    b"II*\x00": ("image/tiff", "image.tiff"),
    b"MM\x00*": ("image/tiff", "image.tiff"),
    b"BM....": ("image/bmp", "image.bmp"),
    b"\x00\x00\x00\x1cftypavif": ("image/avif", "image.avif"),
    b"\x00\x00\x00\x1cftypheic": ("image/heic", "image.heic"),
    b"\x00\x00\x00\x1cftypmp42": ("application/octet-stream", "image"),
    b"plain": ("application/octet-stream", "image"),
}


@pytest.mark.parametrize("first_bytes", FIRST_BYTES)
def test_the_media_type_is_told_from_the_first_bytes(first_bytes: bytes) -> None:
    made = upload(first_bytes)
    assert (made.media_type, made.filename) == FIRST_BYTES[first_bytes]


def test_the_name_tells_the_media_type_where_the_bytes_do_not_and_an_explicit_one_wins(png: bytes) -> None:
    assert upload(("drawing.svg", b"<svg/>")).media_type == "image/svg+xml"
    assert upload(("wrong.jpg", png)).media_type == "image/png"
    assert upload(("a.png", png, "image/x-own")).media_type == "image/x-own"
    assert upload((None, png, None)).filename == "image.png"
