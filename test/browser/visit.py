"""Somebody at the page of the stand-in: what they do with mouse and keyboard, and what they then see."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


class Visit:
    """One tab with the page, in which nothing but what is expected may go wrong.

    Attributes:
        page: the tab.
        asked: the addresses that the page asked for.
        complaints: what stands in the browser's console.
    """

    def __init__(self, browser: Browser, host: str, *, theme: Literal["light", "dark"] = "light", width: int = 1200):
        self.host = host
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=host)
        context.set_default_timeout(20_000)
        self.page: Page = context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, address: str = "/") -> Visit:
        """Go to the page and wait until it is there."""
        self.page.goto(self.host + address)
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until nothing is under way."""
        settled = "#results:visible:has(#groups[aria-busy=false]), #sign-in:visible, #problem strong"
        self.page.locator(settled).first.wait_for()
        self.page.locator("#groups:not([aria-busy=true])").wait_for(state="attached")

    def close(self) -> None:
        self.page.context.close()

    def search(self, phrase: str) -> None:
        """Type a phrase and press Enter."""
        self.page.get_by_label("Phrase", exact=True).fill(phrase)
        self.page.keyboard.press("Enter")
        self.settle()

    def choose(self, field: str, value: str) -> None:
        """Choose a value in a field of the form."""
        self.page.get_by_label(field, exact=True).select_option(label=value)
        self.settle()

    def limit(self, number: int) -> None:
        self.page.get_by_label("Limit").fill(str(number))
        self.page.keyboard.press("Tab")
        self.settle()

    def pick(self, file: Path) -> None:
        """Pick a file as by the system's dialog."""
        with self.page.expect_file_chooser() as chooser:
            self.page.locator("#file").click()
        chooser.value.set_files(file)
        self._taken(file.name)

    def drop(self, file: Path) -> None:
        """Drag a file from the desktop over the page, and drop it."""
        self.drag(files=[str(file)])
        self._taken(file.name)

    def drag(self, *, x: float = 200, y: float = 700, **what: Any) -> None:
        """Drag something over the page, and drop it."""
        data = {"items": [], "files": [], "dragOperationsMask": 1} | what
        protocol = self.page.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            protocol.send("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": data})

    def paste(self, png: bytes) -> None:
        """Copy a picture elsewhere, and press Ctrl+V."""
        self.page.evaluate(
            """async base64 => {
                const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0))
                const picture = new Blob([bytes], { type: "image/png" })
                await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })])
            }""",
            base64.b64encode(png).decode(),
        )
        self.page.keyboard.press("Control+V")
        self._taken("image.png")

    def _taken(self, name: str) -> None:
        self.page.locator("#picture-name").get_by_text(name, exact=True).wait_for()
        self.settle()

    def result(self, path: str) -> Locator:
        return self.page.get_by_role("button", name=f"Search with {path}")

    def click(self, path: str) -> None:
        """Search with a result."""
        self.result(path).click()
        self.page.locator("#picture-name", has_text=path).wait_for()
        self.settle()

    @property
    def status(self) -> str:
        """What is said of the results."""
        return self.page.locator("#status").inner_text()

    @property
    def operation(self) -> str:
        return self.page.locator("#operation").inner_text()

    @property
    def problem(self) -> str:
        return self.page.get_by_role("alert").locator("visible=true").inner_text()

    @property
    def paths(self) -> list[str]:
        """The paths of the results in their order."""
        return self.page.locator(".card .place a").all_inner_texts()

    @property
    def groups(self) -> list[str]:
        """The headings of the groups: "colour: red 14 images"."""
        return self.page.get_by_role("heading", level=3).all_text_contents()

    @property
    def program(self) -> str:
        """The Python code as the button copies it."""
        self.page.get_by_role("button", name="Copy", exact=True).click()
        self.page.get_by_role("status").get_by_text("The Python code is copied").wait_for(state="attached")
        copied: str = self.page.evaluate("navigator.clipboard.readText()")
        return copied
