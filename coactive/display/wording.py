"""What is said of a result, in a notebook and in a terminal alike."""

from __future__ import annotations

from collections.abc import Sequence

from coactive.model.similar_image_group import SimilarImageGroup
from coactive.ranking import is_flat


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
