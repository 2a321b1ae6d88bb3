"""The stand-in's page in a browser, through real clicks, real keys and real files.

The screenshots go to the folder that `COACTIVE_ARTIFACTS` names, too.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from PIL import Image

import coactive
from browser.looks import ARTIFACTS, READABLE, contrasts_in, too_wide_in
from browser.visit import Visit
from coactive.local import Service, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.heavy

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
VIEWS = [(theme, width) for theme in THEMES for width in (375, 768, 1400)]

HOSTILE = '<img src=x onerror="document.title=1">'

FAILED = "Failed to load resource: the server responded with a status of "


@pytest.fixture
def visit(browser: Browser, service: Service) -> Iterator[Visit]:
    """The page over the demo's catalogue; its console must stay empty, and it must ask nobody else for anything."""
    with visiting(browser, service.host) as visit:
        yield visit.open()


@contextmanager
def visiting(browser: Browser, host: str, **looks: Any) -> Iterator[Visit]:
    visit = Visit(browser, host, **looks)
    try:
        yield visit
        assert visit.complaints == []
        assert [address for address in visit.asked if not address.startswith((f"{host}/", f"blob:{host}/"))] == []
    finally:
        visit.close()


@pytest.fixture
def photo(service: Service) -> Path:
    """A picture of the red mug."""
    return next(image.file for image in service.catalog.images if image.path == "mug/mug-01-1.jpg")


