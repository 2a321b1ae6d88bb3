"""Reading answers: good ones into models, the others into exceptions."""

from __future__ import annotations

import gzip
import json
import urllib.parse
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_server import TOKEN, Reply, ScriptedServer
from urllib3 import HTTPHeaderDict

import coactive
from coactive import ApiDecodeError, ApiException, answer
from coactive.apis import SimilaritySearchApi
from coactive.clock import Clock
from coactive.models import ErrorResponse, HTTPValidationError, SimilaritySearchResponse
from coactive.response import RawResponse
from coactive.timeout import Timeouts
from coactive.wire import HttpRequest

FOUND = b'{"data": [{"group": "a", "images": [{"path": "\xc3\xbc.jpg", "score": 1}]}]}'


def _search(api: SimilaritySearchApi, **options: Any) -> SimilaritySearchResponse:
    return api.search_images_by_text_grouped("e", "q", **options)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=FOUND),
        Reply(body=FOUND, content_type="application/problem+json"),
        Reply(body=FOUND, content_type="application/json; charset=utf-8"),
        Reply(body=FOUND.decode().encode("latin-1"), content_type='application/json; charset="latin-1"; a=b'),
        Reply(body=FOUND.decode().encode("utf-16"), content_type="application/json"),
        Reply(body=b"\xef\xbb\xbf" + FOUND),
        Reply(body=FOUND, content_type=None),
        Reply(body=FOUND, content_type="application/json; Charset=binary"),
        Reply(body=b"\xef\xbb\xbf" + FOUND, content_type="application/json; charset=UTF8"),
        Reply(body=gzip.compress(FOUND), headers={"Content-Encoding": "gzip"}),
        Reply(body=zlib.compress(FOUND), headers={"Content-Encoding": "deflate"}),
        Reply(status=201, body=FOUND),
    ],
)
def test_an_answer_is_read_whatever_its_encoding(
    api: SimilaritySearchApi, server: ScriptedServer, reply: Reply
) -> None:
    server.reply(reply)
    (group,) = _search(api).data
    assert (group.group, group.images[0].path, group.images[0].score) == ("a", "ü.jpg", 1)


@pytest.mark.parametrize("value", [{"any": [1, None]}, [], "text", 0, False, None, 1.5])
def test_get_similar_images_hands_on_any_json(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes, value: Any
) -> None:
    server.reply(Reply.json(value))
    assert api.get_similar_images("e", png) == value


@pytest.mark.parametrize("reply", [Reply(status=204, body=b"", content_type=None), Reply(body=b""), Reply(body=b" \n")])
def test_an_empty_answer_is_none_or_where_a_model_is_due_an_error(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes, reply: Reply
) -> None:
    server.reply(reply)
    assert api.get_similar_images("e", png) is None
    with pytest.raises(ApiDecodeError, match="empty, where SimilaritySearchResponse was expected") as caught:
        _search(api)
    assert caught.value.status == reply.status


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(body=b"<html>Log in</html>", content_type="text/html"), "not JSON but text/html: <html>Log in</html>"),
        (Reply(body=b"{broken"), "not JSON but application/json: {broken"),
        (Reply(body=b"\xff\xfe\xfd\xfc\xfb"), "not JSON but application/json: "),
        (Reply(body=b"[" * 100_000), "not JSON but application/json: [[[["),
        (Reply(body=b"x" * 500, content_type=None), f"not JSON but no media type: {'x' * 200}..."),
        (Reply.json({"data": [{"images": {}}]}), "expected a list, got an object at ['data'][0]['images']"),
        (Reply.json([]), "not a SimilaritySearchResponse: expected an object, got a list"),
    ],
)
def test_a_good_status_with_a_body_of_another_kind_is_our_own_error_and_says_how_to_see_it(
    api: SimilaritySearchApi, server: ScriptedServer, reply: Reply, words: str
) -> None:
    server.reply(reply)
    with pytest.raises(ApiDecodeError) as caught:
        _search(api)
    first_line = str(caught.value).splitlines()[0]
    assert first_line.startswith("200 OK: the response is ")
    assert words in first_line
    assert "`.raw()` gives it unread" in first_line
    assert (caught.value.body, caught.value.tries) == (reply.body.decode("utf-8", "replace"), 1)
    assert api.search_images_by_text_grouped.raw("e", "q").data == reply.body


