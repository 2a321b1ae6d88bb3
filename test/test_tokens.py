"""Tokens that a callable gives, and those that client credentials are exchanged for."""

from __future__ import annotations

import base64
import logging
import pickle
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from scripted_server import Answer, Reply, ScriptedServer, Seen, scripted_server

import coactive
import coactive.local
from coactive import (
    ApiClient,
    ApiDecodeError,
    ApiTimeoutError,
    ApiTypeError,
    ApiValueError,
    ClientCredentials,
    Configuration,
    ServiceException,
    UnauthorizedException,
)
from coactive.apis import SimilaritySearchApi

LOGIN = "/api/v0/login"
SECRET = "a-secret-of-some-length"
PAIR = ClientCredentials("an-id", SECRET)
OK: dict[str, Any] = {"data": []}


def search(client: ApiClient, **options: Any) -> Any:
    return SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug", **options).to_dict()


def bearers(server: ScriptedServer) -> list[str]:
    """The tokens of the searches, in order."""
    return [it.headers["Authorization"].removeprefix("Bearer ") for it in server.seen if it.target != LOGIN]


def logins(server: ScriptedServer) -> list[Seen]:
    return [seen for seen in server.seen if seen.target == LOGIN]


class Granting:
    """Grants the tokens `t1`, `t2` and so on, and takes the ones in `good`; the last granted is always good."""

    def __init__(self, **grant: Any) -> None:
        self.grant = {"token_type": "Bearer", "expires_in": 3600, **grant}
        self.granted = 0
        self.good: set[str] = set()
        self.delay = 0.0

    def __call__(self, seen: Seen) -> Reply:
        if seen.target == LOGIN:
            time.sleep(self.delay)
            self.granted += 1
            self.good = {f"t{self.granted}"}
            return Reply.json({"access_token": f"t{self.granted}", **self.grant})
        known = seen.headers["Authorization"].removeprefix("Bearer ") in self.good
        return Reply() if known else Reply.json({"detail": "who are you?"}, 401)


@pytest.fixture
def granting(server: ScriptedServer) -> Granting:
    service = Granting()
    server.reply(service)
    return service


@pytest.mark.usefixtures("granting")
def test_client_credentials_are_exchanged_once_and_their_token_kept(server: ScriptedServer) -> None:
    with ApiClient(server.configuration(access_token=PAIR), "X-Team", "catalogue") as client:
        assert [search(client) for _ in range(3)] == [OK] * 3
    assert bearers(server) == ["t1"] * 3
    (login,) = logins(server)
    assert (login.method, login.body) == ("POST", b'{"grant_type": "client_credentials"}')
    basic = base64.b64encode(f"an-id:{SECRET}".encode()).decode()
    assert login.headers.get_all("Authorization") == [f"Basic {basic}"]
    assert (login.headers["Content-Type"], login.headers["X-Team"]) == ("application/json", "catalogue")


@pytest.mark.usefixtures("granting")
def test_client_credentials_are_exchanged_below_the_base_path_of_the_host(server: ScriptedServer) -> None:
    server.reply(Reply.json({"access_token": "t"}), Reply())
    with ApiClient(server.configuration(host=f"{server.host}/base/", access_token=PAIR)) as client:
        search(client)
    assert server.seen[0].target == f"/base{LOGIN}"


@pytest.mark.parametrize(
    ("seconds", "renewed"), [(1e-9, True), (3600, False), (61, False), (None, False), ("x", False)]
)
def test_a_token_is_renewed_before_it_expires(server: ScriptedServer, seconds: Any, renewed: bool) -> None:
    server.reply(Granting(expires_in=seconds))
    with ApiClient(server.configuration(access_token=PAIR)) as client:
        search(client)
        search(client)
    assert bearers(server) == ["t1", "t2" if renewed else "t1"]


def test_a_token_that_the_service_no_longer_takes_is_renewed_once(
    server: ScriptedServer, granting: Granting, caplog: pytest.LogCaptureFixture
) -> None:
    with ApiClient(server.configuration(access_token=PAIR, retries=False)) as client:
        search(client)
        granting.good = set()
        with caplog.at_level(logging.INFO, "coactive"):
            answer = SimilaritySearchApi(client).search_images_by_text_grouped.with_http_info("e", "mug")
    assert (answer.data.to_dict(), answer.tries) == (OK, 2)
    assert bearers(server) == ["t1", "t1", "t2"]
    assert [record.getMessage() for record in caplog.records] == [
        "401 Unauthorized: who are you?; trying again with another token"
    ]


