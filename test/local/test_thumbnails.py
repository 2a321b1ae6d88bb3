from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import urllib3
from PIL import Image

from coactive.local import running
from coactive.local.app import build_app
from coactive.local.catalog import IndexedImage
from coactive.local.http.faults import Faults
from coactive.local.http.server import answering, listen
from coactive.local.http.thumbnails import Thumbnails
from coactive.local.image_file import UnreadableImageError
from coactive.local.indexing import index_folder

from .conftest import TEXT, Caller, png

Indexed = Callable[[str, Image.Image], IndexedImage]


@pytest.fixture
def indexed(tmp_path: Path) -> Indexed:
    """Saves a picture, and gives it as an image of a catalogue."""

    def save(name: str, image: Image.Image) -> IndexedImage:
        image.save(tmp_path / name)
        return IndexedImage(tmp_path, name, "image/any", datetime.now(UTC))

    return save


def decoded(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("size", "small"), [((1600, 800), (320, 160)), ((400, 2000), (64, 320)), ((320, 320), (320, 320)), ((9, 5), (9, 5))]
)
@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "webp"])
def test_the_longer_side_has_at_most_320_pixels(
    indexed: Indexed, ending: str, size: tuple[int, int], small: tuple[int, int]
) -> None:
    thumbnail = Thumbnails().of(indexed(f"a.{ending}", Image.new("RGB", size, "teal")))
    picture = decoded(thumbnail.data)
    assert (thumbnail.media_type, picture.format, picture.size) == ("image/jpeg", "JPEG", small)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_stays_so(indexed: Indexed, mode: str) -> None:
    half = Image.new("RGBA", (600, 600), (255, 0, 0, 0))
    half.paste((0, 0, 0, 255), (0, 0, 300, 600))
    thumbnail = Thumbnails().of(indexed("a.png", half.convert(mode)))
    picture = decoded(thumbnail.data).convert("RGBA")
    assert (thumbnail.media_type, picture.size) == ("image/png", (320, 320))
    assert [picture.getpixel(at)[3] for at in ((40, 160), (280, 160))] == [255, 0]  # type: ignore[index]


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_a_picture_that_a_camera_took_on_its_side_is_upright_and_tells_no_place(tmp_path: Path, ending: str) -> None:
    lying = Image.new("RGB", (800, 600), "blue")
    lying.paste((255, 0, 0), (0, 0, 400, 600))
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of what was seen is on the right
    exif[0x010E] = "at home"
    file = tmp_path / f"a.{ending}"
    lying.save(file, exif=exif)
    data = Thumbnails().of(IndexedImage(file.parent, file.name, "image/any", datetime.now(UTC))).data
    upright = decoded(data)
    assert upright.size == (240, 320)
    red, _, blue = upright.getpixel((120, 40))  # type: ignore[misc]
    assert red > 200 > 50 > blue
    assert not upright.getexif()
    assert b"at home" not in data


def test_sixteen_bits_of_grey_keep_their_shades(indexed: Indexed) -> None:
    levels = np.full((100, 100), 65535, dtype=np.uint16)
    levels[:, :50] = 32768
    grey = Image.fromarray(levels)
    assert grey.mode == "I;16"
    picture = decoded(Thumbnails().of(indexed("a.png", grey)).data).convert("L")
    assert picture.getpixel((20, 50)) == pytest.approx(128, abs=4)
    assert picture.getpixel((80, 50)) == pytest.approx(255, abs=4)


def test_a_thumbnail_is_made_once_until_its_file_changes(indexed: Indexed) -> None:
    thumbnails = Thumbnails()
    image = indexed("a.png", Image.new("RGB", (40, 40), "red"))
    first = thumbnails.of(image)
    assert thumbnails.of(image) is first
    indexed("a.png", Image.new("RGB", (40, 44), "blue"))
    os.utime(image.file, ns=(1, 1))
    changed = thumbnails.of(image)
    assert changed.version != first.version
    assert decoded(changed.data).size == (40, 44)
    assert thumbnails.kept == len(changed.data)


def test_those_that_were_asked_for_last_are_kept_up_to_the_bound(indexed: Indexed) -> None:
    images = [indexed(f"{n}.png", Image.new("RGB", (40, 40), "red")) for n in range(4)]
    one = len(Thumbnails().of(images[0]).data)
    thumbnails = Thumbnails(capacity=3 * one)
    first = [thumbnails.of(image) for image in images[:3]]
    assert thumbnails.of(images[0]) is first[0]
    thumbnails.of(images[3])
    assert thumbnails.kept == 3 * one
    assert thumbnails.of(images[0]) is first[0]
    assert thumbnails.of(images[2]) is first[2]
    assert thumbnails.of(images[1]) is not first[1]
    assert thumbnails.kept == 3 * one


