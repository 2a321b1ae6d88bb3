"""What changed between two answers to the same question, say by two embeddings."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from coactive.exceptions import ApiTypeError, ApiValueError
from coactive.groups import is_flat
from coactive.model.similar_image import SimilarImage
from coactive.model.similar_image_group import SimilarImageGroup


class Change(NamedTuple):
    """Where an image stands in the one answer and in the other.

    Attributes:
        id: its `coactive_image_id`, else its path.
        before: its rank in the first answer, from 1; None: it is not among the best k there.
        after: its rank in the second answer, likewise.
        image: as the second answer has it, else as the first one does.
    """

    id: str
    before: int | None
    after: int | None
    image: SimilarImage


class Comparison:
    """How the best k images of two answers differ.

    Attributes:
        k: how many of the best images count.
        changes: every image among them, in the order of the second answer, then those that left.
        groups: the same for each group of grouped answers alone, by its name; ranks are those in the group. Empty
            where an answer has no groups.
    """

    def __init__(
        self,
        before: Sequence[SimilarImage],
        after: Sequence[SimilarImage],
        k: int | None = None,
        groups: Mapping[str | None, Comparison] = MappingProxyType({}),
    ) -> None:
        was, now = _distinct(before), _distinct(after)
        longer = max(len(was), len(now))
        self.k = longer if k is None else min(k, longer)
        self.changes = _changes(_places(was[: self.k]), _places(now[: self.k]))
        self.groups = groups

    @property
    def overlap(self) -> float:
        """Overlap at k: the share of the best k that both answers have, from 0 to 1; 1 where neither found anything."""
        return len(self.kept) / self.k if self.k else 1.0

    @property
    def kept(self) -> list[Change]:
        """The images among the best k of both."""
        return [change for change in self.changes if change.before and change.after]

    @property
    def moved(self) -> list[Change]:
        """Those among the best k of both at another rank."""
        return [change for change in self.kept if change.before != change.after]

    @property
    def entered(self) -> list[Change]:
        """Those among the best k of the second answer alone."""
        return [change for change in self.changes if change.before is None]

    @property
    def left(self) -> list[Change]:
        """Those among the best k of the first answer alone."""
        return [change for change in self.changes if change.after is None]

    def __repr__(self) -> str:
        counts = f"{len(self.entered)} entered, {len(self.left)} left, {len(self.moved)} moved"
        return f"<Comparison: overlap {self.overlap:.2f} at {self.k}; {counts}>"

    def __str__(self) -> str:
        from coactive.display.sides import lines

        return "\n".join(lines(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from coactive.display.sides import sides

        return sides(self)


def compare(before: Sequence[SimilarImageGroup], after: Sequence[SimilarImageGroup], k: Any) -> Comparison:
    """Compare two answers, group by group where both have groups, and all images by their score.

    Raises:
        ApiTypeError, ApiValueError: `k` is no int of 1 or more.
    """
    depth = None if k is None else _checked(k)
    was, now = _by_name(before), _by_name(after)
    flat = is_flat(before) or is_flat(after)
    names = () if flat else dict.fromkeys([*now, *was])
    groups = {name: Comparison(was.get(name, ()), now.get(name, ()), depth) for name in names}
    return Comparison(_overall(before), _overall(after), depth, groups)


def _checked(k: Any) -> int:
    if isinstance(k, bool) or not hasattr(k, "__index__"):
        raise ApiTypeError(f"k: expected an int or None, got {type(k).__name__}")
    depth = operator.index(k)
    if depth < 1:
        raise ApiValueError(f"k: expected 1 or more, got {depth}")
    return depth


def _by_name(groups: Sequence[SimilarImageGroup]) -> dict[str | None, list[SimilarImage]]:
    named: dict[str | None, list[SimilarImage]] = {}
    for group in groups:
        named.setdefault(None if group.group is None else str(group.group), []).extend(group.images)
    return named


def _distinct(images: Sequence[SimilarImage]) -> list[SimilarImage]:
    """The images without those that stand further up already."""
    return list({_identity(image): image for image in reversed(images)}.values())[::-1]


def _places(images: Sequence[SimilarImage]) -> dict[str, tuple[int, SimilarImage]]:
    return {_identity(image): (rank, image) for rank, image in enumerate(images, 1)}


def _changes(was: Mapping[str, tuple[int, SimilarImage]], now: Mapping[str, tuple[int, SimilarImage]]) -> list[Change]:
    found = [Change(key, was[key][0] if key in was else None, rank, image) for key, (rank, image) in now.items()]
    return found + [Change(key, rank, None, image) for key, (rank, image) in was.items() if key not in now]


def _identity(image: SimilarImage) -> str:
    """What makes an image the same in another answer: its id, else its path."""
    return str(image.coactive_image_id or image.path or image.url)


def _overall(groups: Sequence[SimilarImageGroup]) -> list[SimilarImage]:
    """All images as one ranking: those of several groups by their score, best first, the ones without a score last."""
    images = [image for group in groups for image in group.images]
    return images if len(groups) == 1 else sorted(images, key=_by_score)


def _by_score(image: SimilarImage) -> float:
    score = image.score
    return -score if isinstance(score, int | float) and score == score else float("inf")  # NaN is like no number
