"""A result as lines of text, for terminals and for what a notebook keeps beside its HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from coactive.display.grid import MOST
from coactive.display.query import Query
from coactive.display.wording import cut, group_title, score_text, summary, title
from coactive.groups import best, is_flat
from coactive.model.similar_image_group import SimilarImageGroup

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What would move the cursor, change colours or turn the line around, and what UTF-8 cannot carry."""


def printable(text: str) -> str:
    """The text on one line, with escapes in the place of what a terminal would obey."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def lines(groups: Sequence[SimilarImageGroup], query: Query | None) -> Iterator[str]:
    """The groups, and in each its images with rank, score and path."""
    yield printable(f"{summary(groups)} {query}" if query else summary(groups))
    shown = best(groups, MOST)
    for group, count in shown:
        if not is_flat(groups):
            yield printable(group_title(group.group))
        for rank, image in enumerate(group.images[:count], 1):
            yield printable(f"{rank:4}  {score_text(image):>6}  {title(image)}")
    if line := cut(sum(count for _, count in shown), groups):
        yield line
