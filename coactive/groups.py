"""What a search found, whichever operation found it: groups of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coactive.exceptions import ApiTypeError
from coactive.model.similar_image import SimilarImage
from coactive.model.similar_image_group import SimilarImageGroup
from coactive.model.similarity_search_response import SimilaritySearchResponse

_ALLOWED = "a SimilaritySearchResponse or the JSON of a search, such as {'data': [...]}"


def groups_of(name: str, answer: Any) -> list[SimilarImageGroup]:
    """The groups of an answer; the images of one without groups are a single group without a name.

    Args:
        name: what the argument is called.
        answer: a `SimilaritySearchResponse`, or JSON as plain Python values: `{"data": [...]}` or the list in it,
            of images or of groups.

    Raises:
        ApiTypeError: it is something else; the message names the argument.
    """
    if isinstance(answer, SimilaritySearchResponse):
        return answer.data
    found = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(found, list):
        kind = "a dict without a list 'data'" if isinstance(answer, dict) else type(answer).__name__
        raise ApiTypeError(f"{name}: expected {_ALLOWED}, got {kind}")
    if found and all(isinstance(item, SimilarImageGroup) or _has_images(item) for item in found):
        return [_read(SimilarImageGroup, name, place, item) for place, item in enumerate(found)]
    return [SimilarImageGroup([_read(SimilarImage, name, place, item) for place, item in enumerate(found)])]


def _has_images(item: Any) -> bool:
    return isinstance(item, dict) and "images" in item


def _read(model: Any, name: str, place: int, item: Any) -> Any:
    if isinstance(item, model):
        return item
    try:
        return model.from_dict(item)
    except ApiTypeError as error:
        raise ApiTypeError(f"{name}: item {place}: {error}") from None


def best(groups: Sequence[SimilarImageGroup], most: int) -> list[tuple[SimilarImageGroup, int]]:
    """The groups, and how many images to show of each: the first of every group before the second of any.

    Args:
        groups: the groups.
        most: how many images over all groups.
    """
    places = [(rank, place) for place, group in enumerate(groups) for rank in range(len(group.images))]
    shown = [0] * len(groups)
    for _, place in sorted(places)[:most]:
        shown[place] += 1
    return [(group, count) for group, count in zip(groups, shown, strict=True) if count or not group.images]


def is_flat(groups: Sequence[SimilarImageGroup]) -> bool:
    """Whether all images are a single group without a name, so that nothing is to be said of groups."""
    return len(groups) == 1 and groups[0].group is None
