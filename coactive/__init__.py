"""A typed client for the Coactive image similarity search."""

import logging

from coactive.api_client import ApiClient
from coactive.configuration import Configuration
from coactive.exceptions import (
    ApiAttributeError,
    ApiDecodeError,
    ApiException,
    ApiKeyError,
    ApiTypeError,
    ApiValueError,
    ForbiddenException,
    NotFoundException,
    OpenApiException,
    ServiceException,
    UnauthorizedException,
)
from coactive.version import VERSION

__all__ = [
    "ApiAttributeError",
    "ApiClient",
    "ApiDecodeError",
    "ApiException",
    "ApiKeyError",
    "ApiTypeError",
    "ApiValueError",
    "Configuration",
    "ForbiddenException",
    "NotFoundException",
    "OpenApiException",
    "ServiceException",
    "UnauthorizedException",
    "__version__",
]

__version__ = VERSION


def __dir__() -> list[str]:
    return __all__


logging.getLogger("coactive").addHandler(logging.NullHandler())
