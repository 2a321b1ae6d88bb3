"""The notebook of `sheet`, run once, and a real browser that shows it: Debian's Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser import sheet
from coactive.local import Service

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="package")
def chromium() -> str:
    """Where the browser is; a machine without one skips the tests, CI fails."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium here: apt-get install chromium")
    return found


@pytest.fixture(scope="package")
def sheets(chromium: str, service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the notebook's outputs as `light.html` and `dark.html` of Jupyter, and `bare.html`."""
    folder = tmp_path_factory.mktemp("sheets")
    client_id, _, client_secret = str(service.configuration.access_token).partition(":")
    photos = {image.path: str(image.file) for image in service.catalog.images}
    names = {
        "EMBEDDING_ID": service.embedding_id,
        "PHOTO": photos["mug/mug-01-1.jpg"],
        "OTHER_PHOTO": photos["mug/mug-01-2.jpg"],
    }
    settings = {
        "COACTIVE_HOST": service.host,
        "COACTIVE_CLIENT_ID": client_id,
        "COACTIVE_CLIENT_SECRET": client_secret,
    }
    notebook = sheet.executed(names, settings, folder)
    for theme in ("light", "dark"):
        (folder / f"{theme}.html").write_text(sheet.exported(notebook, theme), "utf-8")
    (folder / "bare.html").write_text(sheet.bare(notebook), "utf-8")
    return folder


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """The browser, of each module its own: while it runs no kernel can, for both want an event loop of their own.

    A test that needs `sheets` gets them first, because they are the package's.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()
