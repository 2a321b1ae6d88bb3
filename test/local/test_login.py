from __future__ import annotations

import logging
import re
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import urllib3

from coactive.local import running
from coactive.local.http.credentials import Tokens
from coactive.local.service import serving
from coactive.local.settings import Settings

from .conftest import GROUPED, SEARCH, SEMANTIC, TEXT, Caller

LOGIN = "/api/v0/login"
WANTED = b'{"grant_type": "client_credentials"}'
WRONG = "the client id or the client secret is wrong"


def basic(credentials: str) -> str:
    return f"Basic {b64encode(credentials.encode()).decode()}"


def log_in(
    caller: Caller, credentials: str = "local:stand-in", body: Any = WANTED, **headers: str
) -> urllib3.BaseHTTPResponse:
    sent = {"Authorization": basic(credentials), "Content-Type": "application/json"} | headers
    return caller.pool.request("POST", caller.service.host + LOGIN, body=body, headers=sent)


def search(caller: Caller, token: str) -> urllib3.BaseHTTPResponse:
    return caller.get(TEXT, {"query": "mug"}, Authorization=f"Bearer {token}")


# Getting a token.


def test_a_login_answers_with_a_token_of_an_hour(caller: Caller) -> None:
    answer = log_in(caller)
    granted = answer.json()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(granted) == {"access_token", "token_type", "expires_in"}
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
    assert type(granted["expires_in"]) is int
    assert re.fullmatch("[0-9A-Za-z._~-]+", granted["access_token"])


def test_an_issued_token_opens_every_operation_and_the_direct_one_still_does(caller: Caller) -> None:
    issued = log_in(caller).json()["access_token"]
    for token in (issued, "local:stand-in"):
        for path in (SEARCH, GROUPED, SEMANTIC):
            # Past the gate, a form without its parts is what is wrong.
            assert caller.post(path, {"limit": "1"}, Authorization=f"Bearer {token}").status == 422
        assert search(caller, token).status == 200


def test_each_login_gives_another_token_and_all_of_them_are_good(caller: Caller) -> None:
    tokens = {log_in(caller).json()["access_token"] for _ in range(5)}
    assert len(tokens) == 5
    assert {search(caller, token).status for token in tokens} == {200}


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "Basic "])
def test_the_word_basic_counts_in_any_case(scheme: str, caller: Caller) -> None:
    header = f"{scheme} {b64encode(b'local:stand-in').decode()}"
    assert log_in(caller, Authorization=header).status == 200


def test_a_secret_may_have_colons(folder: Path) -> None:
    with running(folder, client_id="me", client_secret="s:e:") as service, urllib3.PoolManager() as pool:
        caller = Caller(service, pool)
        assert search(caller, log_in(caller, "me:s:e:").json()["access_token"]).status == 200
        assert log_in(caller, "me:s:e").status == 401


# Who does not get one.


@pytest.mark.parametrize(
    "header",
    [
        basic("local:wrong"),
        basic("local:stand-in2"),
        basic("local:"),
        basic("local"),
        basic("someone:stand-in"),
        basic("lócal:stand-in"),
        "Basic local:stand-in",
        "Basic bG9jYWw6c3RhbmQtaW4=x",
        "Basic =",
        "Basic \xe9",
    ],
)
def test_wrong_credentials_are_unauthorized(header: str, caller: Caller) -> None:
    answer = log_in(caller, Authorization=header)
    assert answer.status == 401
    assert answer.json() == {"detail": WRONG}
    assert answer.headers["WWW-Authenticate"] == "Basic"


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic  ", "Bearer local:stand-in", "local:stand-in"])
def test_a_login_without_credentials_is_forbidden_and_says_what_to_send(header: str | None, caller: Caller) -> None:
    headers = {"Content-Type": "application/json"} | ({} if header is None else {"Authorization": header})
    answer = caller.pool.request("POST", caller.service.host + LOGIN, body=WANTED, headers=headers)
    assert answer.status == 403
    assert answer.json() == {
        "detail": "no credentials: send Authorization: Basic, then CLIENT_ID:CLIENT_SECRET in base64"
    }


def test_an_issued_token_does_not_log_in(caller: Caller) -> None:
    token = log_in(caller).json()["access_token"]
    assert log_in(caller, Authorization=f"Bearer {token}").status == 403
    assert log_in(caller, token).status == 401


