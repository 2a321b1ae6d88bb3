from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

import coactive
from coactive.apis import SimilaritySearchApi
from coactive.local import running
from coactive.local.encoder import BUILT_IN, OWN_SIDE, EncoderError, encoder_named
from coactive.local.indexing import index_folder

MODELS = '''
import numpy as np
from PIL import Image

WORDS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}

def colour(image):
    """The mean colour; for images alone."""
    return np.asarray(image.resize((1, 1)))[0, 0]

def spoken(what):
    if isinstance(what, str):
        return [sum(WORDS[word][channel] for word in what.split() if word in WORDS) for channel in range(3)]
    return colour(what).astype(float)

class Model:
    def encode(self, image):
        return [[float(side) for side in image.size]]

model = Model()
seen = []
no_function = 3

def forgetful(image):
    np.asarray(image)

def look(image):
    seen.append((image.mode, image.size, image.getpixel((0, 0))))
    return [1.0]

def two_rows(image): return [[1, 2], [3, 4]]
def words(image): return "abc"
def empty(image): return []
def infinite(image): return [1.0, float("inf")]
def failing(image): raise RuntimeError("no GPU")
def other_space(what): return [1.0] if isinstance(what, str) else [1.0, 2.0]
def black(image): return [0.0, 0.0]
def bright(image): return [3e30, 4e30]
def dim(image): return [3e-30, 4e-30]
def silent(what): return None if isinstance(what, str) else [1.0]
def width(image): return [1.0] * image.width

def falters(what):
    if what == "boom" or not isinstance(what, str) and what.size == (7, 7):
        raise RuntimeError("out of memory")
    return [1.0, 2.0]

def fails_on_blue(image):
    if image.getpixel((0, 0)) == (0, 0, 255):
        raise RuntimeError("no blue")
    return [1.0, 2.0]
'''


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of a user's own encoders."""
    (tmp_path / "own_models.py").write_text(dedent(MODELS))
    (tmp_path / "unreadable.py").write_text("def x(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("own_models")
    del sys.modules["own_models"]


def test_the_built_in_encoder_has_a_name_and_is_the_default() -> None:
    assert encoder_named(None) is encoder_named(BUILT_IN.name) is BUILT_IN
    assert BUILT_IN.encode_phrase is None


@pytest.mark.usefixtures("models")
def test_a_callable_is_imported_by_its_name_and_its_vectors_are_of_length_one() -> None:
    encoder = encoder_named("own_models:colour")
    assert encoder.name == "own_models:colour"
    assert encoder.encode(Image.new("L", (30, 30), 200)) == pytest.approx([3**-0.5] * 3)
    assert encoder.encode_phrase is None
    assert encoder_named("own_models:model.encode").encode(Image.new("RGB", (3, 4))) == pytest.approx([0.6, 0.8])


@pytest.mark.usefixtures("models")
def test_a_vector_of_zeros_is_like_nothing() -> None:
    assert encoder_named("own_models:black").encode(Image.new("RGB", (3, 4))).tolist() == [0, 0]


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("name", ["bright", "dim"])
def test_numbers_of_any_size_make_a_vector_of_length_one(name: str) -> None:
    assert encoder_named(f"own_models:{name}").encode(Image.new("RGB", (3, 4))) == pytest.approx([0.6, 0.8])


@pytest.mark.usefixtures("models")
def test_a_callable_that_returns_nothing_for_a_phrase_is_for_images() -> None:
    assert encoder_named("own_models:silent").encode_phrase is None


@pytest.mark.usefixtures("models")
def test_an_encoder_that_changes_the_length_of_its_vectors_is_stopped_before_the_index_has_both(folder: Path) -> None:
    says = "png: encoder: own_models:width returned 20 numbers for an image and 512 for an image: not the same space"
    for _ in range(2):
        with pytest.raises(EncoderError, match=says):
            index_folder(folder, encoder=encoder_named("own_models:width"))


@pytest.mark.usefixtures("models")
def test_a_search_on_which_an_encoder_fails_is_an_error_that_says_so(folder: Path) -> None:
    with running(folder, encoder="own_models:falters") as service:
        service.configuration.retries = False
        with coactive.ApiClient(service.configuration) as client:
            api = SimilaritySearchApi(client)
            for search in (
                lambda: api.get_similar_images(service.embedding_id, Image.new("RGB", (7, 7))),
                lambda: api.search_images_by_text_grouped(service.embedding_id, "boom"),
            ):
                with pytest.raises(coactive.ApiException) as failed:
                    search()
                assert failed.value.status == 500
                assert failed.value.explanation == "encoder: own_models:falters raised RuntimeError: out of memory"
            assert len(api.get_similar_images(service.embedding_id, folder / "red.png")["data"]) == 3


@pytest.mark.usefixtures("models")
def test_what_a_module_lacks_while_it_is_imported_is_not_taken_for_the_encoder(tmp_path: Path) -> None:
    (tmp_path / "outdated.py").write_text("import os\nos.no_such_thing\ndef encode(image): return [1.0]")
    says = "encoder: importing 'outdated' raised AttributeError: module 'os' has no attribute 'no_such_thing'"
    with pytest.raises(ValueError, match=says):
        encoder_named("outdated:encode")


def test_an_own_encoder_gets_rgb_upright_on_white_and_large_enough(models: Any, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGBA", (7, 5), (255, 0, 0, 0)).save(folder / "a.png")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (4000, 3000), "blue").save(folder / "b.jpg", exif=exif)
    encoder = encoder_named("own_models:look")
    models.seen.clear()
    index_folder(folder, encoder=encoder)
    small, (mode, (width, height), _) = sorted(models.seen, key=lambda seen: seen[1])
    assert small == ("RGB", (7, 5), (255, 255, 255))
    assert mode == "RGB"
    assert OWN_SIDE <= width < height <= 2 * OWN_SIDE


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("colour", "encoder: 'colour' is neither 'shape-layout-colour-1', the built-in one, nor module:callable"),
        (":x", "encoder: ':x' is neither"),
        (".own_models:x", "encoder: '.own_models:x' is neither"),
        ("own_models:", "encoder: 'own_models:' is neither"),
        ("none_such:x", "encoder: no module named 'none_such' can be imported from here"),
        ("none_such.deep:x", "encoder: no module named 'none_such' can be imported from here"),
        ("own_models.py:colour", r"encoder: .* can be imported from here; write it without \.py: own_models:\.\.\.$"),
        ("unreadable:x", r"encoder: importing 'unreadable' raised SyntaxError: .*\(unreadable.py, line 1\)"),
        ("own_models:forgetful", "encoder: own_models:forgetful returned None, not a vector; is its `return` missing"),
        ("own_models:none", "encoder: the module 'own_models' has no 'none'"),
        ("own_models:no_function", "encoder: own_models:no_function is not callable, it is of type int"),
        ("own_models:two_rows", r"encoder: own_models:two_rows returned an array of shape \(2, 2\), not one vector"),
        ("own_models:words", "encoder: own_models:words returned str, which is no vector of numbers"),
        ("own_models:empty", r"encoder: own_models:empty returned an array of shape \(0,\)"),
        ("own_models:infinite", "encoder: own_models:infinite returned numbers that are not finite"),
        ("own_models:failing", "encoder: own_models:failing raised RuntimeError: no GPU"),
        (
            "own_models:other_space",
            "encoder: own_models:other_space returned 1 numbers for a phrase and 2 for an image",
        ),
    ],
)
def test_an_encoder_that_is_none_is_refused_before_an_image_is_read(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says), running(tmp_path / "no such folder", encoder=name):
        pass


