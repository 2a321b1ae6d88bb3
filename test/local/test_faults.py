from __future__ import annotations

import contextlib
import gc
import http.client
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import urllib3

import coactive
from coactive.apis import SimilaritySearchApi
from coactive.local import Service, running
from coactive.local.app import MAX_BYTES
from coactive.local.http.faults import Faults

from .conftest import GROUPED, SEARCH, SEMANTIC, TEXT, TOKEN, Caller
from .test_service import open_descriptors

QUERY = {"query": "red mug", "limit": "1"}
BIG = {"file": ("big.png", b"x" * 5 * 2**20)}


@pytest.fixture
def faults(demo: Service) -> Iterator[Faults]:
    yield demo.faults
    demo.faults.order("")


@pytest.fixture
def once(demo: Service) -> Iterator[SimilaritySearchApi]:
    """The searches of a client that does not retry."""
    settings = coactive.Configuration(host=demo.host, access_token="local:stand-in", retries=False)
    with coactive.ApiClient(settings) as api_client:
        yield SimilaritySearchApi(api_client)


@pytest.fixture
def api(demo: Service) -> Iterator[SimilaritySearchApi]:
    """The searches of a client as it comes, with two retries."""
    with coactive.ApiClient(demo.configuration) as api_client:
        yield SimilaritySearchApi(api_client)


def connected(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(service.host.rpartition(":")[2])), timeout=30)


def asked(service: Service, path: str = TEXT, query: str = "query=mug") -> bytes:
    target = f"{path.format(service.embedding_id)}?{query}"
    return (
        f"GET {target} HTTP/1.1\r\nHost: {service.host.partition('//')[2]}\r\nAuthorization: {TOKEN}\r\n\r\n".encode()
    )


# How faults are ordered.


@pytest.mark.parametrize(
    ("order", "pending"),
    [
        ("", ()),
        ("  ", ()),
        ("503x2,reset", ("503", "503", "reset")),
        (" 400 ,\t599x1 , ok", ("400", "599", "ok")),
        ("429:retry-after=3x2", ("429:retry-after=3", "429:retry-after=3")),
        ("slow=2,slow=0.25x2", ("slow=2", "slow=0.25", "slow=0.25")),
        ("cut,html", ("cut", "html")),
        ("500x9999", ("500",) * 9999),
    ],
)
def test_what_is_still_to_come_is_told_one_by_one(order: str, pending: tuple[str, ...]) -> None:
    assert Faults(order).pending == pending


@pytest.mark.parametrize(
    ("order", "item"),
    [
        *[(item, item) for item in ("5o3", "399", "600", "5033", "-503", "slow", "slow=", "slow=-1", "slow=nan")],
        *[
            (item, item)
            for item in ("503x0", "503x10000", "503x", "503 x2", "x2", "RESET", "reset=1", "٥٠٣", "503;504")
        ],
        *[(item, item) for item in ("503:retry-after=", "503:retry-after=0.5", "reset:retry-after=1", "503:after=1")],
        ("503,", ""),
        (",", ""),
        ("503,, reset", ""),
        ("503, what ,reset", "what"),
    ],
)
def test_an_order_of_nothing_known_names_the_item_and_what_there_is(order: str, item: str) -> None:
    with pytest.raises(ValueError, match="^faults: ") as problem:
        Faults(order)
    assert str(problem.value) == (
        f"faults: {item!r} is not one of STATUS (400 to 599), STATUS:retry-after=SECONDS (whole, to 9999), "
        "slow=SECONDS (to 9999), reset, cut, html, ok; each may end in xN, which repeats it up to 9999 times, "
        "and commas separate them: 503x2,reset"
    )


@pytest.mark.parametrize("order", [None, 503, ["503"], b"503"])
def test_an_order_that_is_no_text_is_a_type_error(order: Any) -> None:
    with pytest.raises(TypeError, match=f"faults: expected a str, got {type(order).__name__}$"):
        Faults(order)