def test_what_is_larger_than_the_bound_is_made_and_not_kept(indexed: Indexed) -> None:
    thumbnails = Thumbnails(capacity=10)
    assert thumbnails.of(indexed("a.png", Image.new("RGB", (40, 40)))).data
    assert thumbnails.kept == 0


def test_many_threads_may_ask_at_once(indexed: Indexed) -> None:
    images = [indexed(f"{n}.png", Image.new("RGB", (40 + n, 40), "red")) for n in range(8)]
    thumbnails = Thumbnails(capacity=2_000)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(thumbnails.of, images * 10))
    assert [decoded(thumbnail.data).width for thumbnail in found] == [40 + n for n in range(8)] * 10
    assert thumbnails.kept <= 2_000


def test_a_file_that_is_gone_or_broken_has_none(indexed: Indexed) -> None:
    thumbnails = Thumbnails()
    image = indexed("a.png", Image.new("RGB", (40, 40)))
    thumbnails.of(image)
    image.file.write_bytes(b"no picture")
    with pytest.raises(UnreadableImageError):
        thumbnails.of(image)
    image.file.unlink()
    with pytest.raises(FileNotFoundError):
        thumbnails.of(image)


# Over HTTP.


def test_the_service_sends_thumbnails_without_a_token(caller: Caller, photo: Path) -> None:
    image = next(image for image in caller.service.catalog.images if image.file == photo)
    url = f"{caller.service.host}/thumbnails/{image.id}"
    answer = caller.pool.request("GET", url)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert decoded(answer.data).size == (160, 160)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"
    head = caller.pool.request("HEAD", url)
    assert (head.status, head.headers["Content-Length"], head.data) == (200, str(len(answer.data)), b"")


def test_a_browser_that_has_a_thumbnail_is_told_so_until_the_file_changes(folder: Path) -> None:
    with running(folder) as service, urllib3.PoolManager() as pool:
        image = service.catalog.images[0]
        url = f"{service.host}/thumbnails/{image.id}"
        tag = pool.request("GET", url).headers["ETag"]
        for known in (tag, f'"other", W/{tag}'):
            answer = pool.request("GET", url, headers={"If-None-Match": known})
            assert (answer.status, answer.data, answer.headers["ETag"]) == (304, b"", tag)
        image.file.write_bytes(png(Image.new("RGB", (30, 20), "black")))
        os.utime(image.file, ns=(1, 1))
        answer = pool.request("GET", url, headers={"If-None-Match": tag})
        assert (answer.status, decoded(answer.data).size) == (200, (30, 20))
        assert answer.headers["ETag"] != tag


def test_an_image_that_is_unknown_gone_or_broken_has_no_thumbnail(folder: Path) -> None:
    with running(folder) as service, urllib3.PoolManager() as pool:
        gone, broken, _ = service.catalog.images
        gone.file.unlink()
        broken.file.write_bytes(b"no picture")
        for name in (gone.id, broken.id, "none", "..%2Frows.jsonl"):
            answer = pool.request("GET", f"{service.host}/thumbnails/{name}")
            assert (answer.status, list(answer.json())) == (404, ["detail"])


def test_searches_are_answered_while_many_thumbnails_are_waited_for(folder: Path) -> None:
    made, catalog = threading.Event(), index_folder(folder)
    with ExitStack() as stack:
        decoders, thumbnailers = (stack.enter_context(ThreadPoolExecutor(1)) for _ in range(2))
        thumbnailers.submit(made.wait)
        app = build_app(catalog, decoders, thumbnailers, embedding_id="e", token="a:b", faults=Faults())
        listener = stack.enter_context(listen("127.0.0.1", 0))
        stack.enter_context(answering(app, listener))
        host = f"http://127.0.0.1:{listener.getsockname()[1]}"
        clients = stack.enter_context(ThreadPoolExecutor(50))
        pool = stack.enter_context(urllib3.PoolManager(maxsize=60))
        # Whatever comes, nothing waits for the thumbnails at the end.
        stack.callback(made.set)
        asked = [clients.submit(pool.request, "GET", f"{host}/thumbnails/{catalog.images[0].id}") for _ in range(50)]
        while clients._work_queue.qsize():
            time.sleep(0.01)
        time.sleep(0.3)
        headers = {"Authorization": "Bearer a:b"}
        found = pool.request("GET", host + TEXT.format("e"), fields={"query": "red"}, headers=headers, timeout=20)
        assert (found.status, sum(one.done() for one in asked)) == (200, 0)
        made.set()
        assert {one.result().status for one in asked} == {200}