def test_json_of_another_structure_is_handed_on_where_the_check_is_switched_off(
    api: SimilaritySearchApi, server: ScriptedServer
) -> None:
    odd = {"data": [{"images": [{"score": 1}]}, {"images": {}}]}
    server.reply(Reply.json(odd))
    unchecked: Any = {"_check_return_type": False}
    assert _search(api, **unchecked) == odd
    server.reply(Reply(body=FOUND))
    assert isinstance(_search(api, **unchecked), SimilaritySearchResponse)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_broken_content_encoding_is_an_answer_that_cannot_be_read(
    api: SimilaritySearchApi, server: ScriptedServer, encoding: str
) -> None:
    server.reply(Reply(body=b"\x1f\x8b not compressed", headers={"Content-Encoding": encoding}))
    with pytest.raises(ApiDecodeError, match="^200 OK: its content encoding is broken") as caught:
        _search(api)
    assert caught.value.__cause__ is not None


ERRORS: list[tuple[Reply, type[ApiException], str, Any]] = [
    (
        Reply.json({"detail": "no image"}, 400),
        coactive.BadRequestException,
        "400 Bad Request: no image",
        ErrorResponse("no image"),
    ),
    (
        Reply.json({"detail": "who?"}, 401),
        coactive.UnauthorizedException,
        "401 Unauthorized: who?",
        ErrorResponse("who?"),
    ),
    (Reply.json({"detail": "no"}, 403), coactive.ForbiddenException, "403 Forbidden: no", ErrorResponse("no")),
    (Reply.json({"detail": "gone"}, 404), coactive.NotFoundException, "404 Not Found: gone", ErrorResponse("gone")),
    (
        Reply.json({"detail": "large"}, 413),
        ApiException,
        "413 Content Too Large: large",
        ErrorResponse("large"),
    ),
    (
        Reply.json({"detail": [{"loc": ["body", "limit"], "msg": "too large", "type": "t"}]}, 422),
        coactive.UnprocessableEntityException,
        "422 Unprocessable Content: limit: too large",
        HTTPValidationError.from_dict({"detail": [{"loc": ["body", "limit"], "msg": "too large", "type": "t"}]}),
    ),
    (
        Reply.json({"detail": "some\n words"}, 422),
        coactive.UnprocessableEntityException,
        "422 Unprocessable Content: some words",
        None,
    ),
    (
        Reply.json({"detail": {"a": 1}}, 422),
        coactive.UnprocessableEntityException,
        '422 Unprocessable Content: {"detail": {"a": 1}}',
        None,
    ),
    (Reply.json({"detail": "busy"}, 500), coactive.ServiceException, "500 Internal Server Error: busy", None),
    (Reply.json({"detail": 5}, 404), coactive.NotFoundException, '404 Not Found: {"detail": 5}', ErrorResponse(5)),  # type: ignore[arg-type]
    (Reply.json([1], 404), coactive.NotFoundException, "404 Not Found: [1]", None),
    (
        Reply(404, b"\xff\x00\xfe", content_type=None),
        coactive.NotFoundException,
        "404 Not Found: \ufffd\x00\ufffd",
        None,
    ),
    (Reply(404, b""), coactive.NotFoundException, "404 Not Found", None),
    (
        Reply.json({"detail": "slow down"}, 429, retry_after="90"),
        coactive.TooManyRequestsException,
        "429 Too Many Requests: slow down",
        None,
    ),
    (Reply(409, b"held", content_type="text/plain"), ApiException, "409 Conflict: held", None),
    (
        Reply(502, b"<html>\n <h1>Bad</h1>\n</html>", content_type="text/html"),
        coactive.ServiceException,
        "502 Bad Gateway: <html> <h1>Bad</h1> </html>",
        None,
    ),
    (
        Reply(302, b"", headers={"Location": "https://elsewhere.example/"}),
        coactive.RedirectException,
        "302 Found: redirects are not followed; the service points to https://elsewhere.example/",
        None,
    ),
    (Reply(304, b""), coactive.RedirectException, "304 Not Modified", None),
]


@pytest.mark.parametrize(("reply", "kind", "first_line", "data"), ERRORS)
@pytest.mark.parametrize("way", ["call", "future", "with_http_info", "raw", "unread"])
def test_a_status_that_is_no_success_is_a_typed_error_with_the_services_words(
    api: SimilaritySearchApi,
    server: ScriptedServer,
    reply: Reply,
    kind: type[ApiException],
    first_line: str,
    data: Any,
    way: str,
) -> None:
    server.reply(reply)
    operation: Any = api.search_images_by_text_grouped
    ways: dict[str, Any] = {
        "call": operation,
        "future": lambda *args: operation.submit(*args).get(),
        "with_http_info": operation.with_http_info,
        "raw": operation.raw,
        "unread": lambda *args: operation(*args, _preload_content=False),
    }
    with pytest.raises(ApiException) as caught:
        ways[way]("e", "q")
    error = caught.value
    assert type(error) is kind
    assert str(error).split("\n")[0] == first_line
    assert (error.status, error.body, error.data) == (reply.status, reply.body.decode("utf-8", "replace"), data)
    assert len(server.seen) == 1


