from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, features

from coactive.local.descriptor import encode
from coactive.local.image_file import MAX_PIXELS, UnreadableImageError, read_picture


def written(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A small PNG file that claims to be a huge image."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp"), ("MPO", "image/jpeg")],
)
def test_an_image_is_known_by_its_content(kind: str, media_type: str, tmp_path: Path) -> None:
    assert features.check("webp")
    file = tmp_path / "without-an-ending"
    file.write_bytes(written(Image.new("RGB", (40, 30), "red"), kind))
    picture = read_picture(file)
    assert picture.media_type == media_type
    assert picture.image.convert("RGB").getpixel((20, 15))[0] > 240  # type: ignore[index]


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size() -> None:
    large = io.BytesIO(written(Image.new("RGB", (4000, 3000), "red"), "JPEG"))
    assert read_picture(large).image.size == (500, 375)


@pytest.mark.parametrize("size", [(10_000, 10_000), (100_000, 100_000), (2**31 - 1, 2**31 - 1)])
def test_a_decompression_bomb_is_refused(size: tuple[int, int]) -> None:
    assert size[0] * size[1] > MAX_PIXELS
    with pytest.raises(UnreadableImageError):
        read_picture(io.BytesIO(bomb(*size)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_an_image_that_ends_too_early_is_refused(kind: str) -> None:
    whole = written(Image.effect_noise((64, 64), 80).convert("RGB"), kind)
    with pytest.raises(UnreadableImageError):
        read_picture(io.BytesIO(whole[: len(whole) // 2]))


@pytest.mark.parametrize(
    "content", [b"", b"a,b,c\n1,2,3\n", b"%PDF-1.7", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        read_picture(io.BytesIO(content))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (written(Image.new("RGB", (8, 8)), "TIFF"), "what came is TIFF"),
        (written(Image.new("RGB", (8, 8)), "BMP"), "what came is BMP"),
        (b"plain text", "it cannot be read as an image"),
        (b"", "it cannot be read as an image"),
        (written(Image.new("RGB", (64, 64)), "PNG")[:60], "it is cut short or broken"),
        (bomb(8000, 8000), "8000 x 8000 pixels are more than the 50 million that are allowed"),
        (bomb(30_000, 30_000), "its pixels are more than the 50 million that are allowed"),
    ],
    ids=["tiff", "bmp", "text", "empty", "cut", "large", "bomb"],
)
def test_what_is_wrong_with_a_file_is_said_in_plain_words(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    for source in (io.BytesIO(content), tmp_path / "a.png"):
        with pytest.raises(UnreadableImageError) as problem:
            read_picture(source)
        assert str(problem.value) == says


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP"]),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12),
)
def test_a_damaged_image_is_either_read_or_refused(kind: str, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(written(Image.radial_gradient("L").resize((48, 48)).convert("RGB"), kind))
    for place, value in changes:
        damaged[place % len(damaged)] = value
    try:
        picture = read_picture(io.BytesIO(damaged))
    except UnreadableImageError:
        return
    assert encode(picture.image).any()