def test_a_name_that_is_no_text_is_a_type_error() -> None:
    with pytest.raises(
        TypeError, match="encoder: expected a str or None, got function; it is named as 'module:callable'"
    ):
        encoder_named(lambda image: [1])  # type: ignore[arg-type]


@pytest.mark.usefixtures("models")
def test_a_library_that_an_encoder_misses_is_named_as_python_names_it(tmp_path: Path) -> None:
    (tmp_path / "needs_more.py").write_text("import no_such_library")
    with pytest.raises(
        ModuleNotFoundError, match="encoder: the module 'needs_more' imports one that is not installed: no_such_library"
    ):
        encoder_named("needs_more:encode")


@pytest.mark.usefixtures("models")
def test_an_image_on_which_an_encoder_fails_is_named(folder: Path) -> None:
    says = "deep/blue.png: encoder: own_models:fails_on_blue raised RuntimeError: no blue"
    with pytest.raises(ValueError, match=says):
        index_folder(folder, encoder=encoder_named("own_models:fails_on_blue"))


@pytest.mark.usefixtures("models")
def test_another_encoder_is_another_embedding_and_searches_by_its_own_vectors(folder: Path) -> None:
    with running(folder) as service:
        built_in = service.embedding_id
    with running(folder, encoder="own_models:colour") as service, coactive.ApiClient(service.configuration) as client:
        assert service.embedding_id != built_in
        api = SimilaritySearchApi(client)
        found = api.get_similar_images(service.embedding_id, Image.new("RGB", (9, 9), (0, 99, 0)))
        assert found["data"][0]["path"] == "deep/er/green.png"
        assert found["data"][0]["score"] == 1
        with pytest.raises(coactive.NotFoundException):
            api.get_similar_images(built_in, folder / "red.png")


@pytest.mark.usefixtures("models")
def test_an_encoder_that_knows_phrases_finds_images_by_their_looks(folder: Path) -> None:
    (folder / "red.png").rename(folder / "1.png")
    found = {}
    for name in ("own_models:colour", "own_models:spoken"):
        with running(folder, encoder=name) as service, coactive.ApiClient(service.configuration) as client:
            answer = SimilaritySearchApi(client).search_images_by_text_grouped(service.embedding_id, "red")
            found[name] = [image.path for group in answer.data for image in group.images]
    assert found == {"own_models:colour": [], "own_models:spoken": ["1.png"]}
    assert np.isclose(answer.data[0].images[0].score or 0, 0.5)