def test_a_422_names_the_argument_or_the_place(api: SimilaritySearchApi, server: ScriptedServer) -> None:
    problems = [
        {"loc": ["query", "limit"], "msg": "too large", "type": "t"},
        {"loc": ["path", "embedding_id", 0], "msg": "no UUID", "type": "t"},
        {"loc": ["header", "x", 3], "msg": "odd", "type": "t"},
    ]
    server.reply(Reply.json({"detail": problems}, 422))
    with pytest.raises(ApiException) as caught:
        _search(api)
    assert str(caught.value) == "422 Unprocessable Content: limit: too large; embedding_id: no UUID; header.x.3: odd"


def test_the_request_id_is_read_and_shown(api: SimilaritySearchApi, server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "gone"}, 404, x_request_id="r-17"))
    with pytest.raises(coactive.NotFoundException) as caught:
        _search(api)
    assert caught.value.request_id == "r-17"
    assert str(caught.value).splitlines()[-1] == "Request ID: r-17"
    assert caught.value.headers["X-REQUEST-ID"] == "r-17"


@pytest.mark.parametrize("echo", [TOKEN, TOKEN.partition(":")[2], json.dumps(TOKEN)[1:-1].replace("/", "\\/")])
@pytest.mark.parametrize("status", [401, 200])
def test_a_token_that_the_service_repeats_is_nowhere_in_the_error(
    api: SimilaritySearchApi, server: ScriptedServer, echo: str, status: int
) -> None:
    server.reply(Reply(status, f'{{"detail": "bad token {echo}"}}'.encode(), {"WWW-Authenticate": echo}))
    with pytest.raises(ApiException) as caught:
        _search(api)
    error = caught.value
    shown = f"{error} {error!r} {error.body} {error.data} {error.headers} {error.reason} {vars(error)}"
    assert TOKEN.partition(":")[2] not in shown
    assert "bad token ***" in f"{error} {error.body}"


REQUEST = HttpRequest("GET", "https://h/", {}, None, Clock(Timeouts()), [TOKEN], parameters=["limit"])

BODIES = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["detail", "loc", "msg", "data"]), inner),
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(max_examples=300, deadline=None)
@given(status=st.integers(300, 999), body=BODIES, kind=st.sampled_from(["", "application/json", "a; charset=utf-16"]))
def test_building_an_error_never_raises_another(status: int, body: bytes, kind: str) -> None:
    response = RawResponse(status, "Reason", HTTPHeaderDict({"Content-Type": kind}), body)
    error = answer.failure(response, REQUEST)
    assert error.status == status
    assert str(error).startswith(f"{status} Reason")
    assert repr(error)


@settings(max_examples=300, deadline=None)
@given(body=BODIES)
def test_reading_any_body_gives_a_model_or_our_own_error(body: bytes) -> None:
    response = RawResponse(200, "OK", HTTPHeaderDict(), body)
    try:
        model = answer.read(response, SimilaritySearchResponse)
    except ApiDecodeError as error:
        assert error.status == 200
    else:
        assert isinstance(model.data, list)


def test_an_error_with_more_than_python_can_nest_keeps_its_words(
    api: SimilaritySearchApi, server: ScriptedServer
) -> None:
    deep = b"[" * 500 + b"]" * 500
    server.reply(Reply(400, b'{"detail": "no image", "extra": ' + deep + b"}"))
    with pytest.raises(coactive.BadRequestException, match="400 Bad Request"):
        _search(api)


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("spelling", [TOKEN, urllib.parse.quote(TOKEN), urllib.parse.quote(TOKEN, safe="")])
def test_a_token_that_is_repeated_in_another_charset_or_spelling_is_not_shown(
    api: SimilaritySearchApi, server: ScriptedServer, charset: str, spelling: str
) -> None:
    server.reply(Reply(401, json.dumps({"detail": f"bad {spelling}"}).encode(charset)))
    with pytest.raises(coactive.UnauthorizedException) as caught:
        _search(api)
    assert str(caught.value) == "401 Unauthorized: bad ***"
    assert caught.value.data == ErrorResponse("bad ***")
