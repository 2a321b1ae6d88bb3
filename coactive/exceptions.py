"""Everything that this package raises; catch `OpenApiException` for all of it.

    OpenApiException
    ├── ApiTypeError        (TypeError)       an argument has the wrong type; nothing was sent
    ├── ApiValueError       (ValueError)      an argument is invalid; nothing was sent
    ├── ApiAttributeError   (AttributeError)  a model has no such field
    ├── ApiKeyError         (KeyError)        a model has no such field
    └── ApiException                          a call to the service failed, or its response could not be used
        ├── ApiConnectionError       0        there was no response: name, connection, TLS or proxy
        │   └── ApiTimeoutError      0        there was none in time
        ├── RedirectException        3xx      the service points elsewhere; it is not followed
        ├── BadRequestException      400      the file is not an image
        ├── UnauthorizedException    401      the token is invalid
        ├── ForbiddenException       403      the token is missing, or it lacks permission
        ├── NotFoundException        404      there is no such embedding
        ├── UnprocessableEntityException 422  an argument is invalid or out of range
        ├── TooManyRequestsException 429      too many calls; `retry_after` says when to call again
        ├── ServiceException         5xx      the service failed; calling again later may help
        └── ApiDecodeError                    the response cannot be decoded

An `ApiException` of no narrower class is any other status. Where there was no response the status is 0, the reason
says in words what went wrong, and the original exception is the `__cause__`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from coactive.model.error_response import ErrorResponse
    from coactive.model.http_validation_error import HTTPValidationError


class Answer(Protocol):
    """What an exception takes over from an HTTP answer."""

    @property
    def status(self) -> int: ...  # noqa: D102
    @property
    def reason(self) -> str | None: ...  # noqa: D102
    @property
    def headers(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def data(self) -> bytes: ...  # noqa: D102


CLOSED = "the ApiClient is closed; make a new one"


class OpenApiException(Exception):  # noqa: N818 - the name that generated clients gave it
    """The base of all that this package raises."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows for it: the reader's own frames and the message."""
        from coactive.display.problem import traceback_lines

        return traceback_lines(self)


def _rebuild(cls: type[OpenApiException], args: tuple[Any, ...], state: dict[str, Any]) -> OpenApiException:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class _Located(OpenApiException):
    """An error at a place: `path_to_item` leads there from the outside in."""

    def __init__(self, msg: str, path_to_item: Sequence[str | int] | None = None) -> None:
        self.path_to_item = path_to_item
        super().__init__(f"{msg} at {place(path_to_item)}" if path_to_item else msg)


class ApiTypeError(_Located, TypeError):
    """An argument has the wrong type, or no such argument exists; nothing was sent."""

    def __init__(
        self,
        msg: str,
        path_to_item: Sequence[str | int] | None = None,
        valid_classes: tuple[type, ...] | None = None,
        key_type: bool | None = None,
    ) -> None:
        self.valid_classes = valid_classes
        self.key_type = key_type
        super().__init__(msg, path_to_item)


class ApiValueError(_Located, ValueError):
    """An argument is invalid; nothing was sent. An `OSError` behind it is its `__cause__`."""


class ApiAttributeError(_Located, AttributeError):
    """A model has no field of that name."""


class ApiKeyError(_Located, KeyError):
    """A model has no field of that name."""

    def __str__(self) -> str:
        return str(self.args[0])


class ApiException(OpenApiException):
    """A call to the service failed, or its response could not be used.

    Attributes:
        status: the HTTP status; 0 where no answer came.
        reason: the status in words, or what went wrong where no answer came.
        headers: the answer's headers, by name in any case; empty where no answer came.
        body: the answer's body as text (bytes that are no text replaced); None where no answer came.
        data: the body as the model that the service documents for the status (`ErrorResponse`,
            `HTTPValidationError`), None where it documents none or the body is something else.
        explanation: the service's own words for it, on one line; None where it gave none.
        hint: what may help, in this client's words; None where it knows nothing.
        transient: no response came, and a retry may get one.
        tries: how often the request was sent, retries included.
    """

    hint: str | None = None
    transient = False
    tries = 0

    def __init__(
        self,
        status: int | None = None,
        reason: str | None = None,
        http_resp: Answer | None = None,
        *,
        data: ErrorResponse | HTTPValidationError | None = None,
        explanation: str | None = None,
    ) -> None:
        self.status: int = status or 0
        self.reason = reason
        self.headers: Mapping[str, str] = {}
        self.body: str | None = None
        if http_resp is not None:
            self.status, self.headers = http_resp.status, http_resp.headers
            self.reason = reason or http_resp.reason
            self.body = http_resp.data.decode("utf-8", "replace")
        self.data = data
        self.explanation = explanation
        super().__init__(self.status, self.reason)

    @property
    def request_id(self) -> str | None:
        """The service's name for this call, from the header `X-Request-ID`: quote it to the vendor."""
        return self.headers.get("X-Request-ID")

    @property
    def retry_after(self) -> float | None:
        """Seconds after which the service wants to be called again; None where it does not say.

        From the headers `retry-after-ms` or `Retry-After`.
        """
        from coactive.retry_after import seconds_of

        return seconds_of(self.headers)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self).splitlines()[0]!r})"

    def __str__(self) -> str:
        what = " ".join(str(word) for word in (self.status or None, self.reason) if word) or "No answer"
        lines = [f"{what}: {self.explanation}" if self.explanation else what]
        if self.hint:
            lines.append(f"Hint: {self.hint}")
        if self.request_id:
            lines.append(f"Request ID: {self.request_id}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from coactive.display.problem import problem

        return problem(self)


class ApiConnectionError(ApiException):
    """There was no response: the host's name is unknown, the connection, TLS or the proxy failed."""


class ApiTimeoutError(ApiConnectionError):
    """There was no response in time."""


class RedirectException(ApiException):
    """3xx: the service points elsewhere, and redirects are not followed; the header `Location` says where."""


class BadRequestException(ApiException):
    """400: the file is not an image."""


class UnauthorizedException(ApiException):
    """401: the token is invalid."""


class ForbiddenException(ApiException):
    """403: the token is missing, or it lacks permission."""


class NotFoundException(ApiException):
    """404: the service has no such embedding."""


class UnprocessableEntityException(ApiException):
    """422: an argument is invalid or out of range; the message names it."""


class TooManyRequestsException(ApiException):
    """429: too many calls; `retry_after` says when to call again."""


class ServiceException(ApiException):
    """5xx: the service failed; calling again later may help."""


class ApiDecodeError(ApiException):
    """The response cannot be decoded as what the operation returns; `.raw()` gives it unread."""


_BY_STATUS: Mapping[int, type[ApiException]] = MappingProxyType(
    {
        400: BadRequestException,
        401: UnauthorizedException,
        403: ForbiddenException,
        404: NotFoundException,
        422: UnprocessableEntityException,
        429: TooManyRequestsException,
    }
)


def exception_for(status: int) -> type[ApiException]:
    """The class of exception for an HTTP status."""
    if 300 <= status < 400:
        return RedirectException
    return _BY_STATUS.get(status, ServiceException if status >= 500 else ApiException)


def nearest(name: str, known: Iterable[str]) -> str:
    """What a message says of a name that is nearly a known one."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def place(path: Sequence[str | int]) -> str:
    """The way to an item, as Python would index it: `['data'][0]`."""
    return "".join(f"[{step!r}]" for step in path)
