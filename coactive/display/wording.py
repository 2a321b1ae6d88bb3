"""What is said of a result, in a notebook and in a terminal alike."""

from __future__ import annotations

import re
from collections.abc import Sequence

from coactive.groups import is_flat
from coactive.model.similar_image import SimilarImage
from coactive.model.similar_image_group import SimilarImageGroup


def counted(number: int, thing: str) -> str:
    """How many there are: `1 image`, `1,000 images`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def summary(groups: Sequence[SimilarImageGroup]) -> str:
    """How much was found."""
    total = sum(len(group.images) for group in groups)
    if not total:
        return "No images found"
    images = counted(total, "image")
    return images if is_flat(groups) else f"{images} in {counted(len(groups), 'group')}"


def group_title(name: object) -> str:
    """What a group is called."""
    return "(no value)" if name is None else str(name)


def cut(shown: int, groups: Sequence[SimilarImageGroup]) -> str | None:
    """The line that says that not all images are shown; None: all are."""
    total = sum(len(group.images) for group in groups)
    return None if shown == total else f"{shown:,} of {counted(total, 'image')} shown; to_records() has them all"


def title(image: SimilarImage) -> str:
    """What an image is called in full: its path, else its id."""
    return str(image.path or image.coactive_image_id or image.url or "an image without a name")


def short_title(image: SimilarImage) -> str:
    """What an image is called on little room: the last part of its path, else its id."""
    return re.split(r"[/\\]", title(image).rstrip("/\\"))[-1] or title(image)


def score_text(image: SimilarImage) -> str:
    """The score with three decimals; one that is no number as it came, and none as nothing."""
    try:
        return "" if image.score is None else f"{image.score:.3f}"
    except (TypeError, ValueError, OverflowError):
        return str(image.score)
