"""Reading an answer: the model that an operation returns, or the exception that its status means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from coactive.exceptions import Answer, ApiDecodeError, ApiException, exception_for, place
from coactive.model.base import Misfit, Model
from coactive.model.error_response import ErrorResponse
from coactive.model.http_validation_error import HTTPValidationError
from coactive.response import RawResponse

T = TypeVar("T")

_DOCUMENTED: Mapping[int, type[ErrorResponse | HTTPValidationError]] = MappingProxyType(
    {
        400: ErrorResponse,
        401: ErrorResponse,
        403: ErrorResponse,
        404: ErrorResponse,
        413: ErrorResponse,
        422: HTTPValidationError,
    }
)
"""What the service documents as the body of each status that is no success."""

_EXCERPT = 200
"""Characters of a body that is no JSON in a message."""


def read(response: Answer, returns: type[T] | None, *, check: bool = True) -> T:
    """The answer as `returns`, or as plain Python values where that is None.

    Args:
        response: an answer with a status of success.
        returns: the model to read it into.
        check: whether JSON of another structure is an error; else it is handed on as it came.

    Raises:
        ApiDecodeError: it is no JSON, is empty where a model is due, or has another structure.
    """
    if not response.data.strip():
        if returns is None:
            return None  # type: ignore[return-value]
        raise _unreadable(response, f"empty, where {returns.__name__} was expected")
    try:
        value = _json(response)
    except (ValueError, LookupError, RecursionError) as error:
        kind = response.headers.get("Content-Type", "no media type")
        raise _unreadable(response, f"no JSON but {kind}: {_excerpt(response)}") from error
    if returns is None or not issubclass(returns, Model):
        return value  # type: ignore[no-any-return]
    try:
        return returns.adopt(value)
    except Misfit as misfit:
        if not check:
            return _json(response)  # type: ignore[no-any-return]  # anew: adopting has changed it
        where = f" at {place(misfit.path)}" if misfit.path else ""
        raise _unreadable(response, f"no {returns.__name__}: {misfit.problem}{where}") from None


def failure(response: RawResponse, parameters: Sequence[str], secrets: Sequence[str]) -> ApiException:
    """The exception for an answer whose status is no success.

    Args:
        response: the answer.
        parameters: the names of the operation's arguments: the message of a 422 names the one it is about.
        secrets: what must not appear in the exception, should the service repeat it.
    """
    response = _without(secrets, response)
    model = _DOCUMENTED.get(response.status)
    try:
        data = model.adopt(_json(response)) if model else None
    except (ValueError, LookupError, RecursionError, Misfit):
        data = None
    explanation = _explanation(response, data, parameters)
    return exception_for(response.status)(http_resp=response, data=data, explanation=explanation)


def _explanation(
    response: RawResponse, data: ErrorResponse | HTTPValidationError | None, parameters: Sequence[str]
) -> str | None:
    if isinstance(data, HTTPValidationError):
        return "; ".join(f"{_argument(problem.loc, parameters)}: {problem.msg}" for problem in data.detail)
    if isinstance(data, ErrorResponse):
        return str(data.detail)
    location = response.headers.get("Location")
    if 300 <= response.status < 400 and location:
        return f"redirects are not followed; the service points to {location}"
    return _excerpt(response) or None


def _argument(loc: list[str | int], parameters: Sequence[str]) -> str:
    """The argument that a place in the request stands for; the place itself where it stands for none."""
    named = [step for step in loc if step in parameters]
    return str(named[-1]) if named else ".".join(map(str, loc))


def _json(response: Answer) -> Any:
    _, _, charset = response.headers.get("Content-Type", "").partition("charset=")
    name = charset.partition(";")[0].strip(' "')
    return json.loads(response.data if not name or name.lower() == "utf-8" else response.data.decode(name))


def _unreadable(response: Answer, problem: str) -> ApiDecodeError:
    return ApiDecodeError(http_resp=response, explanation=f"the answer is {problem} (`.raw()` gives it as it came)")


def _excerpt(response: Answer) -> str:
    text = " ".join(response.data[: 8 * _EXCERPT].decode("utf-8", "replace").split())
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."


def _without(secrets: Sequence[str], response: RawResponse) -> RawResponse:
    """The answer with the secrets of the request made unreadable, should the service repeat one."""
    parts = [secret.partition(":")[2] for secret in secrets]
    headers = response.headers.copy()
    data, reason = response.data, response.reason
    for text in [*filter(None, secrets), *(part for part in parts if len(part) >= _LONG_SECRET)]:
        data = data.replace(text.encode(), b"***")
        reason = reason and reason.replace(text, "***")
        for name in [name for name, value in headers.items() if text in value]:
            headers[name] = headers[name].replace(text, "***")
    return RawResponse(response.status, reason, headers, data)


_LONG_SECRET = 16
"""From this length on a client secret is hidden alone too; a short one could be part of any word."""
