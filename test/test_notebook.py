"""Results as a notebook shows them: what the HTML says, and what a terminal gets instead."""

from __future__ import annotations

import base64
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from html_page import Page, in_a_terminal
from hypothesis import example, given, settings, strategies
from PIL import Image

import coactive
from coactive import ApiTypeError, ApiValueError
from coactive.apis import SimilaritySearchApi
from coactive.local import Service
from coactive.models import SimilarImage, SimilarImageGroup, SimilaritySearchResponse
from coactive.notebook import gallery

DRAWN = {"a", "details", "div", "figcaption", "figure", "img", "span", "style", "summary"}
"""The elements that a result is made of."""

HOSTILE = '<img src=x onerror="alert(1)">&\'"'


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x010E] = "where it was taken"
    Image.effect_noise((900, 600), 80).convert("RGB").save(path, exif=exif)
    return path


def _page(answer: Any, **asked: Any) -> Page:
    return Page(gallery(answer, **asked)._repr_html_())


def _images(number: int) -> list[dict[str, Any]]:
    return [{"path": f"p/{rank}.jpg", "url": f"https://example.com/{rank}"} for rank in range(1, number + 1)]


GROUPED: dict[str, Any] = {
    "data": [
        {"group": "MUG-1", "images": [{"path": "mugs/a.jpg", "score": 0.98765, "metadata": {"price": 3}}]},
        {"images": [{"coactive_image_id": "id-2", "score": "high"}, {}]},
    ]
}

# What is drawn


def test_each_group_has_its_images_with_rank_score_name_and_metadata() -> None:
    text = _page(GROUPED).text.split("\n")
    assert text == [
        *("3 images in 2 groups", "MUG-1", "1 image", "mugs/a.jpg", "1 ", "0.988", "metadata"),
        *("path ", "mugs/a.jpg", "price ", "3"),
        *("(no value)", "2 images", "id-2", "1 ", "high", "metadata", "id ", "id-2"),
        *("an image without a name", "2 ", ""),
    ]


def test_a_picture_leads_to_the_image_and_names_it() -> None:
    page = _page([{"path": "a/b.jpg", "url": "https://example.com/b?x=1&y=2", "metadata": {"caption": "a mug"}}])
    assert page.all("img", "src") == page.all("a", "href") == ["https://example.com/b?x=1&y=2"]
    assert (page.all("img", "alt"), page.all("img", "loading")) == (["a/b.jpg"], ["lazy"])
    assert (page.all("a", "rel"), page.all("img", "referrerpolicy")) == (["noopener noreferrer"], ["no-referrer"])
    assert page.text.split("\n")[:5] == ["1 image", "1 ", "b.jpg", "a mug", "metadata"]
    assert page.all("details", "open") == [None]


def test_a_caption_that_is_no_text_is_shown_as_json() -> None:
    assert '{"de": "Tasse"}' in _page([{"metadata": {"caption": {"de": "Tasse"}}}]).text


@pytest.mark.parametrize("url", [None, "javascript:alert(1)", "file:///etc/passwd", "/images/1", "data:text/html,x", 7])
def test_an_address_that_is_not_of_the_web_is_neither_a_picture_nor_a_link(url: Any) -> None:
    page = _page([{"path": "b.jpg", "url": url, "metadata": {"sku": "MUG-1"}}])
    assert (page.all("img", "src"), page.all("a", "href")) == ([], [])
    assert ("details", {"class": "coactive-details", "open": ""}) in page.elements
    assert "MUG-1" in page.text


def test_a_picture_that_the_answer_holds_itself_is_shown_and_no_link() -> None:
    page = _page([{"url": "data:image/png;base64,AAAA"}])
    assert (page.all("img", "src"), page.all("a", "href")) == (["data:image/png;base64,AAAA"], [])


@pytest.mark.parametrize("number", [0, 1, 50])
def test_up_to_50_images_are_all_shown(number: int) -> None:
    page = _page(_images(number))
    assert len(page.all("img", "src")) == number
    assert page.text.split("\n")[0] == {0: "No images found", 1: "1 image"}.get(number, "50 images")
    assert "shown" not in page.text


def test_of_more_images_the_first_50_are_shown_and_a_line_says_so() -> None:
    page = _page(_images(1000))
    assert page.all("img", "src") == [f"https://example.com/{rank}" for rank in range(1, 51)]
    assert page.text.startswith("1,000 images\n50 of 1,000 images shown; to_records() has them all\n")


def test_of_many_groups_the_best_image_of_each_comes_before_the_second_of_any() -> None:
    groups = [{"group": str(number), "images": _images(3)} for number in range(40)]
    page = _page(groups)
    assert page.all("img", "alt").count("p/1.jpg") == 40
    assert page.all("img", "alt").count("p/2.jpg") == 10
    assert "2 of 3 images" in page.text


