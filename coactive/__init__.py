"""A typed client for the Coactive image similarity search."""

import logging

from coactive.api_client import ApiClient
from coactive.configuration import Configuration
from coactive.credentials import ClientCredentials
from coactive.exceptions import (
    ApiAttributeError,
    ApiConnectionError,
    ApiDecodeError,
    ApiException,
    ApiKeyError,
    ApiTimeoutError,
    ApiTypeError,
    ApiValueError,
    BadRequestException,
    ForbiddenException,
    NotFoundException,
    OpenApiException,
    RedirectException,
    ServiceException,
    TooManyRequestsException,
    UnauthorizedException,
    UnprocessableEntityException,
)
from coactive.version import VERSION

__all__ = [
    "ApiAttributeError",
    "ApiClient",
    "ApiConnectionError",
    "ApiDecodeError",
    "ApiException",
    "ApiKeyError",
    "ApiTimeoutError",
    "ApiTypeError",
    "ApiValueError",
    "BadRequestException",
    "ClientCredentials",
    "Configuration",
    "ForbiddenException",
    "NotFoundException",
    "OpenApiException",
    "RedirectException",
    "ServiceException",
    "TooManyRequestsException",
    "UnauthorizedException",
    "UnprocessableEntityException",
    "__version__",
]

__version__ = VERSION


def __dir__() -> list[str]:
    return __all__


logging.getLogger("coactive").addHandler(logging.NullHandler())
