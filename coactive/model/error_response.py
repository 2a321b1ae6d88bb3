"""The service's words for why it refused a call."""

from coactive.model.base import Model


class ErrorResponse(Model):
    """Why the service refused a call: the body of 400, 401, 403, 404 and 413.

    Attributes:
        detail: the reason, in the service's own words.
    """

    detail: str
