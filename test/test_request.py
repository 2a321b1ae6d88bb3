"""What goes over the wire: parameters, addresses, and what is refused before anything is sent."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import numpy
import pytest
from forms import parts_of
from scripted_server import TOKEN, ScriptedServer

import coactive
from coactive import ApiTypeError, ApiValueError
from coactive.apis import SimilaritySearchApi
from coactive.parameters import Parameter
from coactive.request import Request


def _texts(server: ScriptedServer) -> dict[str, str]:
    return {part.name: part.data.decode() for part in parts_of(server.seen[-1]) if part.name != "file"}


def _query(server: ScriptedServer) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(server.seen[-1].target).query, keep_blank_values=True))


def test_the_four_operations_send_what_the_contract_says(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes
) -> None:
    api.get_similar_images("an id", png, limit=5)
    api.get_similar_images_grouped("an id", "sku", png, limit=5)
    api.get_similar_images_grouped_semantic("an id", "sku", png, metadata_key="colour", metadata_value="red", limit=5)
    api.search_images_by_text_grouped("an id", "a dog", group_by="sku", limit=5)
    base = "/api/v0/similarity-search"
    assert [(seen.method, seen.target) for seen in server.seen] == [
        ("POST", f"{base}/embeddings/an%20id/search"),
        ("POST", f"{base}/embeddings/an%20id/grouped-search"),
        ("POST", f"{base}/embeddings/an%20id/grouped-search/semantic"),
        ("GET", f"{base}/similarity-search/embeddings/an%20id/grouped-search/text?group_by=sku&limit=5&query=a+dog"),
    ]
    for seen in server.seen:
        assert (seen.headers["Authorization"], seen.headers["Accept"]) == (f"Bearer {TOKEN}", "application/json")
    assert [[part.name for part in parts_of(seen)] for seen in server.seen[:3]] == [
        ["limit", "file"],
        ["limit", "group_by", "file"],
        ["metadata_key", "metadata_value", "limit", "group_by", "file"],
    ]
    assert "Content-Type" not in server.seen[3].headers
    assert server.seen[3].body == b""


def test_none_is_not_sent_in_form_and_query_alike(api: SimilaritySearchApi, server: ScriptedServer, png: bytes) -> None:
    api.get_similar_images_grouped_semantic("e", "sku", png, metadata_key=None, metadata_value=None, limit=None)
    assert _texts(server) == {"group_by": "sku"}
    api.search_images_by_text_grouped("e", "q", group_by=None, limit=None)
    assert _query(server) == {"query": "q"}


def test_zero_and_the_empty_text_are_sent(api: SimilaritySearchApi, server: ScriptedServer, png: bytes) -> None:
    api.get_similar_images_grouped_semantic("e", "", png, metadata_value="", limit=0)
    assert _texts(server) == {"metadata_value": "", "limit": "0", "group_by": ""}
    api.search_images_by_text_grouped("e", "", group_by="", limit=0)
    assert _query(server) == {"group_by": "", "limit": "0", "query": ""}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (0.25, "0.25"),
        ("", ""),
        (numpy.int64(7), "7"),
        (numpy.float32(0.5), "0.5"),
        (numpy.bool_(True), "true"),
        (numpy.str_("text"), "text"),
    ],
)
def test_scalars_are_written_as_json_writes_them(
    client: coactive.ApiClient, server: ScriptedServer, value: Any, text: str
) -> None:
    client._call(Request("GET", "/any", query=[Parameter("value", value)], returns=None))
    assert _query(server) == {"value": text}


class Key(str, Enum):  # noqa: UP042 - what people still write
    SKU = "sku"


class Many(IntEnum):
    TEN = 10


def test_a_member_of_an_enum_is_sent_by_its_value(api: SimilaritySearchApi, server: ScriptedServer, png: bytes) -> None:
    api.get_similar_images_grouped("e", Key.SKU, png, limit=Many.TEN)
    assert _texts(server) == {"group_by": "sku", "limit": "10"}
    api.search_images_by_text_grouped(Key.SKU, "q", group_by=Key.SKU, limit=Many.TEN)
    assert _query(server) == {"group_by": "sku", "limit": "10", "query": "q"}
    assert "/embeddings/sku/" in server.seen[-1].target


def test_an_int_of_numpys_is_a_limit(api: SimilaritySearchApi, server: ScriptedServer, png: bytes) -> None:
    api.get_similar_images("e", png, limit=numpy.int32(3))  # type: ignore[arg-type]
    assert _texts(server) == {"limit": "3"}


@pytest.mark.parametrize("text", ["a/b", "a?b#c", "100%", "a b", "ü 日本 🦊", "a&b=c", "a..b", "%2F", "a\r\nb", "~._-"])
def test_any_text_reaches_the_service_as_it_is(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes, text: str
) -> None:
    api.get_similar_images_grouped(text, text, png)
    assert _texts(server) == {"group_by": text}
    segments = server.seen[0].target.split("/")
    assert (len(segments), unquote(segments[5])) == (7, text)
    api.search_images_by_text_grouped(text, text, group_by=text)
    assert _query(server) == {"query": text, "group_by": text}


@pytest.mark.parametrize("embedding_id", ["", ".", ".."])
def test_an_embedding_id_that_would_hit_another_route_is_refused(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes, embedding_id: str
) -> None:
    with pytest.raises(ApiValueError, match="^embedding_id: "):
        api.get_similar_images(embedding_id, png)
    assert server.connections == 0


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("get_similar_images", {"embedding_id": None}, "embedding_id: expected a str, got None"),
    ("get_similar_images", {"embedding_id": 5}, "embedding_id: expected a str, got int"),
    ("get_similar_images", {"limit": "5"}, "limit: expected an int or None, got str"),
    ("get_similar_images", {"limit": True}, "limit: expected an int or None, got bool"),
    ("get_similar_images", {"limit": numpy.array(5.5)}, "limit: expected an int or None, got ndarray"),
    ("get_similar_images", {"limit": numpy.bool_(True)}, f"limit: expected an int or None, got {numpy.bool_.__name__}"),
    ("get_similar_images", {"limit": 5.0}, "limit: expected an int or None, got float"),
    ("get_similar_images_grouped", {"group_by": None}, "group_by: expected a str, got None"),
    ("get_similar_images_grouped", {"group_by": ["sku"]}, "group_by: expected a str, got list"),
    ("get_similar_images_grouped_semantic", {"metadata_key": 5}, "metadata_key: expected a str or None, got int"),
    ("get_similar_images_grouped_semantic", {"metadata_value": 5}, "metadata_value: expected a str or None, got int"),
    ("search_images_by_text_grouped", {"query": None}, "query: expected a str, got None"),
    ("search_images_by_text_grouped", {"group_by": 5}, "group_by: expected a str or None, got int"),
]


def _arguments(operation: str, png: bytes) -> dict[str, Any]:
    common: dict[str, Any] = {"embedding_id": "e"}
    if operation == "search_images_by_text_grouped":
        return common | {"query": "q"}
    grouped = {} if operation == "get_similar_images" else {"group_by": "sku"}
    semantic = {"metadata_value": "red"} if operation.endswith("semantic") else {}
    return common | grouped | semantic | {"file": png}


@pytest.mark.parametrize(("operation", "wrong", "message"), WRONG)
def test_an_argument_of_the_wrong_type_is_named_and_nothing_is_sent(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes, operation: str, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ApiTypeError) as caught:
        getattr(api, operation)(**(_arguments(operation, png) | wrong))
    assert str(caught.value) == message
    assert server.connections == 0


def test_a_metadata_key_wants_a_value_and_a_value_wants_no_key(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes
) -> None:
    with pytest.raises(ApiValueError, match="^metadata_value: required where metadata_key is given$"):
        api.get_similar_images_grouped_semantic("e", "sku", png, metadata_key="colour")
    assert server.connections == 0
    api.get_similar_images_grouped_semantic("e", "sku", png, metadata_value="red")
    assert _texts(server) == {"metadata_value": "red", "group_by": "sku"}


def test_text_that_utf8_cannot_carry_is_refused(api: SimilaritySearchApi, server: ScriptedServer) -> None:
    with pytest.raises(ApiValueError, match="^query: UTF-8 cannot carry it"):
        api.search_images_by_text_grouped("e", "\ud800")
    assert server.connections == 0


@pytest.mark.parametrize(
    ("keyword", "message"),
    [
        ("limt", "unexpected keyword argument 'limt'; did you mean 'limit'?"),
        ("_request_timout", "unexpected keyword argument '_request_timout'; did you mean '_request_timeout'?"),
        ("zzz", "unexpected keyword argument 'zzz'"),
    ],
)
def test_an_unknown_keyword_is_a_type_error_that_names_it(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes, keyword: str, message: str
) -> None:
    with pytest.raises(TypeError) as caught:
        api.get_similar_images("e", png, **{keyword: 3})
    assert str(caught.value) == message
    assert server.connections == 0


def test_a_wrong_type_goes_through_where_the_check_is_switched_off(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes
) -> None:
    generated: Any = api.get_similar_images_grouped
    generated("e", 5, png, limit="7", _check_input_type=False)
    assert _texts(server) == {"group_by": "5", "limit": "7"}
    with pytest.raises(ApiTypeError, match="^limit: expected an int or None, got list$"):
        generated("e", "sku", png, limit=[7], _check_input_type=False)


def test_the_form_states_its_length(api: SimilaritySearchApi, server: ScriptedServer, png: bytes) -> None:
    api.get_similar_images("e", png)
    (seen,) = server.seen
    assert int(seen.headers["Content-Length"]) == len(seen.body)
    assert "Transfer-Encoding" not in seen.headers