def test_a_service_that_takes_no_token_is_asked_no_third_time(server: ScriptedServer) -> None:
    def refusing(seen: Seen) -> Reply:
        if seen.target == LOGIN:
            return Reply.json({"access_token": f"t{len(logins(server))}"})
        return Reply.json({"detail": "no"}, 401)

    server.reply(refusing)
    with ApiClient(server.configuration(access_token=PAIR)) as client, pytest.raises(UnauthorizedException) as caught:
        search(client)
    assert (bearers(server), caught.value.tries) == (["t1", "t2"], 2)


def test_fifty_threads_share_one_exchange_at_first_and_after_a_refusal(
    server: ScriptedServer, granting: Granting
) -> None:
    granting.delay = 0.2
    with (
        ApiClient(server.configuration(access_token=PAIR), pool_threads=50) as client,
        ThreadPoolExecutor(50) as threads,
    ):
        assert list(threads.map(lambda _: search(client), range(50))) == [OK] * 50
        assert len(logins(server)) == 1
        granting.good = set()
        assert list(threads.map(lambda _: search(client), range(50))) == [OK] * 50
    assert len(logins(server)) == 2


def test_two_hosts_get_tokens_of_their_own(server: ScriptedServer, granting: Granting) -> None:
    with scripted_server() as other:
        other.reply(Reply.json({"access_token": "of-the-other"}), Reply())
        configuration = server.configuration(access_token=PAIR)
        with ApiClient(configuration) as client:
            search(client)
            configuration.host = other.host
            search(client)
        assert bearers(other) == ["of-the-other"]
    assert granting.granted == 1


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_the_login_refuses_are_an_error_that_says_so(server: ScriptedServer, status: int) -> None:
    server.reply(Reply.json({"detail": f"unknown: {SECRET}"}, status))
    with ApiClient(server.configuration(access_token=PAIR)) as client, pytest.raises(coactive.ApiException) as caught:
        search(client)
    first, hint = str(caught.value).splitlines()
    assert first.endswith(": unknown: ***")
    assert hint == f"Hint: this was the login at {LOGIN}: the service does not take this client_id and client_secret"
    assert (caught.value.status, len(server.seen)) == (status, 1)


def test_a_service_without_a_login_is_an_error_that_says_what_to_give_instead(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "Not Found"}, 404))
    with (
        ApiClient(server.configuration(access_token=PAIR)) as client,
        pytest.raises(coactive.NotFoundException) as caught,
    ):
        search(client)
    told = f'the service has no {LOGIN}; give access_token=f"{{CLIENT_ID}}:{{CLIENT_SECRET}}" instead'
    assert caught.value.hint == told


def test_a_login_is_retried_as_a_call_is(server: ScriptedServer) -> None:
    busy = Reply(503, b"", {"Retry-After": "0"})
    server.reply(busy, Reply.json({"access_token": "t"}), busy, Reply())
    with ApiClient(server.configuration(access_token=PAIR)) as client:
        assert search(client) == OK
    assert [seen.target == LOGIN for seen in server.seen] == [True, True, False, False]


def test_a_login_that_fails_is_the_calls_failure(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "busy"}, 503))
    configuration = server.configuration(access_token=PAIR, retries=False)
    with ApiClient(configuration) as client, pytest.raises(ServiceException, match="^503 Service Unavailable: busy$"):
        search(client)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"null", b"grant", b"\xff", b"[" * 100_000),
        *(b'{"token": "grant"}', b'{"access_token": 5}', b'{"access_token": ""}', b'{"access_token": "a grant"}'),
    ],
)
def test_an_answer_without_a_token_is_a_decode_error_that_does_not_show_it(server: ScriptedServer, body: bytes) -> None:
    server.reply(Reply(body=body))
    with ApiClient(server.configuration(access_token=PAIR)) as client, pytest.raises(ApiDecodeError) as caught:
        search(client)
    assert str(caught.value) == f"200 OK: the response of {LOGIN} holds no access_token that can be sent"
    assert (caught.value.body, caught.value.status, caught.value.tries, len(server.seen)) == (None, 200, 1, 1)


def test_the_login_is_part_of_the_total(held: threading.Event, server: ScriptedServer) -> None:
    with ApiClient(server.configuration(access_token=PAIR)) as client, pytest.raises(ApiTimeoutError):
        search(client, _request_timeout=0.3)
    assert [seen.target for seen in server.seen] == [LOGIN]