def test_an_order_takes_the_place_of_what_was_to_come_and_a_wrong_one_changes_nothing() -> None:
    faults = Faults("503x2")
    wrong: Any
    for wrong in ("504,what", 504):
        with pytest.raises((ValueError, TypeError), match="faults: "):
            faults.order(wrong)
    assert repr(faults) == "Faults('503,503')"
    faults.order("reset")
    assert faults.pending == ("reset",)


@pytest.mark.parametrize("order", ["5o3", ["503"]])
def test_a_wrong_order_is_said_before_a_folder_is_read_and_leaves_nothing_behind(order: Any) -> None:
    before = threading.enumerate(), open_descriptors()
    with pytest.raises((ValueError, TypeError), match="faults: "), running("no-such-folder", faults=order):
        pass
    gc.collect()
    assert (threading.enumerate(), open_descriptors()) == before


# What a client gets.


def test_faults_are_served_in_order_and_then_the_service_answers_well_again(folder: Path) -> None:
    with running(folder, faults="503,ok,429,500x2") as service, urllib3.PoolManager(retries=False) as pool:
        caller = Caller(service, pool)
        assert [caller.get(TEXT, QUERY).status for _ in range(7)] == [503, 200, 429, 500, 500, 200, 200]
        assert service.faults.pending == ()
        assert "faults" not in repr(service).lower()


@pytest.mark.parametrize("status", [400, 401, 404, 413, 418, 429, 499, 500, 503, 599])
def test_a_status_comes_with_the_contracts_body_and_a_request_id(status: int, faults: Faults, caller: Caller) -> None:
    faults.order(str(status))
    answer = caller.get(TEXT, QUERY, **{"X-Request-ID": "mine"})
    assert answer.status == status
    assert answer.json() == {"detail": f"this fault was ordered: {status}"}
    assert answer.headers["X-Request-ID"] == "mine"
    assert "Retry-After" not in answer.headers


def test_422_comes_with_the_contracts_list_of_errors(faults: Faults, once: SimilaritySearchApi, demo: Service) -> None:
    faults.order("422")
    with pytest.raises(coactive.exceptions.UnprocessableEntityException) as problem:
        once.search_images_by_text_grouped(demo.embedding_id, "mug")
    assert problem.value.data is not None
    assert problem.value.data.to_dict() == {
        "detail": [{"loc": ["body"], "msg": "this fault was ordered: 422", "type": "ordered"}]
    }


def test_retry_after_is_the_header(faults: Faults, caller: Caller, once: SimilaritySearchApi, demo: Service) -> None:
    faults.order("429:retry-after=3,503:retry-after=0")
    with pytest.raises(coactive.exceptions.TooManyRequestsException) as problem:
        once.search_images_by_text_grouped(demo.embedding_id, "mug")
    assert problem.value.retry_after == 3
    assert caller.get(TEXT, QUERY).headers["Retry-After"] == "0"


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ("401", coactive.exceptions.UnauthorizedException),
        ("503", coactive.exceptions.ServiceException),
        ("reset", coactive.exceptions.ApiConnectionError),
        ("cut", coactive.exceptions.ApiConnectionError),
        ("html", coactive.exceptions.ApiDecodeError),
    ],
)
def test_each_kind_is_an_exception_of_the_client(
    order: str, error: type[Exception], faults: Faults, once: SimilaritySearchApi, demo: Service, photo: Path
) -> None:
    faults.order(f"{order}x2")
    for _ in range(2):
        with pytest.raises(error) as problem:
            once.get_similar_images(demo.embedding_id, photo)
        assert type(problem.value) is error
    assert once.get_similar_images(demo.embedding_id, photo, limit=1)["data"]


@pytest.mark.parametrize(("order", "tries"), [("503:retry-after=0x2", 3), ("reset", 2), ("cut", 2), ("slow=0.01", 1)])
def test_the_clients_retries_hide_what_does_not_last(
    order: str, tries: int, faults: Faults, api: SimilaritySearchApi, demo: Service
) -> None:
    faults.order(order)
    assert api.search_images_by_text_grouped.with_http_info(demo.embedding_id, "mug").tries == tries
    assert faults.pending == ()


