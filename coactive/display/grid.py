"""A result as pictures: for each group a grid of its images, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coactive.display.figure import figure
from coactive.display.html import Html, element, output, picture_address, together
from coactive.display.query import Query, box
from coactive.display.wording import counted, cut, group_title, summary
from coactive.groups import best, is_flat
from coactive.model.similar_image import SimilarImage
from coactive.model.similar_image_group import SimilarImageGroup

MOST = 50
"""Images that are shown of one result."""

Pictures = Mapping[str, str | None]
"""Pictures that were fetched, as `data:` addresses by the images' own; None: it could not be had."""


def grid(groups: Sequence[SimilarImageGroup], query: Query | None, pictures: Pictures) -> Html:
    """The HTML of a result.

    Args:
        groups: what was found.
        query: what was searched by, where that is known.
        pictures: those that were fetched; the browser fetches the others.
    """
    shown = best(groups, MOST)
    line = cut(sum(count for _, count in shown), groups)
    found = element(
        "div",
        element("div", summary(groups), class_="coactive-note"),
        element("div", line) if line else None,
        *(_group(group, count, pictures, named=not is_flat(groups)) for group, count in shown),
        class_="coactive-found",
    )
    return output(element("div", box(query) if query else None, found, class_="coactive-beside"), label="Search result")


def _group(group: SimilarImageGroup, count: int, pictures: Pictures, *, named: bool) -> Html:
    figures = (figure(rank, image, _address(image, pictures)) for rank, image in enumerate(group.images[:count], 1))
    heading = _heading(group, count) if named else None
    return together(heading, element("div", *figures, class_="coactive-grid", role="list"))


def _address(image: SimilarImage, pictures: Pictures) -> str | None:
    address = picture_address(image.url)
    return pictures.get(address, address) if address else None


def _heading(group: SimilarImageGroup, count: int) -> Html:
    total = counted(len(group.images), "image")
    text = total if count == len(group.images) else f"{count:,} of {total}"
    note = element("span", text, class_="coactive-note")
    return element("div", group_title(group.group), note, class_="coactive-heading", role="heading", aria_level="4")