@pytest.mark.parametrize(
    ("body", "place", "kind"),
    [
        (b"", ["body"], "json_invalid"),
        (b"grant_type=client_credentials", ["body"], "json_invalid"),
        (b'{"grant_type": "client_credentials"', ["body"], "json_invalid"),
        (b'{"grant_type": "\xff"}', ["body"], "json_invalid"),
        (b"[" * 100_000, ["body"], "json_invalid"),
        (b'["client_credentials"]', ["body"], "model_type"),
        (b"null", ["body"], "model_type"),
        (b"{}", ["body", "grant_type"], "missing"),
        (b'{"grant_type": "password"}', ["body", "grant_type"], "literal_error"),
        (b'{"grant_type": null}', ["body", "grant_type"], "literal_error"),
        (b'{"grant_type": ["client_credentials"]}', ["body", "grant_type"], "literal_error"),
    ],
)
def test_a_body_that_asks_for_nothing_known_is_a_validation_error(
    body: bytes, place: list[str], kind: str, caller: Caller
) -> None:
    answer = log_in(caller, body=body)
    assert answer.status == 422
    (error,) = answer.json()["detail"]
    assert (set(error), error["loc"], error["type"]) == ({"loc", "msg", "type"}, place, kind)
    assert isinstance(error["msg"], str)


def test_credentials_are_checked_before_the_body(caller: Caller) -> None:
    assert log_in(caller, "local:wrong", b"no json").status == 401


def test_the_login_takes_nothing_but_a_post_and_is_not_described(caller: Caller) -> None:
    assert caller.get(LOGIN, {}, Authorization=basic("local:stand-in")).status == 405
    assert LOGIN not in caller.get("/openapi.json", {}).json()["paths"]


def test_a_login_that_is_too_large_is_told_so(caller: Caller) -> None:
    for body in (bytes(33 * 2**20), iter([bytes(2**20)] * 33)):
        answer = log_in(caller, body=body)
        assert answer.status == 413
        assert answer.json() == {"detail": "the request is larger than 32 MiB"}


# How long a token is good, and where.


class Clock:
    """Tells the time that it is set to, in nanoseconds."""

    def __init__(self) -> None:
        self.now = 5 * 10**9

    def __call__(self) -> int:
        return self.now


def test_a_token_is_good_until_its_lifetime_is_over() -> None:
    clock = Clock()
    tokens = Tokens("id:secret", 3600, clock)
    token = tokens.issue().encode()
    clock.now += 3600 * 10**9 - 1
    assert tokens.problem_of_bearer(token) is None
    clock.now += 1
    assert tokens.problem_of_bearer(token) == "the token has expired; log in again"
    assert tokens.problem_of_bearer(tokens.issue().encode()) is None
    assert tokens.problem_of_bearer(b"id:secret") is None


def test_a_token_that_someone_changed_is_not_known() -> None:
    tokens = Tokens("id:secret")
    end, _, signature = tokens.issue().partition(".")
    later = str(int(end) + 1)
    for token in (f"{later}.{signature}", f"{end}.{signature[:-1]}", f"{end}.", end, f".{signature}", ".", "", "é"):
        assert tokens.problem_of_bearer(token.encode()) == "the token is not known here"


def test_a_token_of_one_service_is_not_known_at_another() -> None:
    token = Tokens("id:secret").issue().encode()
    for other in (Tokens("id:other"), Tokens("id:secret")):
        assert other.problem_of_bearer(token) == "the token is not known here"


def test_an_expired_token_is_unauthorized_and_a_new_login_helps(folder: Path) -> None:
    with serving(Settings(folder=folder, token_lifetime=1)) as service, urllib3.PoolManager() as pool:
        caller = Caller(service, pool)
        granted = log_in(caller).json()
        assert granted["expires_in"] == 1
        assert search(caller, granted["access_token"]).status == 200
        time.sleep(1)
        answer = search(caller, granted["access_token"])
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert answer.json() == {"detail": "the token has expired; log in again"}
        assert search(caller, log_in(caller).json()["access_token"]).status == 200
        assert search(caller, "local:stand-in").status == 200


# Secrets.


def test_neither_the_secret_nor_a_token_is_in_a_log_or_a_repr(
    folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        running(folder, client_id="me", client_secret="hunter2") as service,
        urllib3.PoolManager() as pool,
    ):
        caller = Caller(service, pool)
        token = log_in(caller, "me:hunter2").json()["access_token"]
        answers = [search(caller, token), search(caller, f"{token}x"), log_in(caller, "me:hunter2", b"{}")]
        answers.append(log_in(caller, "me:hunter22"))
    assert [answer.status for answer in answers] == [200, 401, 422, 401]
    tokens = Tokens("me:hunter2")
    said = [caplog.text, *capfd.readouterr(), repr(service), repr(tokens)]
    said += [str(answer.data) + str(answer.headers) for answer in answers]
    for secret in (token, token.partition(".")[2], "hunter2", b64encode(b"me:hunter2").decode()):
        assert not any(secret in text for text in said)