def test_everything_from_the_service_is_escaped() -> None:
    image = dict.fromkeys(("path", "coactive_image_id", "score"), HOSTILE) | {"metadata": {HOSTILE: HOSTILE}}
    url = f"https://example.com/{HOSTILE}"
    page = _page([{"group": HOSTILE, "images": [image, {**image, "url": url}]}], query=HOSTILE)
    assert page.all("img", "src") == page.all("a", "href") == [url]
    assert page.all("img", "onerror") == [None]
    assert {name for name, _ in page.elements} == DRAWN
    assert page.text.count(HOSTILE) == 14


def test_what_utf_8_cannot_carry_and_control_characters_are_shown_as_escapes() -> None:
    html = gallery([{"path": "a\udcff\x00\x1b[31m\u202eb"}])._repr_html_()
    assert "a\\udcff\\x00\\x1b[31m\u202eb" in html
    html.encode()
    assert "two\r\nlines" in gallery([{"metadata": {"notes": "two\r\nlines"}}])._repr_html_()
    assert "   1          a\\udcff\\x00\\x1b[31m\\u202eb" in str(gallery([{"path": "a\udcff\x00\x1b[31m\u202eb"}]))


def test_a_long_text_is_cut_and_an_address_is_not() -> None:
    url = "https://example.com/" + "u" * 2000
    page = _page([{"path": "b.jpg", "url": url, "metadata": {"notes": "n" * 2000}}])
    assert "n" * 300 + "..." in page.text
    assert "n" * 301 not in page.text
    assert page.all("img", "src") == [url]


def test_an_output_needs_no_script_and_nothing_from_elsewhere() -> None:
    html = gallery(_images(3))._repr_html_()
    assert "<script" not in html
    assert re.findall(r"url\(|@import|<link", html) == []
    assert html.count("<style>") == 1


_JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner, max_size=2) | strategies.dictionaries(strategies.text(), inner, max_size=2),
    max_leaves=4,
)
_METADATA = strategies.dictionaries(strategies.text() | strategies.just("caption"), _JSON, max_size=3)
_IMAGE = strategies.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("coactive_image_id", "path", "url", "score"), _JSON)
    | {"metadata": strategies.none() | _METADATA},
)
_GROUP = strategies.fixed_dictionaries({"images": strategies.lists(_IMAGE, max_size=3)}, optional={"group": _JSON})


@settings(deadline=None)
@given(strategies.lists(_IMAGE, max_size=4) | strategies.lists(_GROUP, max_size=3))
@example([{"score": 10**400}])
@example([{"images": [{"coactive_image_id": {"a": 1}, "path": [1]}], "group": {"a": 1}}])
def test_whatever_json_the_service_sends_is_shown(found: list[dict[str, Any]]) -> None:
    shown = gallery(found)
    html = shown._repr_html_()
    assert {name for name, _ in Page(html).elements} <= DRAWN
    assert len(shown.to_records()) == len(shown.to_dataframe())
    compared = shown.compare(found)
    assert (compared.overlap, compared.moved) == (1.0, [])
    f"{html} {shown} {compared._repr_html_()} {compared}".encode()


# What was searched by


def test_the_image_that_was_searched_by_stands_beside_small_and_without_what_else_its_file_held(photo: Path) -> None:
    page = _page(_images(2), file=photo)
    assert page.text.startswith("Searched by\nphoto.jpg\n2 images\n")
    assert page.all("img", "alt")[0] == "photo.jpg"
    assert (page.picture().format, page.picture().size) == ("JPEG", (264, 176))
    assert "exif" not in page.picture().info


def test_the_image_that_was_searched_by_may_be_all_that_the_searches_take(photo: Path) -> None:
    with photo.open("rb") as file, Image.open(photo) as image:
        for given in (str(photo), photo.read_bytes(), file, ("photo.jpg", file), image):
            assert _page([], file=given).picture().size == (264, 176)
        assert file.tell() == 0


def test_the_phrase_that_was_searched_by_stands_beside() -> None:
    assert _page([], query="a <red> mug").text.startswith("Searched by\n“a <red> mug”\nNo images found\n")


