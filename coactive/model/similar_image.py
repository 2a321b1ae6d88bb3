"""An image that a search found."""

from datetime import datetime
from typing import Any

from coactive.model.base import Model


class SimilarImage(Model):
    """An image that a search found, and how close it is to what was asked.

    Attributes:
        coactive_image_id: the service's own name for the image.
        path: where the image came from, such as `s3://...` or a file name.
        url: where it can be looked at.
        score: the similarity score; higher is closer.
        metadata: the asset's own metadata, by key.
        created_dt, updated_dt: when the asset came and last changed; aware where the service names a zone.
        created_user_id, updated_user_id: who did that.
    """

    coactive_image_id: str | None = None
    path: str | None = None
    url: str | None = None
    score: float | None = None
    metadata: dict[str, Any] | None = None
    created_dt: datetime | None = None
    updated_dt: datetime | None = None
    created_user_id: str | None = None
    updated_user_id: str | None = None