def test_waiting_for_the_token_that_another_call_gets_is_part_of_the_total(
    held: threading.Event, server: ScriptedServer
) -> None:
    with ApiClient(server.configuration(access_token=PAIR)) as client:
        first = SimilaritySearchApi(client).search_images_by_text_grouped.submit("e", "mug")
        while not server.seen:
            time.sleep(0.01)
        with pytest.raises(
            ApiTimeoutError, match=r"^no token in time: another call was getting one \(limits"
        ) as caught:
            search(client, _request_timeout=0.2)
        assert caught.value.status == 0
        server.reply(Reply.json({"access_token": "t"}), Reply())
        held.set()
        with pytest.raises(ApiDecodeError):
            first.get(10)


@pytest.mark.parametrize(
    "answer",
    [Reply.json({"detail": f"{SECRET} an-id:{SECRET}"}, 500), Reply(body=SECRET.encode()), Reply(raw=b"")],
    ids=["error", "no token", "no answer"],
)
def test_the_secret_is_in_no_message_or_log_of_a_failed_login(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    server.reply(answer)
    caplog.set_level(logging.DEBUG)
    configuration = server.configuration(access_token=PAIR, retries=1)
    with ApiClient(configuration) as client, pytest.raises(coactive.ApiException) as caught:
        search(client)
    shown = f"{caught.value} {caught.value!r} {caught.value.__dict__} {caplog.text} {client!r} {PAIR!r}"
    assert SECRET not in shown
    assert base64.b64encode(f"an-id:{SECRET}".encode()).decode() not in shown


def test_a_callable_is_asked_once_more_after_a_401_and_the_call_sent_once_more(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "expired"}, 401), Reply())
    tokens = iter(["old", "new"])
    with ApiClient(server.configuration(access_token=lambda: next(tokens), retries=False)) as client:
        assert search(client) == OK
    assert bearers(server) == ["old", "new"]


def test_a_callable_that_gives_the_same_token_again_is_a_401_at_once(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "expired"}, 401))
    tokens = iter(["one:and-only", "one:and-only"])
    configuration = server.configuration(access_token=lambda: next(tokens))
    with ApiClient(configuration) as client, pytest.raises(UnauthorizedException):
        search(client)
    assert (list(tokens), len(server.seen)) == ([], 1)


def test_a_fixed_token_that_is_refused_is_a_401_at_once(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "no"}, 401))
    with ApiClient(server.configuration()) as client, pytest.raises(UnauthorizedException):
        search(client)
    assert len(server.seen) == 1


def test_credentials_given_to_one_call_are_not_renewed(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "no"}, 401))
    auths = [{"in": "header", "key": "Authorization", "value": "Bearer of-this-call"}]
    with ApiClient(server.configuration(access_token=PAIR)) as client, pytest.raises(UnauthorizedException):
        search(client, _request_auths=auths)
    assert (len(server.seen), logins(server)) == (1, [])


def test_a_callable_is_asked_by_one_thread_at_a_time(server: ScriptedServer) -> None:
    inside, most = [0], [0]

    def token() -> str:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.002)
        inside[0] -= 1
        return "a:b"

    with ApiClient(server.configuration(access_token=token)) as client, ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda _: search(client), range(40)))
    assert (most, len(server.seen)) == ([1], 40)


@pytest.mark.usefixtures("granting")
def test_client_credentials_may_come_from_the_environment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ApiClient(server.configuration(access_token=ClientCredentials())) as client:
        with pytest.raises(ApiValueError, match="^access_token: none is set; "):
            search(client)
        monkeypatch.setenv("COACTIVE_CLIENT_ID", "an-id")
        monkeypatch.setenv("COACTIVE_CLIENT_SECRET", SECRET)
        assert search(client) == OK
    assert bearers(server) == ["t1"]


