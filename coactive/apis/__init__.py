"""All groups of operations by name."""

from coactive.api.similarity_search_api import SimilaritySearchApi

__all__ = ["SimilaritySearchApi"]
