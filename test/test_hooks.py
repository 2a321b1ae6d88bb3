"""What the hooks of a client are shown, and what they can change."""

from __future__ import annotations

import contextlib
import pickle
from typing import Any

import pytest
from scripted_server import TOKEN, Reply, ScriptedServer

from coactive import ApiClient, ApiValueError, ClientCredentials, NotFoundException, ServiceException
from coactive.apis import SimilaritySearchApi
from coactive.hooks import Exchange

Shown = list[tuple[Any, ...]]


def search(client: ApiClient, **options: Any) -> Any:
    return SimilaritySearchApi(client).search_images_by_text_grouped("e", "a red mug", **options)


def watched(client: ApiClient) -> Shown:
    """What the hooks of a client are shown from now on."""
    shown: Shown = []
    client.hooks.request.append(lambda it: shown.append(("before", it.attempt, it.status, it.error)))
    client.hooks.response.append(lambda it: shown.append(("after", it.attempt, it.status, it.error)))
    return shown


def test_hooks_see_a_request_and_its_response(server: ScriptedServer) -> None:
    server.reply(Reply(headers={"X-Request-ID": "r-1"}))
    seen: list[Exchange] = []
    with ApiClient(server.configuration(), "X-Team", "catalogue", "session=hunter2") as client:
        client.hooks.request.append(seen.append)
        client.hooks.response.append(seen.append)
        search(client)
    before, after = seen
    assert before is after
    assert (after.method, after.url) == ("GET", server.host + server.seen[0].target.partition("?")[0])
    assert (after.headers["X-Team"], after.response_headers["x-request-id"]) == ("catalogue", "r-1")
    assert (after.attempt, after.status, after.error) == (1, 200, None)
    assert ("Cookie" in after.headers, server.seen[0].headers["Cookie"]) == (False, "session=hunter2")
    assert 0 < after.seconds < 30
    assert repr(after) == f"Exchange(GET {after.url}, attempt 1: 200 after {after.seconds:.3f} s)"


def test_hooks_see_every_try_of_a_call(server: ScriptedServer) -> None:
    server.reply(Reply(503, headers={"Retry-After": "0"}), Reply())
    with ApiClient(server.configuration()) as client:
        shown = watched(client)
        search(client)
    assert [it[:3] for it in shown] == [("before", 1, 0), ("after", 1, 503), ("before", 2, 0), ("after", 2, 200)]
    assert isinstance(shown[1][3], ServiceException)


def test_hooks_see_a_call_that_got_no_response(server: ScriptedServer) -> None:
    server.reply(Reply(raw=b""))
    with ApiClient(server.configuration(retries=False)) as client:
        shown = watched(client)
        with pytest.raises(Exception, match="the connection broke") as caught:
            search(client)
    assert shown == [("before", 1, 0, None), ("after", 1, 0, caught.value)]


def test_hooks_see_a_login_too(server: ScriptedServer) -> None:
    server.reply(Reply.json({"access_token": "t"}), Reply())
    urls: list[str] = []
    with ApiClient(server.configuration(access_token=ClientCredentials("a", "b"))) as client:
        client.hooks.response.append(lambda it: urls.append(it.url))
        search(client)
    assert [url.rpartition("/")[2] for url in urls] == ["login", "text"]


@pytest.mark.parametrize("own", [False, True], ids=["token", "a header of one's own"])
def test_hooks_are_not_shown_the_token_and_cannot_replace_it(server: ScriptedServer, own: bool) -> None:
    shown: list[Exchange] = []

    def change(exchange: Exchange) -> None:
        shown.append(exchange)
        exchange.headers["authorization"] = "Bearer of-the-hook"

    default = ("Authorization", f"Bearer {TOKEN}") if own else ()
    with ApiClient(server.configuration(access_token=None if own else TOKEN), *default) as client:
        client.hooks.request.append(change)
        search(client)
    assert TOKEN not in str(shown[0].__dict__)
    assert server.seen[0].headers.get_all("Authorization") == [f"Bearer {TOKEN}"]


def test_a_secret_in_the_query_is_not_shown(server: ScriptedServer) -> None:
    shown: list[Exchange] = []
    with ApiClient(server.configuration()) as client:
        client.hooks.request.append(shown.append)
        search(client, _request_auths=[{"in": "query", "key": "key", "value": "hunter2"}])
    assert server.seen[0].target.endswith("&key=hunter2")
    assert "hunter2" not in str(shown[0].__dict__)


