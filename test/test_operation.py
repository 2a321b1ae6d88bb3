"""The ways to run an operation, and how it shows itself to the tools that people look with."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import pydoc
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any
from unittest.mock import create_autospec

import pytest
from scripted_server import TOKEN, Reply, ScriptedServer

import coactive
from coactive.apis import SimilaritySearchApi
from coactive.models import SimilaritySearchResponse
from coactive.operation import Operation

OPERATIONS = [
    "get_similar_images",
    "get_similar_images_grouped",
    "get_similar_images_grouped_semantic",
    "search_images_by_text_grouped",
]
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "get_similar_images": ("e", b"image"),
    "get_similar_images_grouped": ("e", "sku", b"image"),
    "get_similar_images_grouped_semantic": ("e", "sku", b"image"),
    "search_images_by_text_grouped": ("e", "a dog"),
}
SIGNATURES = {
    "get_similar_images": (
        "(embedding_id: 'str', file: 'ImageFile', *, limit: 'int | None' = None, "
        "**options: 'Unpack[RequestOptions]') -> 'Any'"
    ),
    "get_similar_images_grouped": (
        "(embedding_id: 'str', group_by: 'str', file: 'ImageFile', *, limit: 'int | None' = None, "
        "**options: 'Unpack[RequestOptions]') -> 'SimilaritySearchResponse'"
    ),
    "get_similar_images_grouped_semantic": (
        "(embedding_id: 'str', group_by: 'str', file: 'ImageFile', *, metadata_key: 'str | None' = None, "
        "metadata_value: 'str | None' = None, limit: 'int | None' = None, "
        "**options: 'Unpack[RequestOptions]') -> 'SimilaritySearchResponse'"
    ),
    "search_images_by_text_grouped": (
        "(embedding_id: 'str', query: 'str', *, group_by: 'str | None' = None, limit: 'int | None' = None, "
        "**options: 'Unpack[RequestOptions]') -> 'SimilaritySearchResponse'"
    ),
}
PLAIN = pydoc.plaintext  # type: ignore[attr-defined]
ANSWER = {"data": [{"group": "a", "images": []}]}


@pytest.fixture(params=OPERATIONS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def answered(server: ScriptedServer) -> ScriptedServer:
    server.reply(Reply.json(ANSWER, x_request_id="r-1"))
    return server


def _plain(answer: Any) -> Any:
    return answer.to_dict() if isinstance(answer, SimilaritySearchResponse) else answer


def test_each_way_gives_the_same_answer(api: SimilaritySearchApi, answered: ScriptedServer, name: str) -> None:
    operation, arguments = getattr(api, name), ARGUMENTS[name]

    async def awaited() -> Any:
        return await operation.submit(*arguments)

    full = operation.with_http_info(*arguments)
    raw = operation.raw(*arguments)
    assert (full.status, raw.status, raw.reason, full.headers["x-request-id"]) == (200, 200, "OK", "r-1")
    for answer in (
        operation(*arguments),
        operation.submit(*arguments).result(10),
        asyncio.run(awaited()),
        full.data,
        raw.json(),
        getattr(SimilaritySearchApi, name)(api, *arguments),
    ):
        assert _plain(answer) == ANSWER
    assert len({(seen.method, seen.target) for seen in answered.seen}) == 1
    data, status, headers = full
    assert (_plain(data), status, headers["x-request-id"]) == (ANSWER, 200, "r-1")
    assert (repr(full), repr(raw)) == (
        f"ApiResponse(data={full.data!r}, status=200, headers={full.headers!r})",
        f"RawResponse(200 OK, {len(raw.data)} bytes)",
    )


def test_generated_clients_options_do_what_they_did(
    api: SimilaritySearchApi, answered: ScriptedServer, name: str
) -> None:
    operation, arguments = getattr(api, name), ARGUMENTS[name]
    data, status, headers = operation(*arguments, _return_http_data_only=False)
    assert (_plain(data), status, headers["x-request-id"]) == (ANSWER, 200, "r-1")
    unread = operation(*arguments, _preload_content=False)
    assert (unread.status, unread.read()) == (200, Reply.json(ANSWER).body)
    future = operation(*arguments, async_req=True)
    assert (_plain(future.get(10)), future.ready(), future.successful()) == (ANSWER, True, True)
    later = operation(*arguments, async_req=True, _return_http_data_only=False)
    assert later.get(10)[1] == 200
    unread = operation(*arguments, async_req=True, _preload_content=False).get(10)
    assert unread.read() == Reply.json(ANSWER).body
    defaults = {"async_req": None, "_return_http_data_only": None, "_preload_content": True}
    assert _plain(operation(*arguments, **defaults)) == ANSWER


def test_options_that_can_mean_nothing_here_are_accepted(
    api: SimilaritySearchApi, answered: ScriptedServer, name: str
) -> None:
    nothing = {
        "_content_type": "multipart/form-data",
        "_host_index": 0,
        "_spec_property_naming": False,
        "_check_input_type": True,
        "_check_return_type": True,
        "_request_auths": None,
        "_request_timeout": (3, 4),
    }
    assert _plain(getattr(api, name)(*ARGUMENTS[name], **nothing)) == ANSWER
    assert answered.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_request_auths_stand_in_for_the_token(api: SimilaritySearchApi, answered: ScriptedServer) -> None:
    auths = [
        {"type": "bearer", "in": "header", "key": "Authorization", "value": "Bearer other"},
        {"type": "api_key", "in": "query", "key": "key", "value": "k 1"},
        {"type": "api_key", "in": "cookie", "key": "session", "value": "s"},
    ]
    generated: Any = api.search_images_by_text_grouped
    generated("e", "q", _request_auths=auths)
    generated("e", b"".decode(), _request_auths=auths[:1])
    first, second = answered.seen
    assert (first.headers["Authorization"], first.headers["Cookie"]) == ("Bearer other", "session=s")
    assert first.target.endswith("text?query=q&key=k+1")
    assert second.target.endswith("text?query=")


def test_what_stands_in_for_the_token_is_nowhere_in_an_error(api: SimilaritySearchApi, server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "who is other-secret?"}, 401))
    generated: Any = api.search_images_by_text_grouped
    auths = [{"type": "x", "in": "header", "key": "X-Key", "value": "other-secret"}]
    with pytest.raises(coactive.UnauthorizedException) as caught:
        generated("e", "q", _request_auths=auths)
    assert (str(caught.value), caught.value.body) == ("401 Unauthorized: who is ***?", '{"detail": "who is ***?"}')


@pytest.mark.parametrize("way", ["submit", "with_http_info", "raw"])
def test_an_option_that_changes_the_answer_is_for_the_plain_call_alone(api: SimilaritySearchApi, way: str) -> None:
    with pytest.raises(coactive.ApiTypeError, match="^async_req: only for the plain call, not for .submit"):
        getattr(api.get_similar_images, way)("e", b"image", async_req=True)


def test_an_operation_called_on_no_object_says_so() -> None:
    unbound: Any = SimilaritySearchApi.get_similar_images
    with pytest.raises(TypeError, match="is called on an object, as api.get_similar_images"):
        unbound()


def test_errors_in_the_arguments_are_raised_at_once_by_a_future_too(api: SimilaritySearchApi, name: str) -> None:
    with pytest.raises(coactive.ApiValueError, match="embedding_id"):
        getattr(api, name).submit("", *ARGUMENTS[name][1:])


def test_the_signature_is_the_endpoints_own(api: SimilaritySearchApi, name: str) -> None:
    assert str(inspect.signature(getattr(api, name))) == SIGNATURES[name]
    unbound = inspect.signature(getattr(SimilaritySearchApi, name))
    assert next(iter(unbound.parameters)) == "self"
    assert str(inspect.signature(Operation)).startswith("(build")


def _squeezed(text: str) -> str:
    """Without what differs between Pythons: white space, margins, a signature's last comma."""
    return "".join(text.replace("|", "").split()).replace(",)", ")")


