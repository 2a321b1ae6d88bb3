"""All models by name."""

from coactive.model.error_response import ErrorResponse
from coactive.model.http_validation_error import HTTPValidationError
from coactive.model.similar_image import SimilarImage
from coactive.model.similar_image_group import SimilarImageGroup
from coactive.model.similarity_search_response import SimilaritySearchResponse
from coactive.model.validation_error import ValidationError

__all__ = [
    "ErrorResponse",
    "HTTPValidationError",
    "SimilarImage",
    "SimilarImageGroup",
    "SimilaritySearchResponse",
    "ValidationError",
]
