"""The answer of a grouped search."""

from coactive.model.base import Model
from coactive.model.similar_image_group import SimilarImageGroup


class SimilaritySearchResponse(Model):
    """What a grouped search found.

    Attributes:
        data: the groups, in the order of their best image.
    """

    data: list[SimilarImageGroup]
