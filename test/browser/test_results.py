"""Each kind of result in a browser, on narrow and wide screens, in light and dark themes.

The screenshots go to the folder that `COACTIVE_ARTIFACTS` names, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest
from PIL import Image

from browser.looks import ARTIFACTS, READABLE, contrasts_in, too_wide_in
from browser.sheet import CELLS, HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.heavy

VIEWS = [(theme, width) for theme in ("light", "dark", "bare light", "bare dark") for width in (375, 1400)]
"""Themes of Jupyter, each where the operating system prefers the other one; and a page that follows the system."""

PICTURED = ["grouped", "value", "plain", "phrase", "one", "thousand", "embedded", "compared"]
"""The results whose every picture can be reached."""

SHOWN = [name for name in CELLS if name != "traceback"]


class View(NamedTuple):
    """The notebook, open in a browser."""

    page: Page
    theme: str
    width: int
    asked: list[str]
    """The addresses that the page asked for."""

    def cell(self, name: str) -> Locator:
        return self.page.locator(f'[id="cell-id={name}"]')

    def result(self, name: str) -> Locator:
        return self.cell(name).locator(".coactive")


SCROLL = """async () => {
    for (const image of document.images) {
        image.scrollIntoView()
        await new Promise(requestAnimationFrame)
    }
}"""
"""Past all pictures, which load only when they come into view."""


@pytest.fixture(scope="module", params=VIEWS, ids=lambda view: f"{view[0]} {view[1]}")
def view(request: pytest.FixtureRequest, browser: Browser, sheets: Path) -> Iterator[View]:
    theme, width = request.param
    prefers_dark = theme in ("light", "bare dark")
    scheme: Literal["dark", "light"] = "dark" if prefers_dark else "light"
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    view = View(page, theme, width, [])
    page.on("request", lambda asked: view.asked.append(asked.url))
    page.goto((sheets / f"{theme.split()[0]}.html").as_uri())
    page.evaluate(SCROLL)
    page.wait_for_function("[...document.images].every(image => image.complete)")
    yield view
    page.close()


@pytest.mark.parametrize("name", CELLS)
def test_there_is_a_screenshot_of_each_result(view: View, name: str, tmp_path: Path) -> None:
    if view.theme.startswith("bare"):
        return
    path = Path(ARTIFACTS or tmp_path) / f"{name}-{view.theme}-{view.width}.png"
    view.cell(name).locator(".jp-Cell-outputWrapper").screenshot(path=path)
    with Image.open(path) as picture:
        assert picture.width <= view.width


@pytest.mark.parametrize("name", PICTURED)
def test_every_thumbnail_loads(view: View, name: str) -> None:
    widths = view.result(name).locator("img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert widths
    assert min(widths) > 0


@pytest.mark.parametrize("name", SHOWN)
def test_nothing_is_wider_than_its_place(view: View, name: str) -> None:
    for details in view.result(name).locator("details:not([open])").all()[:1]:
        details.evaluate("details => { details.open = true }")
    assert too_wide_in(view.result(name)) == []
    assert view.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("name", SHOWN)
def test_every_text_stands_out_from_its_ground(view: View, name: str) -> None:
    contrasts = contrasts_in(view.result(name))
    assert contrasts
    assert contrasts[0].ratio >= READABLE, contrasts[0]


def test_what_the_service_says_stays_text(view: View) -> None:
    result = view.result("hostile")
    assert result.locator("figcaption").first.inner_text().count(HOSTILE) >= 3
    assert result.locator("[onerror], script, [src='x']").count() == 0
    assert result.locator("[href^='javascript' i], [src^='javascript' i]").count() == 0
    assert view.page.title() != "1"


def test_of_1000_images_50_are_shown_and_a_line_says_so(view: View) -> None:
    result = view.result("thousand")
    assert result.locator("figure").count() == 50
    assert result.get_by_text("50 of 1,000 images shown; to_records() has them all").is_visible()


def test_no_image_and_one_image_are_shown_as_such(view: View) -> None:
    assert view.result("nothing").get_by_text("No images found").is_visible()
    (box,) = (figure.bounding_box() for figure in view.result("one").locator("figure").all())
    assert box
    assert box["width"] <= 200


@pytest.mark.parametrize("name", ["missing", "in-vain"])
def test_of_an_image_that_cannot_be_reached_path_and_metadata_are_shown(view: View, name: str) -> None:
    for figure in view.result(name).locator("figure").all():
        summary = figure.locator("summary")
        if not figure.locator("details[open]").count():
            summary.click()  # an address that nobody answers at, which only the browser finds out
            assert figure.locator("img").get_attribute("alt")
        known = figure.locator(".coactive-known")
        assert known.is_visible()
        assert re.search(r"path mug/mug-\d\d-\d\.\w+.*sku MUG-\d\d", known.inner_text(), re.DOTALL)


def test_fetched_pictures_are_in_the_page_itself(view: View) -> None:
    sources = view.result("embedded").locator("img").evaluate_all("images => images.map(image => image.src)")
    assert len(sources) == 13
    assert {source.partition(",")[0] for source in sources} <= {"data:image/jpeg;base64", "data:image/png;base64"}


def _box(found: Locator) -> dict[str, float]:
    box: Any = found.bounding_box()
    return {"left": box["x"], "top": box["y"], "right": box["x"] + box["width"], "bottom": box["y"] + box["height"]}


@pytest.mark.parametrize("name", ["grouped", "plain", "embedded"])
def test_the_query_stands_beside_what_was_found_or_above_it_on_a_narrow_screen(view: View, name: str) -> None:
    query = _box(view.result(name).locator(".coactive-query"))
    found = _box(view.result(name).locator(".coactive-found"))
    if view.width == 375:
        assert query["bottom"] <= found["top"]
    else:
        assert (query["top"], query["right"] < found["left"]) == (found["top"], True)


def test_images_are_ranked_from_left_to_right_and_down(view: View) -> None:
    boxes = [_box(figure) for figure in view.result("thousand").locator("figure").all()]
    assert boxes == sorted(boxes, key=lambda box: (box["top"], box["left"]))
    columns = len({box["left"] for box in boxes})
    assert columns == 2 if view.width == 375 else columns >= 8


def test_a_comparison_stands_side_by_side_rank_by_rank(view: View) -> None:
    sides = view.result("compared").locator(".coactive-sides").first
    before, after = sides.get_by_label("Before"), sides.get_by_label("After")
    for left, right in zip(before.locator(".coactive-row").all(), after.locator(".coactive-row").all(), strict=True):
        assert _box(left)["right"] < _box(right)["left"]
        assert _box(left)["top"] == _box(right)["top"]
    assert {"up 1", "down 2"} & {*after.locator(".coactive-change").all_inner_texts()}


def test_an_error_shows_its_message_and_what_may_help(view: View) -> None:
    text = view.result("error").inner_text()
    assert "404 Not Found: no embedding 'no-such-embedding' here" in text
    assert "Hint: " in text
    assert "Request ID: " in text


def test_a_traceback_shows_the_readers_own_line_and_none_of_the_client(view: View) -> None:
    if view.theme.startswith("bare"):
        return
    text = view.cell("traceback").locator(".jp-OutputArea-output").inner_text()
    assert "api.get_similar_images('no-such-embedding', PHOTO)" in text
    assert "NotFoundException: 404 Not Found" in text
    assert text.count("Cell In[") == 1
    assert ".py" not in text


def test_a_notebook_that_drops_styles_still_shows_small_pictures(view: View) -> None:
    result = view.result("value")
    result.evaluate("""result => {
        result.insertAdjacentHTML("beforebegin", result.outerHTML.replace(/<style>.*?<\\/style>/s, ""))
        document.querySelectorAll("style").forEach(style => style.textContent.includes(".coactive") && style.remove())
    }""")
    pictures = result.first.locator("img")
    assert {*pictures.evaluate_all("images => images.map(image => image.getBoundingClientRect().width)")} == {128}


def test_the_page_asks_for_nothing_but_the_pictures(view: View) -> None:
    asked = [address for address in view.asked if not address.startswith(("data:", "file:"))]
    assert asked
    assert all(address.startswith("http://127.0.0.1:") for address in asked)