def test_help_shows_signature_and_docstring(api: SimilaritySearchApi, name: str) -> None:
    bound = pydoc.render_doc(getattr(api, name), renderer=PLAIN)
    assert _squeezed(f"{name}{SIGNATURES[name]}") in _squeezed(bound)
    assert "Find the images" in bound
    page = pydoc.render_doc(SimilaritySearchApi, renderer=PLAIN)
    assert _squeezed(f"{name}(self, {SIGNATURES[name][1:]}") in _squeezed(page)
    assert page.count("Find the images") == 4


def test_ipythons_question_mark_shows_signature_and_docstring() -> None:
    setup = "from coactive import *; from coactive.apis import SimilaritySearchApi as Api; "
    setup += "api = Api(ApiClient(Configuration(access_token='a:b')))\n"
    asked = "".join(f"get_ipython().run_line_magic('pinfo', 'api.{name}')\n" for name in OPERATIONS)
    command = [sys.executable, "-m", "IPython", "--quick", "--colors=NoColor", "-c", setup + asked]
    shown = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    for name in OPERATIONS:
        assert _squeezed(f"api.{name}{SIGNATURES[name]}") in _squeezed(shown)
    assert shown.count("Find the images") == 4


def test_an_autospec_stands_in_for_the_api_and_refuses_what_it_does_not_have(name: str) -> None:
    mocked = create_autospec(SimilaritySearchApi, instance=True)
    operation = getattr(mocked, name)
    operation.return_value = "answer"
    assert operation(*ARGUMENTS[name], limit=3) == "answer"
    operation.assert_called_once_with(*ARGUMENTS[name], limit=3)
    operation.submit.return_value.get.return_value = "later"
    assert operation.submit(*ARGUMENTS[name]).get() == "later"
    with pytest.raises(AttributeError):
        operation.submitt(*ARGUMENTS[name])
    with pytest.raises(AttributeError):
        mocked.get_similar_image("e", b"image")


