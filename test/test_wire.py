"""Who is calling, and which headers go along."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_server import TOKEN, Reply, ScriptedServer

import coactive
from coactive import ApiClient, ApiTypeError, Configuration, UnauthorizedException
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


def test_the_token_wins_over_a_default_header(server: ScriptedServer) -> None:
    with ApiClient(server.configuration(), "authorization", "Bearer other") as client:
        _search(client)
    assert server.seen[0].headers.get_all("Authorization") == [f"Bearer {TOKEN}"]


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


def test_the_package_and_an_api_show_what_matters(client: ApiClient, server: ScriptedServer) -> None:
    assert set(dir(coactive)) == set(coactive.__all__)
    shown = f"SimilaritySearchApi(ApiClient(Configuration(host={server.host!r}, access_token=<set>)))"
    assert repr(SimilaritySearchApi(client)) == shown
