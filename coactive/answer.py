"""Reading an answer: the model that an operation returns, or the exception that its status means."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from coactive import redaction
from coactive.exceptions import ApiDecodeError, ApiException, ApiTypeError, exception_for, place
from coactive.model.decoding import Misfit, converter
from coactive.model.error_response import ErrorResponse
from coactive.model.http_validation_error import HTTPValidationError
from coactive.model.similarity_search_response import SimilaritySearchResponse
from coactive.response import RawResponse

if TYPE_CHECKING:
    from coactive.request import Request
    from coactive.wire import HttpRequest

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


def to(request: Request[T], response: RawResponse, secrets: Sequence[str] = ()) -> T:
    """What a request returns, read from its answer; raises as `read` does."""
    check = request.options.get("_check_return_type", True)
    data = read(response, request.returns, check=check, secrets=secrets)
    if isinstance(data, SimilaritySearchResponse):
        data._remember(request.asked)
    return data


def read(response: RawResponse, returns: type[T] | None, *, check: bool = True, secrets: Sequence[str] = ()) -> T:
    """The answer as `returns`, or as plain Python values where that is None.

    Args:
        response: an answer with a status of success.
        returns: the model to read it into.
        check: whether JSON of another structure is an error; else it is handed on as it came.
        secrets: what must not appear in an exception, should the service repeat it.

    Raises:
        ApiDecodeError: it is no JSON, is empty where a model is due, or has another structure.
    """
    if not response.data or response.data.isspace():
        if returns is None:
            return None  # type: ignore[return-value]
        raise _unreadable(response, f"empty, where {returns.__name__} was expected", secrets)
    value, wanted = _decoded(response, secrets), cast("Any", returns)
    try:
        return converter(wanted)(value)  # type: ignore[no-any-return]
    except Misfit as misfit:
        if not check:
            return _json(response)  # type: ignore[no-any-return]  # anew: adopting has changed it
        where = f" at {place(misfit.path)}" if misfit.path else ""
        name = getattr(returns, "__name__", "")
        raise _unreadable(response, f"not a {name}: {misfit.problem}{where}", secrets) from None


def _decoded(response: RawResponse, secrets: Sequence[str]) -> Any:
    try:
        return _json(response)
    except (ValueError, RecursionError) as error:
        hidden = redaction.of_response(response, secrets)
        kind = hidden.headers.get("Content-Type", "no media type")
        problem = f"not JSON but {kind}: {_excerpt(hidden)}"
        raise _unreadable(hidden, problem, ()) from redaction.of_error(error, secrets)


def failure(response: RawResponse, request: HttpRequest) -> ApiException:
    """The exception for an answer whose status is no success.

    Args:
        response: the answer.
        request: what was sent. The message of a 422 names its argument, and repeats none of its secrets.
    """
    response = redaction.of_response(response, request.secrets)
    try:
        value = redaction.of_json(_json(response), request.secrets)
    except (ValueError, RecursionError):
        value = None
    data = _documented(response.status, value)
    explanation = _explanation(response, value, data, request.parameters)
    error = exception_for(response.status)(http_resp=response, data=data, explanation=explanation or None)
    error.hint = request.hint(request, response.status)
    return error


def _documented(status: int, value: Any) -> ErrorResponse | HTTPValidationError | None:
    model = _DOCUMENTED.get(status)
    try:
        return model.from_dict(value) if model else None
    except (ApiTypeError, RecursionError):
        return None


def _explanation(
    response: RawResponse, value: Any, data: ErrorResponse | HTTPValidationError | None, parameters: Sequence[str]
) -> str:
    """The service's own words, on one line."""
    location = response.headers.get("Location")
    if isinstance(data, HTTPValidationError):
        text = "; ".join(f"{_argument(problem.loc, parameters)}: {problem.msg}" for problem in data.detail)
    elif isinstance(value, dict) and isinstance(value.get("detail"), str):
        text = value["detail"]
    elif 300 <= response.status < 400 and location:
        text = f"redirects are not followed; the service points to {location}"
    else:
        return _excerpt(response)
    return " ".join(text.split())


def _argument(loc: list[str | int], parameters: Sequence[str]) -> str:
    """The argument that a place in the request stands for; the place itself where it stands for none."""
    named = [step for step in loc if step in parameters]
    return str(named[-1]) if named else ".".join(map(str, loc))


def _json(response: RawResponse) -> Any:
    """The body as plain Python values; for a charset that is none, or unknown, JSON's own ones are tried."""
    _, _, charset = response.headers.get("Content-Type", "").lower().partition("charset=")
    if not charset:
        return json.loads(response.data)
    try:
        name = codecs.lookup(charset.partition(";")[0].strip(" '\"")).name
        return json.loads(response.data if name == "utf-8" else response.data.decode(name))
    except LookupError:
        return json.loads(response.data)


def _unreadable(response: RawResponse, problem: str, secrets: Sequence[str]) -> ApiDecodeError:
    explanation = f"the response is {problem} (`.raw()` gives it unread)"
    error = ApiDecodeError(http_resp=redaction.of_response(response, secrets), explanation=explanation)
    error.tries = response.tries
    return error


def _excerpt(response: RawResponse) -> str:
    text = " ".join(response.data[: 8 * _EXCERPT].decode("utf-8", "replace").split())
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."
