"""Images that share a metadata value."""

from coactive.model.base import Model
from coactive.model.similar_image import SimilarImage


class SimilarImageGroup(Model):
    """The images found that share one value of the metadata key they were grouped by.

    Attributes:
        images: the images, most similar first.
        group: the value they share; None for images without one.
    """

    images: list[SimilarImage]
    group: str | None = None
