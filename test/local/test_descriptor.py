from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageDraw
from sklearn.datasets import load_digits  # type: ignore[import-untyped]

import coactive
from coactive.apis import SimilaritySearchApi
from coactive.local import running
from coactive.local.descriptor import DIMENSIONS, encode
from coactive.local.indexing import index_folder


def drawing(mode: str = "RGB", ground: str | int = "white") -> Image.Image:
    """A picture that is different turned any way."""
    image = Image.new("RGB", (120, 120), ground)
    draw = ImageDraw.Draw(image)
    draw.polygon([(10, 10), (100, 30), (30, 80)], fill="navy")
    draw.ellipse([70, 60, 110, 110], fill="orange")
    return image.convert(mode)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"]
)
@pytest.mark.parametrize("size", [(1, 1), (3, 500), (640, 480)])
def test_an_image_of_any_mode_and_size_has_an_embedding_of_length_one(mode: str, size: tuple[int, int]) -> None:
    embedding = encode(Image.new(mode, size, 1))
    assert embedding.shape == (DIMENSIONS,)
    assert embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_that_exif_turns_upright_is_the_same_image(orientation: int) -> None:
    upright = drawing()
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    taken = upright.transpose(turns[orientation]) if orientation in turns else upright
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    file = io.BytesIO()
    taken.save(file, "PNG", exif=exif)
    assert encode(Image.open(file)) @ encode(upright) == pytest.approx(1, abs=1e-3)
    if orientation > 1:
        assert encode(taken) @ encode(upright) < 0.95


def test_exif_that_no_reader_understands_leaves_the_image_as_it_lies() -> None:
    file = io.BytesIO()
    drawing().save(file, "PNG", exif=b"Exif\x00\x00MM\x00*garbage without an end")
    assert encode(Image.open(file)) @ encode(drawing()) == pytest.approx(1, abs=1e-5)


def test_what_is_transparent_counts_as_white() -> None:
    cut_out = drawing("RGBA", "lime")
    seen = np.asarray(cut_out)
    hidden = np.where((seen[..., :3] == (0, 255, 0)).all(axis=2)[..., None], seen * (1, 1, 1, 0), seen)
    assert encode(Image.fromarray(hidden.astype(np.uint8))) @ encode(drawing(ground="white")) > 0.99
    assert encode(Image.fromarray(hidden.astype(np.uint8))) @ encode(drawing(ground="lime")) < 0.95


def test_of_an_animation_the_first_frame_counts() -> None:
    file = io.BytesIO()
    first = drawing("P")
    first.save(file, "GIF", save_all=True, append_images=[Image.new("P", (120, 120))] * 3)
    assert encode(Image.open(file)) @ encode(drawing()) > 0.99


def test_grey_levels_of_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    eight = drawing("L")
    sixteen = Image.fromarray(np.asarray(eight).astype(np.uint16) * 257)
    assert encode(sixteen) @ encode(eight) == pytest.approx(1, abs=1e-4)


def test_colours_and_shapes_tell_images_apart() -> None:
    red, blue = (Image.new("RGB", (50, 50), colour) for colour in ("red", "blue"))
    assert encode(red) @ encode(blue) < 0.1
    assert encode(drawing()) @ encode(drawing().transpose(Image.Transpose.ROTATE_90)) < 0.8


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-learn's handwritten digits as PNG files, named by number and label."""
    folder = tmp_path_factory.mktemp("digits")
    for number, (pixels, label) in enumerate(zip(*load_digits(return_X_y=True), strict=True)):
        image = Image.fromarray((pixels.reshape(8, 8) * (255 / 16)).round().astype(np.uint8))
        image.resize((64, 64)).save(folder / f"{number:04}-{label}.png")
    return folder


def test_of_the_ten_digits_most_like_a_handwritten_digit_97_in_100_are_the_same_digit(digits: Path) -> None:
    catalog = index_folder(digits)
    labels = np.array([image.path[5] for image in catalog.images])
    assert len(labels) == 1797
    scores = np.stack([catalog.visual_scores(embedding) for embedding in catalog.embeddings])
    np.fill_diagonal(scores, -2)
    nearest = np.argsort(-scores, axis=1)[:, :10]
    precision = float((labels[nearest] == labels[:, None]).mean())
    assert precision >= 0.97


def test_digits_are_found_over_http_as_in_the_catalogue(digits: Path) -> None:
    right = 0
    with running(digits) as service, coactive.ApiClient(service.configuration) as api_client:
        api = SimilaritySearchApi(api_client)
        queries = [image.file for image in service.catalog.images[::180]]
        for query in queries:
            found = api.get_similar_images(service.embedding_id, query, limit=11)["data"]
            assert found[0]["path"] == query.name
            right += sum(image["path"][5] == query.name[5] for image in found[1:])
    assert right / (10 * len(queries)) >= 0.9
