"""Who is calling, and which headers go along."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_server import Reply, ScriptedServer

import coactive
from coactive import ApiClient, ApiTypeError, Configuration, NotFoundException, UnauthorizedException
from coactive.apis import SimilaritySearchApi


def _search(client: ApiClient, **options: Any) -> Any:
    return SimilaritySearchApi(client).search_images_by_text_grouped("e", "q", **options)


def test_a_default_header_authorization_stands_in_where_there_is_no_token(server: ScriptedServer) -> None:
    with ApiClient(Configuration(server.host), "Authorization", "Bearer other:one-of-its-own") as client:
        _search(client)
        assert server.seen[0].headers["Authorization"] == "Bearer other:one-of-its-own"
        server.reply(Reply.json({"detail": "who is other:one-of-its-own?"}, 401))
        with pytest.raises(UnauthorizedException, match=r"^401 Unauthorized: who is \*\*\*\?$"):
            _search(client)


@pytest.mark.parametrize(
    "auths",
    [
        "abc",
        [5],
        [{"in": "header", "key": "k"}],
        [{"in": "header", "key": "k", "value": 5}],
        [{"in": "path", "key": "k", "value": "v"}],
    ],
)
def test_request_auths_of_another_shape_are_refused(client: ApiClient, server: ScriptedServer, auths: Any) -> None:
    with pytest.raises(ApiTypeError, match="^_request_auths: expected a list of dicts"):
        _search(client, _request_auths=auths)
    assert server.connections == 0


def test_the_user_agent_is_sent_though_the_default_headers_were_replaced(
    client: ApiClient, server: ScriptedServer
) -> None:
    client.default_headers = {"X-One": "1"}
    _search(client)
    assert server.seen[0].headers["User-Agent"] == client.user_agent
    assert client.user_agent.startswith(f"coactive-python/{coactive.__version__} Python/")
    assert server.seen[0].headers["X-One"] == "1"


def test_an_api_wants_a_client_and_a_client_a_configuration() -> None:
    configuration: Any = Configuration()
    with pytest.raises(ApiTypeError, match=r"^api_client: expected ApiClient\(configuration\), got Configuration$"):
        SimilaritySearchApi(configuration)
    host: Any = "https://app.coactive.ai"
    with pytest.raises(ApiTypeError, match="^configuration: expected a Configuration, got str$"):
        ApiClient(host)


@pytest.mark.parametrize("source", [str, lambda token: lambda: token], ids=["str", "callable"])
@pytest.mark.parametrize("token", ["no-colon", "with:a-colon"])
def test_a_refused_token_without_a_colon_brings_a_hint(server: ScriptedServer, source: Any, token: str) -> None:
    server.reply(Reply.json({"detail": "who?"}, 401))
    configuration = server.configuration(access_token=source(token))
    with ApiClient(configuration) as client, pytest.raises(UnauthorizedException) as caught:
        _search(client)
    hint = None if ":" in token else "the token has no colon; expected is CLIENT_ID:CLIENT_SECRET"
    assert caught.value.hint == hint
    assert str(caught.value) == "401 Unauthorized: who?" + (f"\nHint: {hint}" if hint else "")


def test_an_embedding_that_is_not_found_is_named(server: ScriptedServer, client: ApiClient) -> None:
    server.reply(Reply.json({"detail": "gone"}, 404))
    with pytest.raises(NotFoundException) as caught:
        SimilaritySearchApi(client).search_images_by_text_grouped("an/id", "q")
    told = f"this asked for embedding_id 'an/id' at {server.host}; a wrong path in host gives a 404 too"
    assert str(caught.value) == f"404 Not Found: gone\nHint: {told}"


def test_the_package_and_an_api_show_what_matters(client: ApiClient, server: ScriptedServer) -> None:
    assert set(dir(coactive)) == set(coactive.__all__)
    shown = f"SimilaritySearchApi(ApiClient(Configuration(host={server.host!r}, access_token=<set>)))"
    assert repr(SimilaritySearchApi(client)) == shown
