"""A comparison: as a table of text, and side by side in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from coactive.display.figure import picture
from coactive.display.html import Html, element, output, picture_address, together
from coactive.display.text import printable
from coactive.display.wording import counted, group_title, short_title, title

if TYPE_CHECKING:
    from coactive.comparison import Change, Comparison

MOST = 50
"""Ranks that are shown of one comparison, over all its groups."""


class _Part(NamedTuple):
    """A comparison of one ranking, and how many of its ranks are shown; the name is of its group, if it has one."""

    name: str | None
    comparison: Comparison
    ranks: int


def _parts(comparison: Comparison) -> Iterator[_Part]:
    left = MOST
    named: list[tuple[str | None, Comparison]] = [(group_title(name), it) for name, it in comparison.groups.items()]
    for name, part in named or [(None, comparison)]:
        if ranks := min(part.k, left):
            left -= ranks
            yield _Part(name, part, ranks)


def _cut(comparison: Comparison) -> str | None:
    """The line that says that not all is shown; None: all is."""
    total = sum(part.k for part in comparison.groups.values()) if comparison.groups else comparison.k
    return f"{MOST} of {total:,} ranks shown; `changes` has them all" if total > MOST else None


def _summary(comparison: Comparison) -> str:
    """How much two answers differ, on one line."""
    both = f"{len(comparison.kept):,} of {counted(comparison.k, 'image')} in both"
    counts = f"{len(comparison.moved):,} moved, {len(comparison.entered):,} entered, {len(comparison.left):,} left"
    return f"overlap at {comparison.k:,}: {comparison.overlap:.2f} ({both}; {counts})"


def lines(comparison: Comparison) -> Iterator[str]:
    """The comparison as text: for each image its rank after and before, and what became of it."""
    yield _summary(comparison)
    for name, part, ranks in _parts(comparison):
        if name is not None:
            yield printable(f"{name}: {_summary(part)}")
        yield "after  before"
        yield from (_line(it) for it in part.changes if min(filter(None, (it.before, it.after))) <= ranks)
    if line := _cut(comparison):
        yield line


def _line(change: Change) -> str:
    mark = _mark(change)
    return printable(f"{change.after or '':>5}  {change.before or '':>6}  {mark:<8}  {title(change.image)}")


def _mark(change: Change) -> str:
    """What became of an image from the first answer to the second."""
    if change.before is None or change.after is None:
        return "entered" if change.before is None else "left"
    way = change.before - change.after
    return f"{'up' if way > 0 else 'down'} {abs(way)}" if way else ""


def sides(comparison: Comparison) -> Html:
    """The HTML of a comparison: the images of both answers by rank, each with what became of it."""
    line = _cut(comparison)
    return output(
        element("div", _summary(comparison), class_="coactive-note"),
        element("div", line) if line else None,
        *(_columns(part) for part in _parts(comparison)),
        label="Comparison of two search results",
    )


def _columns(part: _Part) -> Html:
    """Both rankings, each rank beside the same one."""
    rows = f"grid-template-rows: repeat({part.ranks + 1}, auto)"
    before = _column("Before", {it.before: it for it in part.comparison.changes}, part.ranks)
    after = _column("After", {it.after: it for it in part.comparison.changes}, part.ranks)
    columns = element("div", before, after, class_="coactive-sides", style=rows)
    return together(_heading(part) if part.name is not None else None, columns)


def _column(name: str, images: Mapping[int | None, Change], ranks: int) -> Html:
    cells = (_cell(rank, images.get(rank), name) for rank in range(1, ranks + 1))
    head = element("div", name, class_="coactive-label")
    return element("div", head, *cells, class_="coactive-side", role="group", aria_label=name)


def _heading(part: _Part) -> Html:
    note = element("span", _summary(part.comparison), class_="coactive-note")
    return element("div", part.name, note, class_="coactive-heading", role="heading", aria_level="4")


def _cell(rank: int, change: Change | None, column: str) -> Html:
    if change is None:
        return element("div", class_="coactive-row")
    image, mark = change.image, _mark(change)
    marked = mark and column == ("Before" if change.after is None else "After")
    address = picture_address(image.url)
    return element(
        "div",
        element("span", str(rank), class_="coactive-rank"),
        picture(image, address) if address else None,
        element("span", short_title(image), class_="coactive-name", title=title(image)),
        element("span", mark, class_="coactive-change") if marked else None,
        class_="coactive-row",
    )