def test_a_request_hook_may_add_change_and_take_away_headers(server: ScriptedServer, png: bytes) -> None:
    def change(exchange: Exchange) -> None:
        exchange.headers["X-Attempt"] = str(exchange.attempt)
        exchange.headers["User-Agent"] = "ours"
        del exchange.headers["X-Team"]

    server.reply(Reply(503, headers={"Retry-After": "0"}), Reply())
    with ApiClient(server.configuration(), "X-Team", "catalogue") as client:
        client.hooks.request.append(change)
        SimilaritySearchApi(client).get_similar_images("e", png)
    assert [seen.headers["X-Attempt"] for seen in server.seen] == ["1", "2"]
    assert {(seen.headers["User-Agent"], seen.headers["X-Team"]) for seen in server.seen} == {("ours", None)}
    assert all(png in seen.body for seen in server.seen)


def test_a_header_that_cannot_be_sent_is_refused_before_the_network(server: ScriptedServer) -> None:
    with ApiClient(server.configuration()) as client:
        client.hooks.request.append(lambda it: it.headers.update({"X-Odd": "a\r\nb"}))
        with pytest.raises(ApiValueError, match="^header_value: the header X-Odd cannot carry a line break"):
            search(client)
    assert server.connections == 0


@pytest.mark.parametrize("when", ["request", "response"])
@pytest.mark.parametrize("unread", [False, True])
@pytest.mark.parametrize("kind", [LookupError, ServiceException])
def test_what_a_hook_raises_comes_out_as_it_is_and_costs_no_connection(
    server: ScriptedServer, when: str, unread: bool, kind: type[Exception]
) -> None:
    def fail(exchange: Exchange) -> None:
        raise kind(503, "not today")

    with ApiClient(server.configuration(connection_pool_maxsize=1, total_timeout=20)) as client:
        hooks = getattr(client.hooks, when)
        hooks.append(fail)
        for _ in range(3):
            with pytest.raises(kind, match="not today"):
                search(client, _preload_content=not unread)
        hooks.clear()
        assert search(client).data == []
    assert len(server.seen) == (4 if when == "response" else 1)


def test_hooks_may_be_replaced_at_any_time(server: ScriptedServer) -> None:
    shown: list[Exchange] = []
    with ApiClient(server.configuration()) as client:
        search(client)
        client.hooks.response = [shown.append]
        search(client)
    assert len(shown) == 1


CALLED: list[str] = []


def remember(exchange: Exchange) -> None:
    CALLED.append(exchange.method)


def test_hooks_go_along_with_a_pickled_client(server: ScriptedServer) -> None:
    CALLED.clear()
    client = ApiClient(server.configuration(pickle_secrets=True))
    client.hooks.request.append(remember)
    with pickle.loads(pickle.dumps(client)) as read:
        search(read)
        read.hooks.request.clear()
    assert (CALLED, client.hooks.request) == (["GET"], [remember])


def test_hooks_see_what_ends_in_an_exception_of_the_status(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": f"no {TOKEN}"}, 404))
    shown: list[Exchange] = []
    with ApiClient(server.configuration()) as client:
        client.hooks.response.append(shown.append)
        with pytest.raises(NotFoundException):
            search(client)
    assert (shown[0].status, type(shown[0].error)) == (404, NotFoundException)
    assert TOKEN not in str(shown[0].error)


@pytest.mark.parametrize("status", [200, 404])
def test_a_token_that_the_service_repeats_is_not_shown(server: ScriptedServer, status: int) -> None:
    server.reply(Reply(status, headers={"X-Echo": f"Bearer {TOKEN}"}))
    shown: list[Exchange] = []
    with ApiClient(server.configuration()) as client:
        client.hooks.response.append(shown.append)
        with contextlib.suppress(NotFoundException):
            search(client)
    assert shown[0].response_headers["x-echo"] == "Bearer ***"


def test_a_default_header_with_a_token_is_not_shown_beside_other_credentials(server: ScriptedServer) -> None:
    shown: list[Exchange] = []
    auths = [{"in": "header", "key": "X-Key", "value": "of-this-call"}]
    with ApiClient(server.configuration(), "Authorization", "Bearer hunter2") as client:
        client.hooks.request.append(shown.append)
        search(client, _request_auths=auths)
    assert not {"hunter2", "of-this-call"} & set(str(shown[0].__dict__).replace("'", " ").split())
    assert server.seen[0].headers["X-Key"] == "of-this-call"


def test_a_hook_may_take_itself_away(server: ScriptedServer) -> None:
    called: list[str] = []
    with ApiClient(server.configuration()) as client:

        def once(exchange: Exchange) -> None:
            called.append("once")
            client.hooks.request.remove(once)

        client.hooks.request += [once, lambda _: called.append("always")]
        search(client)
        search(client)
    assert called == ["once", "always", "always"]