def test_one_fault_more_than_retries_is_an_exception(faults: Faults, api: SimilaritySearchApi, demo: Service) -> None:
    faults.order("503:retry-after=0x3,reset")
    with pytest.raises(coactive.exceptions.ServiceException) as problem:
        api.search_images_by_text_grouped(demo.embedding_id, "mug")
    assert problem.value.tries == 3
    assert faults.pending == ("reset",)


def test_all_four_searches_take_faults(faults: Faults, caller: Caller, photo: Path) -> None:
    faults.order("503x4,504")
    form = {"file": (photo.name, photo.read_bytes()), "group_by": "sku"}
    answers = [caller.post(path, form) for path in (SEARCH, GROUPED, SEMANTIC)]
    assert [answer.status for answer in [*answers, caller.get(TEXT, QUERY)]] == [503] * 4
    assert faults.pending == ("504",)


def test_what_is_no_search_or_is_turned_away_takes_none(faults: Faults, caller: Caller) -> None:
    faults.order("503")
    image = f"/images/{caller.service.catalog.images[0].id}"
    login = {"Authorization": "Basic bG9jYWw6c3RhbmQtaW4=", "Content-Type": "application/json"}
    statuses = [
        caller.get(TEXT, QUERY, Authorization="Bearer wrong:token").status,
        caller.get(TEXT, QUERY, Authorization="").status,
        caller.post(SEARCH, {"file": ("big.png", b"x" * MAX_BYTES)}).status,
        caller.get(image, {}).status,
        caller.get("/api/v0/none", {}).status,
        caller.get(SEARCH, {}).status,
        caller.pool.request(
            "POST", f"{caller.service.host}/api/v0/login", json={"grant_type": "client_credentials"}, headers=login
        ).status,
    ]
    assert statuses == [401, 403, 413, 200, 404, 405, 200]
    assert faults.pending == ("503",)
    assert caller.get(TEXT, QUERY).status == 503


def test_twenty_threads_share_ten_faults_exactly(faults: Faults, caller: Caller) -> None:
    faults.order("503x10")
    start = threading.Barrier(20)

    def status(_: int) -> int:
        start.wait(30)
        return caller.get(TEXT, QUERY).status

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(status, range(20))) == {503: 10, 200: 10}
    assert faults.pending == ()


@pytest.mark.parametrize("order", ["503", "html"])
def test_a_client_that_uploads_much_reads_the_fault_and_keeps_its_connection(
    order: str, faults: Faults, demo: Service
) -> None:
    faults.order(f"{order}x3")
    with urllib3.PoolManager(retries=False) as pool:
        caller = Caller(demo, pool)
        assert {caller.post(SEARCH, BIG).status for _ in range(3)} == {503 if order == "503" else 200}
        assert pool.connection_from_url(demo.host).num_connections == 1


