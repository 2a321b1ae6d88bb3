"""The exceptions: what they are a kind of, what they carry, and that they travel whole."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from scripted_server import Reply, ScriptedServer, unused_port
from urllib3 import HTTPHeaderDict

import coactive
from coactive import exceptions
from coactive.apis import SimilaritySearchApi
from coactive.models import ErrorResponse
from coactive.response import RawResponse


def test_every_exception_has_the_one_base_and_the_builtin_it_stands_for() -> None:
    kinds = {
        coactive.ApiTypeError: TypeError,
        coactive.ApiValueError: ValueError,
        coactive.ApiAttributeError: AttributeError,
        coactive.ApiKeyError: KeyError,
        coactive.ApiException: coactive.OpenApiException,
        coactive.UnauthorizedException: coactive.ApiException,
        coactive.ForbiddenException: coactive.ApiException,
        coactive.NotFoundException: coactive.ApiException,
        coactive.ServiceException: coactive.ApiException,
        coactive.ApiDecodeError: coactive.ApiException,
        coactive.ApiConnectionError: coactive.ApiException,
        coactive.ApiTimeoutError: coactive.ApiConnectionError,
        coactive.RedirectException: coactive.ApiException,
        coactive.BadRequestException: coactive.ApiException,
        coactive.UnprocessableEntityException: coactive.ApiException,
        coactive.TooManyRequestsException: coactive.ApiException,
    }
    for kind, base in kinds.items():
        assert issubclass(kind, coactive.OpenApiException)
        assert issubclass(kind, base)
        assert getattr(exceptions, kind.__name__) is kind


def test_every_exception_stands_in_the_drawing_of_the_tree() -> None:
    drawn = exceptions.__doc__ or ""
    for name in dir(exceptions):
        kind = getattr(exceptions, name)
        if not name.startswith("_") and isinstance(kind, type) and issubclass(kind, coactive.OpenApiException):
            assert name in drawn, name


def test_a_call_without_an_answer_has_status_0_and_keeps_the_cause() -> None:
    configuration = coactive.Configuration(host=f"http://127.0.0.1:{unused_port()}", access_token="a:b", retries=False)
    with coactive.ApiClient(configuration) as client, pytest.raises(coactive.ApiException) as caught:
        SimilaritySearchApi(client).search_images_by_text_grouped("e", "q")
    error = caught.value
    assert type(error) is coactive.ApiConnectionError
    assert (error.status, error.body, error.data, error.request_id, dict(error.headers)) == (0, None, None, None, {})
    assert str(error) == f"no answer from {configuration.host}: cannot connect ([Errno 111] Connection refused)"
    assert error.__cause__ is not None


def _samples() -> list[coactive.OpenApiException]:
    headers = HTTPHeaderDict({"X-Request-ID": "r-1"})
    answer = RawResponse(404, "Not Found", headers, b'{"detail": "gone"}')
    found = coactive.NotFoundException(http_resp=answer, data=ErrorResponse("gone"), explanation="gone")
    transient = coactive.ApiException(0, "no answer", explanation="cannot connect")
    transient.transient = True
    return [
        found,
        transient,
        coactive.ApiException(),
        coactive.ApiException(status=500, reason="by hand"),
        coactive.ApiDecodeError(200, "OK"),
        coactive.ApiTypeError("wrong", ["data", 0]),
        coactive.ApiValueError("bad", ["data"]),
        coactive.ApiAttributeError("no field"),
        coactive.ApiKeyError("no field"),
    ]


def _look(error: coactive.OpenApiException) -> tuple[str, dict[str, object]]:
    return str(error), {name: value for name, value in vars(error).items() if name != "headers"}


@pytest.mark.parametrize("index", range(len(_samples())))
def test_exceptions_pickle_whole(index: int) -> None:
    error = _samples()[index]
    clone = pickle.loads(pickle.dumps(error))
    assert type(clone) is type(error)
    assert _look(clone) == _look(error)
    if isinstance(error, coactive.ApiException) and isinstance(clone, coactive.ApiException):
        assert (clone.request_id, clone.transient) == (error.request_id, error.transient)


def _fail(host: str) -> None:
    configuration = coactive.Configuration(host=host, access_token="a:b", retries=False)
    with coactive.ApiClient(configuration) as client:
        SimilaritySearchApi(client).search_images_by_text_grouped("e", "q")


@pytest.mark.heavy
def test_an_exception_crosses_a_process_pool_whole(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "gone"}, 404, x_request_id="r-17"))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(coactive.NotFoundException) as caught:
            pool.submit(_fail, server.host).result(60)
        first, hint, last = str(caught.value).splitlines()
        assert (first, hint[:5], last) == ("404 Not Found: gone", "Hint:", "Request ID: r-17")
        assert (caught.value.data, caught.value.headers["x-request-id"]) == (ErrorResponse("gone"), "r-17")
        with pytest.raises(coactive.ApiException, match="cannot connect"):
            pool.submit(_fail, f"http://127.0.0.1:{unused_port()}").result(60)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "90"}, 90.0),
        ({"Retry-After": "0"}, 0.0),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"Retry-After": "2", "Retry-After-Ms": "1500.5"}, 1.5005),
        ({"Retry-After": "2", "retry-after-ms": "soon"}, 2.0),
    ],
)
def test_retry_after_is_seconds_or_none(
    server: ScriptedServer, client: coactive.ApiClient, headers: dict[str, str], seconds: float | None
) -> None:
    server.reply(Reply(429, b"", headers))
    with pytest.raises(coactive.TooManyRequestsException) as caught:
        SimilaritySearchApi(client).search_images_by_text_grouped("e", "q")
    assert caught.value.retry_after == seconds
    assert caught.value.tries == 1


def test_an_exception_made_by_hand_reads_well() -> None:
    assert str(coactive.ApiException(status=404, reason="Not Found")) == "404 Not Found"
    assert str(coactive.ApiException()) == "No answer"
    assert str(coactive.ApiTypeError("wrong", ["data", 0])) == "wrong at ['data'][0]"