def png(size: tuple[int, int] = (64, 64), colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def printed(program: str, folder: Path, **environment: str) -> list[str]:
    """What a program of the page prints, without the spaces around each line."""
    ended = run(program, folder, **environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    return [line.strip() for line in ended.stdout.splitlines()]


def run(program: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the page in a folder."""
    places = {"PYTHONPATH": str(Path(coactive.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env=os.environ | places | environment,
    )


def paths_in(lines: list[str]) -> list[str]:
    return [line.rpartition(" ")[0] for line in lines if re.search(r" -?\d\.\d+$", line)]


# The four searches.


def test_before_the_first_search_it_shows_images_to_begin_with(visit: Visit) -> None:
    assert visit.page.get_by_text("300 images").is_visible()
    assert visit.page.get_by_role("heading", level=2, name="Search by example").is_visible()
    assert len(visit.paths) == 12
    assert not visit.page.get_by_role("button", name="Copy as Python").is_visible()


def test_a_dropped_image_finds_similar_ones_in_one_ranked_list(visit: Visit, photo: Path) -> None:
    visit.drop(photo)
    assert (visit.operation, visit.status, visit.groups) == ("get_similar_images", "24 images", [])
    assert visit.paths[0] == "mug/mug-01-1.jpg"
    assert visit.page.locator(".score").all_inner_texts()[0] == "1.000"
    scores = [float(score) for score in visit.page.locator(".score").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    assert visit.page.get_by_alt_text("Searched with: mug-01-1.jpg").is_visible()


def test_a_picked_image_and_a_group_key_find_groups(visit: Visit, photo: Path) -> None:
    visit.choose("Group by", "colour")
    visit.pick(photo)
    assert visit.operation == "get_similar_images_grouped"
    assert re.fullmatch(r"24 images in \d groups", visit.status)
    assert re.fullmatch(r"colour: red \d+ images", visit.groups[0])
    assert len(visit.paths) == 24


def test_a_phrase_finds_images_in_groups(visit: Visit) -> None:
    visit.choose("Group by", "sku")
    visit.search("blue striped")
    assert visit.operation == "search_images_by_text_grouped"
    assert len(visit.groups) > 1
    captions = visit.page.locator("dt:text-is('caption') + dd").all_inner_texts()
    assert all("blue" in caption and "striped" in caption for caption in captions[:4])


def test_an_image_and_a_phrase_search_by_meaning_and_say_which_key_groups_them(visit: Visit, photo: Path) -> None:
    visit.drop(photo)
    visit.search("blue")
    assert visit.operation == "get_similar_images_grouped_semantic"
    assert visit.page.get_by_text("Grouped by “sku”: a search by image and phrase needs a key").is_visible()
    assert visit.groups[0].startswith("sku: MUG-02")
    visit.choose("Group by", "product")
    visit.choose("Phrase in", "colour")
    assert not visit.page.locator("#notice").is_visible()
    assert visit.groups[0].startswith("product: mug")
    assert 'metadata_key="colour",\n        metadata_value="blue",' in visit.program


def test_a_pasted_image_is_searched_with(visit: Visit) -> None:
    visit.paste(png(colour="blue"))
    assert (visit.operation, len(visit.paths)) == ("get_similar_images", 24)
    assert visit.page.get_by_alt_text("Searched with: image.png").is_visible()
    said = 'photo = "image.png"  # save the pasted image first, then give its path\n'
    assert said in visit.program
    visit.search("red")
    visit.page.go_back()
    visit.settle()
    assert said in visit.program


def test_of_several_files_it_says_that_the_first_is_searched_with(visit: Visit, photo: Path, tmp_path: Path) -> None:
    notice = visit.page.locator("#notice")
    several = [str(photo), str(photo.with_name("mug-03-1.jpg")), str(photo.with_name("mug-02-1.jpg"))]
    visit.drag(files=several)
    notice.get_by_text("Of 3 files the first is searched with.", exact=True).wait_for()
    assert visit.paths[0] == "mug/mug-01-1.jpg"
    visit.search("blue")
    assert notice.inner_text().startswith("Grouped by “sku”")
    visit.drag(files=several[1:])
    notice.get_by_text("Of 2 files the first is searched with. Grouped by “sku”").wait_for()
    (tmp_path / "notes.txt").write_text("no picture")
    visit.drag(files=[str(tmp_path / "notes.txt"), several[0]])
    visit.page.get_by_text("This is not an image that the service can read").wait_for()
    assert notice.inner_text() == "Of 2 files the first is searched with."
    visit.drop(photo)
    assert not notice.get_by_text("files").is_visible()
    visit.complaints.clear()


def test_text_that_is_pasted_is_only_text(visit: Visit) -> None:
    visit.page.evaluate("navigator.clipboard.writeText('green')")
    visit.page.get_by_label("Phrase", exact=True).focus()
    visit.page.keyboard.press("Control+V")
    visit.page.keyboard.press("Enter")
    visit.settle()
    assert visit.operation == "search_images_by_text_grouped"


def test_the_limit_is_that_of_all_groups_together(visit: Visit, photo: Path) -> None:
    visit.pick(photo)
    visit.choose("Group by", "colour")
    visit.limit(3)
    assert (visit.status, len(visit.paths)) == ("3 images in 1 group", 3)
    visit.limit(1000)
    assert len(visit.paths) == 300


def test_a_limit_that_is_not_allowed_is_not_sent(visit: Visit) -> None:
    before = len(visit.asked)
    visit.page.get_by_label("Limit").fill("1001")
    visit.search("mug")
    assert len(visit.asked) == before
    assert visit.page.evaluate("document.activeElement.validationMessage").endswith("1000.")


def test_a_result_that_is_clicked_is_searched_with(visit: Visit) -> None:
    visit.search("vase")
    visit.click("vase/vase-01-2.jpg")
    assert visit.operation == "get_similar_images"
    assert visit.paths[0] == "vase/vase-01-2.jpg"
    assert visit.page.get_by_label("Phrase", exact=True).input_value() == ""
    assert visit.page.get_by_alt_text("Searched with: vase/vase-01-2.jpg").is_visible()


def test_the_image_can_be_cleared(visit: Visit, photo: Path) -> None:
    visit.drop(photo)
    visit.search("mug")
    visit.page.get_by_role("button", name="Clear image").click()
    visit.settle()
    assert visit.operation == "search_images_by_text_grouped"
    assert not visit.page.locator("#preview").is_visible()
    assert visit.page.get_by_text("Drop an image anywhere").is_visible()


def test_a_link_opens_the_whole_image_in_a_new_tab(visit: Visit, service: Service) -> None:
    image = next(image for image in service.catalog.images if image.path == visit.paths[0])
    with visit.page.context.expect_page() as opened:
        visit.page.get_by_role("link", name=f"Open {image.path} in a new tab").click()
    assert opened.value.url == f"{service.host}/images/{image.id}"


# Going back, and again.


def test_back_forward_and_reload_lead_to_the_same_search(visit: Visit, photo: Path) -> None:
    visit.search("red mug")
    visit.choose("Group by", "sku")
    visit.click("mug/mug-01-1.jpg")
    visit.drop(photo.with_name("mug-03-1.jpg"))
    assert visit.paths[0] == "mug/mug-03-1.jpg"
    seen = []
    for _ in range(3):
        visit.page.go_back()
        visit.settle()
        seen.append((visit.operation, visit.page.locator("#phrase").input_value(), len(visit.groups) > 0))
    assert seen == [
        ("get_similar_images_grouped", "", True),
        ("search_images_by_text_grouped", "red mug", True),
        ("search_images_by_text_grouped", "red mug", False),
    ]
    for _ in range(2):
        visit.page.go_forward()
        visit.settle()
    assert visit.page.locator("#picture-name").inner_text() == "mug/mug-01-1.jpg"
    visit.page.go_forward()
    visit.settle()
    assert visit.paths[0] == "mug/mug-03-1.jpg"
    visit.page.go_back()
    visit.settle()
    visit.page.reload()
    visit.settle()
    assert (visit.operation, visit.paths[0]) == ("get_similar_images_grouped", "mug/mug-01-1.jpg")


def test_a_file_that_a_reload_has_lost_is_asked_for(visit: Visit, photo: Path) -> None:
    visit.drop(photo)
    visit.page.reload()
    visit.settle()
    assert visit.page.get_by_text("The page has not kept “mug-01-1.jpg”: drop it again").is_visible()
    assert len(visit.paths) == 12
    visit.drop(photo.with_name("mug-03-1.jpg"))
    visit.page.go_back()
    visit.settle()
    assert visit.page.get_by_text("The page has not kept “mug-01-1.jpg”: drop it again").is_visible()


def test_an_address_that_was_sent_leads_to_the_search_with_the_images_path(visit: Visit, service: Service) -> None:
    image = next(image for image in service.catalog.images if image.path == "lamp/lamp-01-1.jpg")
    visit.open(f"/?like={image.id}&group=colour&limit=5")
    assert visit.page.locator("#picture-name").inner_text() == "lamp/lamp-01-1.jpg"
    assert (visit.operation, len(visit.paths)) == ("get_similar_images_grouped", 5)


def test_an_older_answer_never_takes_the_place_of_a_newer_one(visit: Visit) -> None:
    held: list[Route] = []
    visit.page.route("**/grouped-search/text?query=vase*", lambda route: held.append(route))
    visit.page.get_by_label("Phrase", exact=True).fill("vase")
    visit.page.keyboard.press("Enter")
    visit.page.locator("#groups[aria-busy=true]").wait_for()
    assert visit.page.locator("[aria-busy=true] [role=status]").count() == 0
    assert visit.status == "Searching…"
    with visit.page.expect_event("requestfailed") as given_up:
        visit.search("lamp")
    assert "query=vase" in given_up.value.url
    assert held
    assert all("lamp" in path for path in visit.paths[:5])
    assert '"lamp"' in visit.program


# The same in Python.


def test_the_program_of_each_search_finds_what_the_page_shows(visit: Visit, photo: Path, tmp_path: Path) -> None:
    shutil.copy(photo, tmp_path)
    visit.drop(photo)
    assert paths_in(printed(visit.program, tmp_path)) == visit.paths
    visit.choose("Group by", "colour")
    lines = printed(visit.program, tmp_path)
    assert paths_in(lines) == visit.paths
    assert [line for line in lines if " " not in line] == [re.split(r"[: ]+", name)[1] for name in visit.groups]
    visit.search("blue")
    assert paths_in(printed(visit.program, tmp_path)) == visit.paths
    visit.page.get_by_role("button", name="Clear image").click()
    visit.settle()
    assert paths_in(printed(visit.program, tmp_path)) == visit.paths
    visit.click(visit.paths[0])
    assert "import urllib3\n" in visit.program
    assert paths_in(printed(visit.program, tmp_path)) == visit.paths


def test_a_program_whose_image_the_service_no_longer_has_says_so(visit: Visit, tmp_path: Path) -> None:
    visit.click(visit.paths[0])
    ended = run(visit.program.replace("/images/", "/images/no-"), tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(r"\S*/images/no-\S+: 404 Not Found\n", ended.stderr)


@pytest.mark.parametrize(
    "phrase", ['it"s', "a\\nb \\", "''' \"\"\"", "Größe 🧵 中文", "a\u2028b\u00a0c\u200dd\u202ee", "{x} %s $(ls) #"]
)
def test_a_phrase_of_any_kind_is_the_same_string_in_python(visit: Visit, phrase: str) -> None:
    visit.search(phrase)
    assert visit.page.get_by_text("No images found").is_visible() or visit.paths
    calls = [node for node in ast.walk(ast.parse(visit.program)) if isinstance(node, ast.Call)]
    (said,) = [call.args[1] for call in calls if ast.unparse(call.func) == "api.search_images_by_text_grouped"]
    assert ast.literal_eval(said) == phrase.strip()


def test_a_files_name_of_any_kind_is_the_same_string_in_python(visit: Visit, photo: Path, tmp_path: Path) -> None:
    odd = tmp_path / 'it\'s a "mug" \\ 中文 🧵.jpg'
    shutil.copy(photo, odd)
    visit.pick(odd)
    assert paths_in(printed(visit.program, tmp_path)) == visit.paths


def test_both_buttons_copy_the_program_and_say_so(visit: Visit) -> None:
    visit.search("mug")
    below = visit.program
    visit.page.evaluate("navigator.clipboard.writeText('')")
    visit.page.get_by_role("button", name="Copy as Python").click()
    visit.page.get_by_role("button", name="Copied").first.wait_for()
    assert visit.page.evaluate("navigator.clipboard.readText()") == below == visit.page.locator("#code").inner_text()


def test_where_the_browser_gives_no_clipboard_the_program_is_copied_the_old_way(visit: Visit) -> None:
    visit.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    visit.search("mug")
    visit.page.get_by_role("button", name="Copy", exact=True).click()
    visit.page.get_by_role("status").get_by_text("The Python code is copied").wait_for(state="attached")
    assert visit.page.evaluate("String(getSelection())").startswith("import coactive")


# What is in the catalogue.


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A catalogue with metadata of every type and of ill will."""
    folder = tmp_path_factory.mktemp("odd")
    rows = [
        {
            "file": "a.png",
            "text": HOSTILE,
            HOSTILE: "key",
            "number": 1.5,
            "whole": 12345678901234567890,
            "yes": True,
            "none": None,
            "list": ["x", 2, None],
            "object": {"deep": [{"er": 1}]},
            "long": "word " * 400,
            "caption": HOSTILE,
            "": "nameless",
        },
        {"file": "b.png", "text": "plain", "number": 2},
    ]
    for name, colour in {"a.png": "red", "b.png": "blue", "none.png": "green"}.items():
        Image.new("RGB", (40, 30), colour).save(folder / name)
    (folder / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    with running(folder, metadata=folder / "rows.jsonl") as service:
        yield service


def test_metadata_of_every_type_is_shown_and_stays_text(browser: Browser, odd: Service) -> None:
    with visiting(browser, odd.host, width=375) as visit:
        visit.open()
        visit.choose("Group by", HOSTILE)
        visit.click("a.png")
        terms = visit.page.locator(".card").first.locator("dt").all_inner_texts()
        values = visit.page.locator(".card").first.locator("dd").all_inner_texts()
        known = dict(zip(terms, values, strict=True))
        assert known["text"] == known["caption"] == HOSTILE
        assert {key: known[key] for key in ("number", "whole", "yes", "none", "list")} == {
            "number": "1.5",
            "whole": "12345678901234567890",
            "yes": "true",
            "none": "—",
            "list": "x, 2, —",
        }
        assert (json.loads(known["object"]), known[""]) == ({"deep": [{"er": 1}]}, "nameless")
        assert known["long"].endswith("…")
        assert visit.groups == [f"{HOSTILE}: key 1 image", f"{HOSTILE}: (no value) 2 images"]
        assert visit.page.locator("[onerror], [src='x']").count() == 0
        assert visit.page.title() == "a.png · Image search"
        assert too_wide_in(visit.page.locator("#search-page")) == []


def test_without_metadata_there_are_no_groups_and_a_phrase_cannot_refine_an_image(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "plain.png").write_bytes(png())
    with running(tmp_path) as service, visiting(browser, service.host) as visit:
        visit.open()
        assert visit.page.get_by_text("1 image", exact=True).first.is_visible()
        assert visit.page.get_by_label("Group by").is_disabled()
        visit.pick(tmp_path / "plain.png")
        visit.search("plain")
        assert visit.operation == "get_similar_images"
        assert visit.page.get_by_text("These images have no metadata").is_visible()


def test_where_nothing_is_found_it_says_what_to_do(visit: Visit) -> None:
    visit.search("zeppelin")
    assert visit.status == "No images found"
    assert visit.page.get_by_text("Try other words").is_visible()


# What goes wrong.


def test_a_file_that_is_no_image_is_refused_in_the_services_words(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    visit.drop(tmp_path / "notes.txt")
    assert visit.problem.startswith("This is not an image that the service can read")
    assert "The file must be a JPEG, PNG, GIF or WebP image; it cannot be read as an image." in visit.problem
    assert (visit.paths, visit.status) == ([], "")
    assert not visit.page.get_by_role("heading", name="The same in Python").is_visible()
    assert [complaint.startswith(f"{FAILED}400") for complaint in visit.complaints] == [True]
    visit.complaints.clear()


def test_a_file_that_is_too_large_is_refused_in_words(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(bytes(33 * 2**20))
    visit.pick(tmp_path / "large.png")
    assert visit.problem.startswith("The image is too large for the service")
    assert "larger than 32 MiB" in visit.problem
    visit.complaints.clear()


def test_a_search_that_is_not_valid_is_refused_in_words(visit: Visit) -> None:
    visit.page.locator("#limit").evaluate("limit => { limit.max = 5000 }")
    visit.page.get_by_label("Limit").fill("4000")
    visit.search("mug")
    assert visit.problem.startswith("The service does not accept this search")
    assert "Limit: Input should be less than or equal to 1000." in visit.problem
    visit.complaints.clear()


def test_text_can_be_dragged_into_the_phrase(visit: Visit) -> None:
    field = visit.page.get_by_label("Phrase", exact=True)
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    assert box
    text = [{"mimeType": "text/plain", "data": "lamp"}]
    visit.drag(items=text, x=box["x"] + 40, y=box["y"] + 10)
    assert field.input_value() == "lamp"
    assert len(visit.paths) == 12


def test_a_folder_and_a_text_that_are_dropped_are_refused_in_words(visit: Visit, tmp_path: Path) -> None:
    visit.drag(items=[{"mimeType": "text/plain", "data": "x"}])
    visit.page.get_by_text("There is no image file in that").wait_for()
    visit.drag(files=[str(tmp_path)])
    visit.page.get_by_text("The browser cannot read this").wait_for()
    assert not visit.page.locator("#curtain").is_visible()


def test_a_service_that_was_stopped_is_told_in_words_and_found_again(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    visit = None
    try:
        with running(tmp_path) as service:
            port = int(service.host.rpartition(":")[2])
            visit = Visit(browser, service.host).open()
            visit.search("a")
        visit.search("a.png")
        assert visit.problem.startswith("The service does not answer")
        assert "python -m coactive.local serve" in visit.problem
        assert visit.paths == []
        with running(tmp_path, port=port):
            visit.page.get_by_role("button", name="Try again").click()
            visit.page.get_by_text("1 image", exact=True).first.wait_for()
            visit.settle()
            assert visit.page.evaluate("document.activeElement.id") == "results"
            assert visit.paths == ["a.png"]
    finally:
        if visit:
            visit.close()


def test_a_service_that_has_another_catalogue_now_is_told_in_words_and_searched(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    with running(tmp_path) as before:
        port = int(before.host.rpartition(":")[2])
        visit = Visit(browser, before.host).open()
    try:
        with running(port=port):
            visit.search("mug")
            assert visit.problem.startswith("The service does not have this any more")
            assert "may serve another folder now" in visit.problem
            visit.page.get_by_role("button", name="Try again").click()
            visit.page.get_by_text("300 images").wait_for()
            visit.settle()
            assert visit.paths[0].startswith("mug/")
    finally:
        visit.close()


# Signing in.


def test_with_credentials_of_ones_own_it_asks_for_them_and_shows_no_secret(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    with (
        running(tmp_path, client_id="me", client_secret="s3cret:x") as service,
        visiting(browser, service.host) as visit,
    ):
        visit.open()
        assert not visit.page.get_by_role("search").is_visible()
        _sign_in(visit, "me", "wrong")
        visit.page.get_by_text("The client id or the client secret is wrong.").wait_for()
        _sign_in(visit, "me", "s3cret:x")
        visit.page.get_by_role("search").wait_for()
        visit.settle()
        visit.page.locator("#file:focus").wait_for(state="attached")
        visit.search("a")
        program = visit.program
        assert "s3cret" not in program + visit.page.content()
        assert visit.page.evaluate("JSON.stringify(localStorage) + document.cookie") == "{}"
        settings = {"COACTIVE_CLIENT_ID": "me", "COACTIVE_CLIENT_SECRET": "s3cret:x"}
        assert paths_in(printed(program, tmp_path, **settings)) == visit.paths == ["a.png"]
        visit.page.reload()
        visit.settle()
        assert visit.paths == ["a.png"]
        visit.page.evaluate("sessionStorage.setItem('coactive token', 'old')")
        visit.search("a")
        visit.page.get_by_text("The sign-in has ended").wait_for()
        assert visit.page.evaluate("document.activeElement.id") == "client-id"
        _sign_in(visit, "me", "s3cret:x")
        visit.page.get_by_role("search").wait_for()
        visit.settle()
        assert (visit.page.locator("#phrase").input_value(), visit.paths) == ("a", ["a.png"])
        visit.page.get_by_role("button", name="Sign out").click()
        assert visit.page.get_by_role("heading", name="Sign in").is_visible()
        assert visit.page.evaluate("JSON.stringify(sessionStorage)") == "{}"
        assert {complaint.startswith(f"{FAILED}401") for complaint in visit.complaints} == {True}
        visit.complaints.clear()


def test_signing_out_leaves_nothing_of_the_search(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "kitten.png").write_bytes(png())
    with running(tmp_path, client_id="me", client_secret="s") as service, visiting(browser, service.host) as visit:
        visit.open()
        _sign_in(visit, "me", "s")
        visit.page.get_by_role("search").wait_for()
        visit.pick(tmp_path / "kitten.png")
        visit.search("kitten")
        assert "kitten" in visit.page.url
        visit.page.get_by_role("button", name="Sign out").click()
        visit.page.get_by_role("heading", name="Sign in").wait_for()
        assert (visit.page.url, visit.page.title()) == (f"{service.host}/", "Image search")
        assert "kitten" not in visit.page.content()
        assert "1 image" not in visit.page.content()
        assert visit.page.evaluate("[phrase.value, JSON.stringify(history.state)]") == ["", "null"]
        visit.page.go_back()
        visit.page.get_by_role("heading", name="Sign in").wait_for()
        assert "kitten" not in visit.page.title()
        visit.page.go_forward()
        _sign_in(visit, "me", "s")
        visit.page.get_by_text("Search by example").wait_for()
        assert visit.page.get_by_text("1 image", exact=True).is_visible()


def _sign_in(visit: Visit, client_id: str, client_secret: str) -> None:
    visit.page.get_by_label("Client id").fill(client_id)
    visit.page.get_by_label("Client secret").fill(client_secret)
    visit.page.keyboard.press("Enter")


# For everyone.


def test_the_keyboard_alone_leads_to_every_control_and_to_a_result(visit: Visit) -> None:
    stops = [_tab(visit.page) for _ in range(9)]
    assert stops[:8] == [
        "Skip to the results",
        "Choose an image",
        "Phrase",
        "Group by",
        "Limit",
        "Search",
        "Metadata",
        "Search with bag/bag-01-1.jpg",
    ]
    assert stops[8] == "Open bag/bag-01-1.jpg in a new tab"
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Enter")
    visit.page.locator("#picture-name", has_text="bag/bag-01-1.jpg").wait_for()
    visit.settle()
    assert visit.paths[0] == "bag/bag-01-1.jpg"
    assert [_tab(visit.page) for _ in range(3)] == [
        "Metadata",
        "Copy as Python",
        "Search with bag/bag-01-1.jpg, score 1.000",
    ]
    visit.page.get_by_role("link", name="Skip to the results").focus()
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "results"


def _tab(page: Page) -> str:
    """The name of what the next press of Tab leads to, on which the focus must be seen."""
    page.keyboard.press("Tab")
    name, outline = page.evaluate("""() => {
        const it = document.activeElement
        const seen = it.id === "file" ? it.parentElement : it
        const name = it.ariaLabel ?? it.labels?.[0]?.innerText ?? it.innerText
        return [name.split("\\n")[0].trim(), getComputedStyle(seen).outlineStyle]
    }""")
    assert outline == "solid", name
    return str(name)


def test_it_has_landmarks_headings_in_order_names_and_texts_for_pictures(visit: Visit, photo: Path) -> None:
    visit.choose("Group by", "sku")
    visit.drop(photo)
    for landmark in ("banner", "main", "search"):
        assert visit.page.get_by_role(landmark).count() == 1
    levels = visit.page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3')].filter(it => it.checkVisibility()).map(it => it.tagName)"
    )
    assert levels[:4] == ["H1", "H2", "H2", "H3"]
    assert levels[-1] == "H2"
    assert visit.page.get_by_role("listitem").count() == 24
    assert visit.page.locator(".picture img").first.get_attribute("alt") == "a red mug with a handle"
    assert visit.page.locator("img:not([alt])").count() == 0
    assert visit.page.get_by_role("status").first.inner_text() == visit.status
    tree = visit.page.locator("body").aria_snapshot()
    assert '- button "Search with mug/mug-01-1.jpg, score 1.000"' in tree
    assert not re.search(r"- (button|link|textbox|combobox|searchbox|spinbutton)$", tree, re.MULTILINE)


@pytest.mark.parametrize(("theme", "width"), VIEWS)
def test_everything_can_be_read_and_nothing_is_too_wide(
    browser: Browser, service: Service, photo: Path, theme: Literal["light", "dark"], width: int, tmp_path: Path
) -> None:
    folder = Path(ARTIFACTS or tmp_path)
    with visiting(browser, service.host, theme=theme, width=width) as visit:
        visit.open()
        _looks_well(visit, folder / f"page-start-{theme}-{width}.png")
        visit.choose("Group by", "colour")
        visit.drop(photo)
        visit.search("blue")
        _looks_well(visit, folder / f"page-found-{theme}-{width}.png")
        visit.drop(Path(__file__))
        _looks_well(visit, folder / f"page-problem-{theme}-{width}.png")
        visit.complaints.clear()


@pytest.mark.parametrize(("theme", "width"), VIEWS)
def test_the_sign_in_can_be_read_and_is_not_too_wide(
    browser: Browser, theme: Literal["light", "dark"], width: int, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    with (
        running(tmp_path, client_id="me", client_secret="secret") as service,
        visiting(browser, service.host, theme=theme, width=width) as visit,
    ):
        visit.open()
        _looks_well(visit, Path(ARTIFACTS or tmp_path) / f"page-sign-in-{theme}-{width}.png")


def _looks_well(visit: Visit, screenshot: Path) -> None:
    visit.page.wait_for_timeout(300)  # pictures that come into view
    visit.page.screenshot(path=screenshot)
    assert too_wide_in(visit.page.locator("body")) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    contrasts = contrasts_in(visit.page.locator("body"))
    assert contrasts[0].ratio >= READABLE, contrasts[0]


def test_a_browser_knows_every_declaration_of_the_style_sheet(visit: Visit) -> None:
    unknown = visit.page.evaluate("""async () => {
        const sheet = await (await fetch("page/page.css")).text()
        const blocks = [...sheet.replace(/[/][*].*?[*][/]/gs, "").matchAll(/{([^{}]*)}/g)]
        const declarations = blocks.flatMap(([, block]) => block.split(";")).map(it => it.trim()).filter(Boolean)
        const parts = it => [it.slice(0, it.indexOf(":")), it.slice(it.indexOf(":") + 1).replace("!important", "")]
        return declarations.filter(it => !CSS.supports(...parts(it)))
    }""")
    assert unknown == []


def test_nothing_moves_while_thumbnails_load(visit: Visit) -> None:
    held: list[Route] = []
    visit.page.route("**/thumbnails/*", lambda route: held.append(route))
    visit.search("mug")
    where = "[...document.querySelectorAll('.card')].map(it => JSON.stringify(it.getBoundingClientRect()))"
    before = visit.page.evaluate(where)
    assert held
    for route in [*held]:
        route.continue_()
    visit.page.locator(".picture img").first.evaluate("image => image.decode()")
    assert visit.page.evaluate(where) == before