def test_a_reset_is_one_of_tcp_without_an_answer(faults: Faults, demo: Service) -> None:
    faults.order("reset")
    with connected(demo) as client:
        client.sendall(asked(demo))
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_reset_comes_after_an_upload_was_read(faults: Faults, demo: Service) -> None:
    faults.order("reset")
    body, form = urllib3.encode_multipart_formdata(BIG)
    head = f"POST {SEARCH.format(demo.embedding_id)} HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n"
    with connected(demo) as client:
        client.sendall(f"{head}Content-Type: {form}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        with pytest.raises(ConnectionResetError):
            client.recv(1)


@pytest.mark.parametrize("order", ["503", "reset", "slow=0.01", "cut"])
def test_an_upload_that_turns_out_too_large_meets_its_fault(
    order: str, faults: Faults, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    faults.order(order)
    url = caller.service.host + SEARCH.format(caller.service.embedding_id)
    headers = {"Authorization": TOKEN, "Content-Type": "multipart/form-data; boundary=x"}
    chunks = iter([b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n', *[b"x" * 2**20] * 33])
    try:
        status = caller.pool.request("POST", url, body=chunks, headers=headers).status
    except urllib3.exceptions.ProtocolError:
        status = 0
    assert status == {"503": 503, "slow=0.01": 413}.get(order, 0)
    assert (faults.pending, errors(caplog)) == ((), [])


def test_a_cut_answer_is_a_true_one_that_breaks_off(faults: Faults, caller: Caller, demo: Service) -> None:
    whole = caller.get(TEXT, QUERY).data
    faults.order("cut")
    with connected(demo) as client:
        client.sendall(asked(demo, query="query=red+mug&limit=1"))
        answer = http.client.HTTPResponse(client)
        answer.begin()
        with pytest.raises(http.client.IncompleteRead) as problem:
            answer.read()
        answer.close()
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(whole)))
    assert 0 < len(problem.value.partial) < len(whole)
    assert whole.startswith(problem.value.partial)


def test_a_slow_answer_is_a_good_one_for_who_waits(faults: Faults, caller: Caller, photo: Path) -> None:
    form = {"file": (photo.name, photo.read_bytes()), "limit": "3"}
    well = caller.post(SEARCH, form).json()
    faults.order("slow=0.05")
    assert caller.post(SEARCH, form).json() == well


def test_a_slow_answer_is_a_timeout_for_who_does_not_wait(
    faults: Faults, api: SimilaritySearchApi, demo: Service, photo: Path
) -> None:
    faults.order("slow=600")
    with pytest.raises(coactive.exceptions.ApiTimeoutError):
        api.get_similar_images(demo.embedding_id, photo, _request_timeout=0.2)
    assert api.get_similar_images(demo.embedding_id, photo, limit=1)["data"]


def test_html_has_status_200_where_json_must_be(faults: Faults, caller: Caller) -> None:
    faults.order("html")
    answer = caller.get(TEXT, QUERY)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.data.startswith(b"<!DOCTYPE html>")


# What is left behind.


def until_taken(service: Service) -> None:
    deadline = time.monotonic() + 30
    while service.faults.pending:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_no_fault_leaves_a_socket_or_a_word_on_the_console(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    before, descriptors = set(threading.enumerate()), open_descriptors()
    order = "503x3,resetx10,cutx10,htmlx3,slow=0.01x3"
    with running(folder, faults=order) as service, urllib3.PoolManager(retries=False) as pool:
        caller = Caller(service, pool)
        while service.faults.pending:
            with contextlib.suppress(urllib3.exceptions.ProtocolError):
                caller.get(TEXT, {"query": "red"})
            with contextlib.suppress(urllib3.exceptions.ProtocolError):
                caller.post(SEARCH, BIG)
    gc.collect()
    assert set(threading.enumerate()) <= before
    assert open_descriptors() == descriptors
    assert errors(caplog) == []


def test_a_slow_answer_does_not_hold_up_the_end_of_the_service(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with urllib3.PoolManager(retries=False) as pool, ThreadPoolExecutor(1) as other:
        with running(folder, faults="slow=600") as service:
            caller = Caller(service, pool)
            answer = other.submit(caller.get, TEXT, {"query": "red"})
            until_taken(service)
        with pytest.raises(urllib3.exceptions.ProtocolError, match="reset"):
            answer.result(30)
    # Had it been waited for and then been cancelled, the server would say so.
    assert errors(caplog) == []


def test_a_client_that_hangs_up_ends_a_slow_answer(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(folder, faults="slow=600") as service, connected(service) as client:
        client.sendall(asked(service))
        until_taken(service)
        client.close()
    assert errors(caplog) == []


@pytest.mark.parametrize("order", ["503", "reset", "cut", "slow=600"])
def test_a_client_may_hang_up_in_the_middle_of_an_upload(
    order: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(folder, faults=order) as service, connected(service) as client:
        head = f"POST {SEARCH.format(service.embedding_id)} HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n"
        form = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 99\r\n"
        client.sendall(f"{head}{form}\r\n--x".encode())
        until_taken(service)
        client.close()
    assert errors(caplog) == []
