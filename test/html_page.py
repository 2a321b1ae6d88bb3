"""Reads what was made to be shown: of HTML its elements, its text, the pictures that it holds."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

from IPython.lib import pretty
from PIL import Image


class Page(HTMLParser):
    """The elements of some HTML with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements[-1][0] != "style":
            self.text += f"{data}\n"

    def all(self, tag: str, attribute: str) -> list[str | None]:
        """That attribute of each element of a kind."""
        return [attributes.get(attribute) for name, attributes in self.elements if name == tag]

    def picture(self) -> Image.Image:
        """The first picture, which the HTML holds itself."""
        address = self.all("img", "src")[0]
        assert address
        return Image.open(io.BytesIO(base64.b64decode(address.partition("base64,")[2])))


def in_a_terminal(value: object) -> str:
    """What IPython shows of a value in a terminal."""
    return str(pretty.pretty(value))  # type: ignore[no-untyped-call]