@pytest.mark.parametrize("keep", [False, True])
def test_client_credentials_are_pickled_only_where_that_is_asked_for(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    pickled = pickle.dumps(server.configuration(access_token=PAIR, pickle_secrets=keep))
    assert (SECRET.encode() in pickled) is keep
    monkeypatch.setenv("COACTIVE_CLIENT_ID", "of-this-process")
    monkeypatch.setenv("COACTIVE_CLIENT_SECRET", "too")
    read = pickle.loads(pickled).access_token
    assert isinstance(read, ClientCredentials)
    assert str(read._pair) == (f"an-id:{SECRET}" if keep else "of-this-process:too")


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ((5, "b"), ApiTypeError, "client_id: expected a str, got int"),
        (("a", b"b"), ApiTypeError, "client_secret: expected a str, got bytes"),
        (("", "b"), ApiValueError, "client_id: it is empty"),
        (("a", "hunter 2"), ApiValueError, "client_secret: the character at position 6 of 8 is a space, "),
        (("a:b", "c"), ApiValueError, "client_id: it has a colon, which separates it from the client secret"),
        (("a",), ApiValueError, "client_id and client_secret: give both, or neither to take them from the environment"),
    ],
)
def test_client_credentials_that_cannot_be_sent_are_refused_and_not_shown(
    given: tuple[Any, ...], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        ClientCredentials(*given)
    assert str(caught.value).startswith(message)
    assert "hunter" not in str(caught.value)


def test_client_credentials_show_the_id_and_hide_the_secret() -> None:
    assert repr(PAIR) == "ClientCredentials('an-id', '***')"
    assert repr(ClientCredentials()) == "ClientCredentials()"
    assert repr(Configuration(access_token=PAIR)).endswith("access_token=<set>)")
    assert {PAIR: 1}[ClientCredentials("an-id", SECRET)] == 1
    assert ClientCredentials("an-id", "another") != PAIR
    assert PAIR != "an-id"


def test_client_credentials_have_no_header_before_they_are_exchanged() -> None:
    assert Configuration(access_token=PAIR).auth_settings() == {}


def test_the_stand_in_answers_the_login(service: coactive.local.Service) -> None:
    client_id, _, client_secret = str(service.configuration.access_token).partition(":")
    for secret, good in ((client_secret, True), ("wrong", False)):
        credentials = ClientCredentials(client_id, secret)
        with ApiClient(Configuration(service.host, access_token=credentials)) as client:
            api = SimilaritySearchApi(client)
            if good:
                found = api.search_images_by_text_grouped(service.embedding_id, "a red mug", limit=2)
                assert len(found.data[0].images) == 2
            else:
                with pytest.raises(UnauthorizedException, match="Hint: this was the login"):
                    api.search_images_by_text_grouped(service.embedding_id, "a red mug")


def test_a_token_goes_to_the_host_that_granted_it_though_the_setting_changes_meanwhile(server: ScriptedServer) -> None:
    with scripted_server() as other:
        configuration = server.configuration(access_token=PAIR)

        def log_in(seen: Seen) -> Reply:
            configuration.host = other.host
            return Reply.json({"access_token": f"t{len(logins(server))}"})

        server.reply(log_in, Reply.json({"detail": "no"}, 401), log_in, Reply())
        with ApiClient(configuration) as client:
            assert search(client) == OK
        assert (bearers(server), other.seen) == (["t1", "t2"], [])


def test_a_life_beyond_any_is_one_without_an_end(server: ScriptedServer) -> None:
    server.reply(Reply(body=b'{"access_token": "t", "expires_in": 1%s}' % (b"0" * 400)), Reply())
    with ApiClient(server.configuration(access_token=PAIR)) as client:
        assert search(client) == OK
        assert search(client) == OK
    assert len(logins(server)) == 1


@pytest.mark.usefixtures("granting")
def test_a_search_that_repeats_the_credentials_of_the_login_does_not_show_them(server: ScriptedServer) -> None:
    refusal = Reply.json({"detail": f"{PAIR._pair} {PAIR._basic}"}, 403)
    server.reply(Reply.json({"access_token": "granted-token"}), refusal)
    with ApiClient(server.configuration(access_token=PAIR)) as client, pytest.raises(coactive.ForbiddenException) as it:
        search(client)
    assert str(it.value) == "403 Forbidden: *** ***"


def test_closing_the_client_during_a_login_ends_the_call(server: ScriptedServer) -> None:
    with ApiClient(server.configuration(access_token=PAIR)) as client:

        def log_in(seen: Seen) -> Reply:
            client._close(cancel=True)
            return Reply.json({"access_token": "t"})

        server.reply(log_in, Reply())
        with pytest.raises(ApiValueError, match="the ApiClient is closed"):
            search(client)
    assert bearers(server) == []


def test_no_frame_of_ours_shows_a_secret(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "no"}, 401))
    shown = []
    for token in (PAIR, f"an-id:{SECRET}", lambda: f"{SECRET} with a space"):
        with ApiClient(server.configuration(access_token=token)) as client:
            try:
                search(client)
            except coactive.OpenApiException as error:
                frames = traceback.TracebackException.from_exception(error, capture_locals=True)
                shown += [str(frame.locals) for frame in frames.stack if "/coactive/" in frame.filename]
    assert len(shown) > 12
    for secret in (SECRET, PAIR._basic):
        assert not any(str(secret) in text for text in shown)
