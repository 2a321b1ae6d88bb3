"""One image of a result: its picture, where it stands, what is known of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from coactive.display.html import Html, element, web_address
from coactive.display.wording import score_text, short_title, title
from coactive.model.similar_image import SimilarImage

SIZE = "128"
"""Pixels of a picture where a notebook drops its style."""


def figure(rank: int, image: SimilarImage, address: str | None) -> Html:
    """An image with its rank, score, name and metadata.

    Args:
        rank: from 1.
        image: the image.
        address: where its picture comes from; None: it has none, and what is known of it stands open.
    """
    place = element("span", f"{rank} ", class_="coactive-note")  # not all that show HTML keep the style
    score = element("span", score_text(image), class_="coactive-score")
    caption = element(
        "figcaption",
        element("div", place, score, class_="coactive-place"),
        element("div", short_title(image), class_="coactive-words", title=title(image)) if address else None,
        _words(image),
        _details(image, open_=None if address else ""),
        class_="coactive-caption",
    )
    return element("figure", picture(image, address), caption, class_="coactive-figure", role="listitem")


def picture(image: SimilarImage, address: str | None) -> Html:
    """The picture, which leads to the image itself where that is on the web; without one what the image is called."""
    name = title(image)
    if address is None:
        return element("div", name, class_="coactive-picture coactive-missing")
    drawn = img(address, name)
    link = web_address(image.url)
    if link is None:
        return element("div", drawn, class_="coactive-picture")
    return element("a", drawn, class_="coactive-picture", href=link, target="_blank", rel="noopener noreferrer")


def img(address: str, name: str) -> Html:
    """The picture alone."""
    return element(
        "img",
        src=address,
        alt=name,
        title=name,
        width=SIZE,
        height=SIZE,
        loading="lazy",
        referrerpolicy="no-referrer",
    )


def _words(image: SimilarImage) -> Html | None:
    """The caption that the image's metadata has, if it has one."""
    caption = (image.metadata or {}).get("caption")
    return None if caption is None else element("div", as_text(caption), class_="coactive-note coactive-words")


def _details(image: SimilarImage, open_: str | None) -> Html | None:
    rows = [element("div", element("span", f"{name} ", class_="coactive-note"), text) for name, text in _known(image)]
    if not rows:
        return None
    known = element("div", *rows, class_="coactive-known")
    return element("details", element("summary", "metadata"), known, class_="coactive-details", open=open_)


def _known(image: SimilarImage) -> Iterator[tuple[str, str]]:
    for name, value in (("path", image.path), ("id", image.coactive_image_id)):
        if value is not None:
            yield name, as_text(value)
    for key, value in (image.metadata or {}).items():
        yield str(key), as_text(value)


def as_text(value: Any) -> str:
    """A string as it is, any other value as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
