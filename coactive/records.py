"""A result as a table: one flat record an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from coactive.model.similar_image_group import SimilarImageGroup

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = ("rank", "group", "id", "score", "path", "url")
"""What every record has, before its metadata."""


def to_records(groups: Sequence[SimilarImageGroup]) -> list[dict[str, Any]]:
    """One dict an image, group by group, as `SimilaritySearchResponse.to_records` explains them."""
    keys = dict.fromkeys(key for group in groups for image in group.images for key in image.metadata or ())
    return [
        dict(
            zip(COLUMNS, (rank, group.group, image.coactive_image_id, image.score, image.path, image.url), strict=True)
        )
        | {f"metadata.{key}": (image.metadata or {}).get(key) for key in keys}
        for group in groups
        for rank, image in enumerate(group.images, 1)
    ]


def to_dataframe(groups: Sequence[SimilarImageGroup]) -> DataFrame:
    """The records as a pandas DataFrame: `rank` an integer, `score` a float, NaN where it is no number.

    Raises:
        ModuleNotFoundError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("to_dataframe() needs pandas: pip install pandas", name=error.name) from error
    records = [record | {"score": _number(record["score"])} for record in to_records(groups)]
    frame = pd.DataFrame(records, columns=list(records[0]) if records else list(COLUMNS))
    return frame.astype({"rank": "int64", "score": "float64"})


def _number(score: Any) -> float:
    try:
        return float(score)
    except (TypeError, ValueError, OverflowError):
        return float("nan")