def test_an_autospec_of_one_operation_stands_in_for_it(api: SimilaritySearchApi, name: str) -> None:
    mocked = create_autospec(getattr(api, name), return_value="answer")
    assert mocked(*ARGUMENTS[name]) == "answer"
    mocked.assert_called_once_with(*ARGUMENTS[name])
    mocked.raw(*ARGUMENTS[name])
    with pytest.raises(AttributeError):
        mocked.submitt(*ARGUMENTS[name])


def _run(operation: Operation[..., Any], arguments: tuple[Any, ...]) -> Any:
    return _plain(operation(*arguments))


@pytest.mark.heavy
def test_an_operation_pickles_to_a_spawned_process_and_works_there(answered: ScriptedServer) -> None:
    with coactive.ApiClient(answered.configuration(pickle_secrets=True)) as client:
        api = SimilaritySearchApi(client)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            calls = [pool.submit(_run, getattr(api, name), ARGUMENTS[name]) for name in OPERATIONS]
            assert [call.result(60) for call in calls] == [ANSWER] * 4


def test_an_operation_pickles_and_copies_as_a_method_does(api: SimilaritySearchApi, name: str) -> None:
    unbound = getattr(SimilaritySearchApi, name)
    assert pickle.loads(pickle.dumps(unbound)) is unbound
    clone = pickle.loads(pickle.dumps(getattr(api, name)))
    assert str(inspect.signature(clone)) == SIGNATURES[name]
    assert copy.copy(getattr(api, name)) == getattr(api, name)


def test_an_operation_compares_and_hashes_as_a_method_does(api: SimilaritySearchApi) -> None:
    other = SimilaritySearchApi(api.api_client)
    assert api.get_similar_images == api.get_similar_images
    assert hash(api.get_similar_images) == hash(api.get_similar_images)
    assert api.get_similar_images != other.get_similar_images
    assert api.get_similar_images != api.get_similar_images_grouped
    assert api.get_similar_images != "get_similar_images"
    assert api.get_similar_images.__get__(other) == api.get_similar_images


def test_an_operation_shows_its_name_and_has_no_other_attributes(api: SimilaritySearchApi, name: str) -> None:
    operation = getattr(api, name)
    assert repr(operation) == f"<operation SimilaritySearchApi.{name}>"
    assert (operation.__name__, operation.__qualname__) == (name, f"SimilaritySearchApi.{name}")
    assert operation.__module__ == "coactive.api.similarity_search_api"
    with pytest.raises(AttributeError, match="no attribute 'submitt'"):
        _ = operation.submitt


def test_a_missing_argument_is_a_type_error_that_names_it(api: SimilaritySearchApi) -> None:
    with pytest.raises(TypeError, match=r"get_similar_images\(\) missing 1 required positional argument: 'file'"):
        api.get_similar_images("e")  # type: ignore[call-arg]