def test_a_transparent_image_stays_so_and_one_that_lies_on_its_side_is_turned(tmp_path: Path) -> None:
    Image.new("RGBA", (30, 20), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    clear = _page([], file=tmp_path / "clear.png").picture()
    assert (clear.format, clear.mode) == ("PNG", "RGBA")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert _page([], file=tmp_path / "turned.jpg").picture().size == (20, 30)


def test_a_file_that_is_no_image_or_claims_too_many_pixels_is_shown_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not an image")
    Image.new("1", (7_200, 7_000)).save(tmp_path / "vast.png")
    for name in ("notes.jpg", "vast.png"):
        page = _page([], file=tmp_path / name)
        assert page.text.startswith(f"Searched by\n{name}\n")
        assert page.all("img", "src") == []


def test_without_pillow_a_small_file_is_shown_as_it_is_and_another_by_its_name(
    tmp_path: Path, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert _page([], file=png).all("img", "src") == [f"data:image/png;base64,{base64.b64encode(png).decode()}"]
    for other in (png + bytes(256 * 1024), b"II*\x00 a TIFF"):
        assert _page([], file=("photo", other)).all("img", "src") == []


def test_a_very_large_file_is_not_read_to_be_shown(tmp_path: Path) -> None:
    with (tmp_path / "vast.tif").open("wb") as file:
        file.truncate(65 * 2**20)
    assert _page([], file=tmp_path / "vast.tif").all("img", "src") == []


def test_an_answer_shows_what_its_call_was_given_and_keeps_that_when_pickled(photo: Path) -> None:
    found = SimilaritySearchResponse.from_dict(GROUPED)
    found._remember({"file": str(photo)})
    for answer in (found, pickle.loads(pickle.dumps(found))):
        assert Page(answer._repr_html_()).picture().size == (264, 176)
        assert in_a_terminal(answer).startswith("3 images in 2 groups like photo.jpg\n")
        assert (answer.to_dict(), "photo.jpg" in repr(answer)) == (GROUPED, False)
        assert answer == SimilaritySearchResponse.from_dict(GROUPED)
    found._remember({"query": "red"})
    assert "“red”" in found._repr_html_()
    assert "“blue”" in gallery(found, query="blue")._repr_html_()


def test_of_an_image_that_is_gone_the_name_is_left(photo: Path) -> None:
    found = SimilaritySearchResponse([])
    found._remember({"file": str(photo)})
    photo.unlink()
    assert Page(found._repr_html_()).text.startswith("Searched by\nphoto.jpg\n")


# What is taken


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "answer: expected a SimilaritySearchResponse or the JSON of a search, .*, got NoneType"),
        ({"detail": "x"}, "answer: .*, got a dict without a list 'data'"),
        ("x", "answer: .*, got str"),
        ([{}, 7], "answer: item 1: expected an object, got a number"),
        ([{"images": 5}], r"answer: item 0: expected a list, got a number at \['images'\]"),
        ([{"images": []}, {}][::-1], None),
    ],
)
def test_what_is_no_answer_is_refused_by_name(answer: Any, message: str | None) -> None:
    if message is None:
        assert len(gallery(answer).groups) == 1
        return
    with pytest.raises(ApiTypeError, match=f"^{message}$"):
        gallery(answer)


def test_models_are_taken_too() -> None:
    image = SimilarImage(path="a.jpg")
    assert gallery([image]).groups == gallery([SimilarImageGroup([image])]).groups == [SimilarImageGroup([image])]


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"query": 5}, ApiTypeError, "query: expected a str or None, got int"),
        ({"file": 5}, ApiTypeError, "file: expected a path, .*, got int"),
        ({"file": "https://example.com/a.jpg"}, ApiValueError, "file: .*; URLs are not downloaded: .*"),
    ],
)
def test_what_cannot_have_been_searched_by_is_refused_by_name(
    asked: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        gallery([], **asked)


def test_a_field_named_like_a_method_is_reached_by_brackets() -> None:
    found = SimilaritySearchResponse.from_dict({"data": [], "show": 1, "_repr_html_": 2, "_asked": 3})
    assert (found["show"], found["_repr_html_"], found["_asked"]) == (1, 2, 3)
    assert "No images found" in found._repr_html_()


# Text


def test_as_text_it_is_a_line_an_image(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "3 images in 2 groups for “red”",
        "MUG-1",
        "   1   0.988  mugs/a.jpg",
        "(no value)",
        "   1    high  id-2",
        "   2          an image without a name",
    ]
    assert str(gallery(GROUPED, query="red")).splitlines() == lines
    assert repr(gallery(GROUPED, query="red")) == "<Gallery: 3 images in 2 groups for “red”>"
    found = SimilaritySearchResponse.from_dict(GROUPED)
    found.show(query="red")
    assert capsys.readouterr().out.splitlines() == lines
    assert in_a_terminal(found) == str(gallery(GROUPED))
    assert in_a_terminal(gallery(GROUPED)) == str(gallery(GROUPED))


def test_as_text_too_the_first_50_are_shown() -> None:
    lines = str(gallery(_images(1000))).splitlines()
    assert lines[0] == "1,000 images"
    assert lines[50:] == ["  50          p/50.jpg", "50 of 1,000 images shown; to_records() has them all"]


# All of it through a real search


def test_an_answer_of_the_service_shows_itself(service: Service) -> None:
    photo = service.catalog.images[0].file
    with coactive.ApiClient(service.configuration) as client:
        api = SimilaritySearchApi(client)
        found = api.get_similar_images_grouped(service.embedding_id, "sku", photo, limit=7)
        plain = api.get_similar_images(service.embedding_id, photo, limit=7)
    urls = [image.url for group in found.data for image in group.images]
    assert Page(found._repr_html_()).all("a", "href") == urls
    assert {*_page(plain).all("a", "href")} == {*urls}
