import logging
import traceback
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from scripted_server import TOKEN, Reply, ScriptedServer, scripted_server

from coactive import ApiClient, ApiException, ApiTypeError, ApiValueError, Configuration
from coactive.apis import SimilaritySearchApi


def search(server: ScriptedServer, **settings: Any) -> Any:
    with ApiClient(server.configuration(retries=False, **settings)) as client:
        return SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug")


HOW_TO_SET = (
    'pass Configuration(access_token=f"{CLIENT_ID}:{CLIENT_SECRET}"), or set COACTIVE_CLIENT_ID and '
    "COACTIVE_CLIENT_SECRET, or COACTIVE_ACCESS_TOKEN, in the environment"
)


def test_a_missing_token_fails_before_the_network_and_says_how_to_set_one(server: ScriptedServer) -> None:
    with pytest.raises(ApiValueError) as caught:
        search(server, access_token=None)
    assert str(caught.value) == f"access_token: none is set; {HOW_TO_SET}"
    assert server.connections == 0


@pytest.mark.parametrize(("one", "other"), [("ID", "SECRET"), ("SECRET", "ID")])
def test_half_of_the_credentials_in_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, one: str, other: str
) -> None:
    monkeypatch.setenv(f"COACTIVE_CLIENT_{one}", "x")
    missing = f"^access_token: COACTIVE_CLIENT_{one} is set in the environment, COACTIVE_CLIENT_{other} is not; "
    with pytest.raises(ApiValueError, match=missing):
        SimilaritySearchApi(ApiClient(Configuration())).search_images_by_text_grouped("e", "mug")


@pytest.mark.parametrize("token", ["", " ", "\t\n"])
def test_a_blank_token_fails_before_the_network_and_says_how_to_set_one(server: ScriptedServer, token: str) -> None:
    with pytest.raises(ApiValueError) as caught:
        search(server, access_token=token)
    assert str(caught.value) == f"access_token: it is blank; {HOW_TO_SET}"
    assert server.connections == 0


@pytest.mark.parametrize(
    ("token", "position"),
    [
        ("hunter2\n", 7),
        ("hunter2\r\nX-Injected: 1", 7),
        (" hunter2", 0),
        ("hunter 2", 6),
        ("hunter2\x00", 7),
        ("hunter2\x7f", 7),
        ("hünter2", 1),
        ("\ufeffhunter2", 0),
    ],
)
def test_an_unprintable_token_fails_before_the_network_and_is_not_shown(
    server: ScriptedServer, token: str, position: int
) -> None:
    with pytest.raises(ApiValueError) as caught:
        search(server, access_token=token)
    assert str(caught.value) == (
        f"access_token: the character at position {position} of {len(token)} is a space, a line break or "
        "another that a token cannot hold"
    )
    assert server.connections == 0


@pytest.mark.parametrize("token", ["Bearer hunter2", "bearer hunter2"])
def test_a_token_with_the_word_bearer_is_refused_and_not_shown(server: ScriptedServer, token: str) -> None:
    with pytest.raises(ApiValueError) as caught:
        search(server, access_token=token)
    assert str(caught.value) == "access_token: give the token alone, without the word Bearer"
    assert server.connections == 0


@pytest.mark.parametrize(("token", "kind"), [(5, "int"), (b"hunter2", "bytes"), (lambda: b"hunter2", "bytes")])
def test_a_token_that_is_no_str_is_a_type_error_and_not_shown(server: ScriptedServer, token: Any, kind: str) -> None:
    with pytest.raises(ApiTypeError) as caught:
        search(server, access_token=token)
    assert str(caught.value) == f"access_token: expected a str or a callable that returns one, got {kind}"
    assert server.connections == 0


def test_a_callable_that_gives_none_fails_as_a_missing_token_does(server: ScriptedServer) -> None:
    with pytest.raises(ApiValueError, match=r"^access_token: none is set; "):
        search(server, access_token=lambda: None)
    assert server.connections == 0


def test_a_callable_is_asked_for_the_current_token_at_every_call(server: ScriptedServer) -> None:
    numbers = count(1)
    with ApiClient(server.configuration(access_token=lambda: f"token-{next(numbers)}")) as client:
        for _ in range(2):
            SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug")
    assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer token-1", "Bearer token-2"]


def test_what_a_callable_raises_comes_out_as_it_is(server: ScriptedServer) -> None:
    def no_token() -> str:
        raise PermissionError("the vault is closed")

    with pytest.raises(PermissionError, match=r"^the vault is closed$"):
        search(server, access_token=no_token)
    assert server.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_error_shows_where_to(server: ScriptedServer, status: int) -> None:
    with scripted_server() as other:
        server.reply(Reply(status, b"", {"Location": f"{other.host}/elsewhere"}))
        with pytest.raises(ApiException) as caught:
            search(server)
        assert caught.value.status == status
        assert caught.value.explanation == (f"redirects are not followed; the service points to {other.host}/elsewhere")
        assert caught.value.headers["Location"] == f"{other.host}/elsewhere"
        assert (len(server.seen), other.connections) == (1, 0)


def breaks(server: ScriptedServer) -> Callable[[], object]:
    server.reply(Reply(raw=b""))
    return lambda: search(server)


def echoes(server: ScriptedServer) -> Callable[[], object]:
    secret = TOKEN.partition(":")[2]
    server.reply(Reply.json({"detail": f"no user {TOKEN}, no secret {secret}"}, 401, X_Echo=f"Bearer {TOKEN}"))
    return lambda: search(server)


@pytest.fixture(params=[breaks, echoes], ids=["broken connection", "echoing service"])
def failing(request: pytest.FixtureRequest, server: ScriptedServer) -> Callable[[], object]:
    give: Callable[[], object] = request.param(server)
    return give


def test_the_token_is_in_no_message_log_or_traceback_of_a_failed_call(
    failing: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ApiException) as caught:
        failing()
    error = caught.value
    text = [str(error), repr(error), repr(vars(error)), caplog.text, *traceback.format_exception(error)]
    assert "a-secret-of-some-length" not in "\n".join(text)


def test_the_variables_of_our_own_frames_do_not_show_the_token(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "no"}, 500))
    with pytest.raises(ApiException) as caught:
        search(server)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in frames.stack if "coactive" in frame.filename.replace("\\", "/").split("/")]
    assert len(ours) >= 4
    assert "a-secret-of-some-length" not in "".join(traceback.StackSummary.from_list(ours).format())
