"""The arguments that the service would not take."""

from coactive.model.base import Model
from coactive.model.validation_error import ValidationError


class HTTPValidationError(Model):
    """The arguments that the service would not take: the body of 422.

    Attributes:
        detail: one entry an argument.
    """

    detail: list[ValidationError]
