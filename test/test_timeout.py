import socket
import threading
import time
from typing import Any

import numpy as np
import pytest
import urllib3
from scripted_server import TOKEN, Reply, ScriptedServer

from coactive import (
    ApiClient,
    ApiException,
    ApiTimeoutError,
    ApiTypeError,
    ApiValueError,
    Configuration,
)
from coactive.apis import SimilaritySearchApi
from coactive.timeout import Timeouts

any_number: Any = np.float32


def search(client: ApiClient, **options: Any) -> Any:
    return SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug", **options).to_dict()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("5", "_request_timeout: expected seconds as a number, got str"),
        ([1, 2], "_request_timeout: expected seconds as a number, got list"),
        (True, "_request_timeout: expected seconds as a number, got bool"),
        ((1, "2"), "_request_timeout: expected seconds as a number, got str"),
        ((1,), "_request_timeout: a tuple must be (connect, read), got 1 items"),
        ((1, 2, 3), "_request_timeout: a tuple must be (connect, read), got 3 items"),
    ],
)
def test_a_limit_of_the_wrong_type_is_refused_before_the_network(
    server: ScriptedServer, client: ApiClient, given: Any, message: str
) -> None:
    with pytest.raises(ApiTypeError) as caught:
        search(client, _request_timeout=given)
    assert str(caught.value) == message
    assert server.connections == 0


@pytest.mark.parametrize("given", [-1, 0, 0.0, (1, -1), (0, 1), float("nan"), float("inf")])
def test_a_limit_that_is_not_positive_and_finite_is_refused_before_the_network(
    server: ScriptedServer, client: ApiClient, given: Any
) -> None:
    with pytest.raises(ApiValueError, match=r"^_request_timeout: expected more than 0 seconds"):
        search(client, _request_timeout=given)
    assert server.connections == 0


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        (..., (5, 60, 120)),
        (7, (5, 60, 7)),
        (0.5, (5, 60, 0.5)),
        (np.float64(0.5), (5, 60, 0.5)),
        (np.int64(7), (5, 60, 7)),
        ((1, 2), (1, 2, 120)),
        ((None, 2), (None, 2, 120)),
        ((1.5, None), (1.5, None, 120)),
        (None, (None, None, None)),
        (urllib3.Timeout(connect=1, read=2), (1, 2, None)),
        (urllib3.Timeout(3), (None, None, 3)),
        (urllib3.Timeout(total=any_number(0.5), read=float("inf")), (None, None, 0.5)),
        (urllib3.Timeout(total=3, connect=None, read=0.5), (None, 0.5, 3)),
    ],
)
def test_a_calls_own_limits_replace_those_they_are_about(given: Any, limits: tuple[float | None, ...]) -> None:
    assert Timeouts().override(given) == limits


def test_the_total_of_a_urllib3_timeout_ends_the_retries_too(held: threading.Event, server: ScriptedServer) -> None:
    server.reply(Reply(503, headers={"Retry-After": "0"}))
    began = time.monotonic()
    configuration = server.configuration(retries=urllib3.Retry(100_000, status_forcelist=[503]))
    with ApiClient(configuration) as client, pytest.raises(ApiException):
        search(client, _request_timeout=urllib3.Timeout(total=0.5))
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("given", [0.2, (5, 0.2), urllib3.Timeout(0.2), urllib3.Timeout(read=0.2)])
def test_a_call_that_gets_no_answer_in_time_ends(
    held: threading.Event, server: ScriptedServer, client: ApiClient, given: Any
) -> None:
    with pytest.raises(ApiException) as caught:
        search(client, _request_timeout=given)
    assert caught.value.status == 0
    first_line = f"no answer from {server.host}: no answer in time ("
    assert str(caught.value).startswith(f"{first_line}limits in seconds: ")
    assert isinstance(caught.value.__cause__, urllib3.exceptions.ReadTimeoutError)


@pytest.mark.parametrize("name", ["read_timeout", "total_timeout"])
def test_the_configurations_limits_count_for_every_call(
    held: threading.Event, server: ScriptedServer, name: str
) -> None:
    with ApiClient(server.configuration(retries=False, **{name: 0.2})) as client:
        for _ in range(2):
            with pytest.raises(ApiException, match="no answer in time"):
                search(client)


def test_the_total_ends_the_retries_of_a_service_that_does_not_answer(
    held: threading.Event, server: ScriptedServer
) -> None:
    with (
        ApiClient(server.configuration(retries=1_000, total_timeout=0.5)) as client,
        pytest.raises(ApiException, match="no answer in time"),
    ):
        search(client)
    assert len(server.seen) == 1


def test_a_number_is_the_total_and_lifts_the_wait_for_a_piece_to_it(server: ScriptedServer) -> None:
    late = threading.Event()
    server.reply(lambda seen: Reply(hold=late))
    with ApiClient(server.configuration(retries=False, read_timeout=0.1)) as client:
        future = client._submit(lambda: search(client, _request_timeout=20))
        with pytest.raises(ApiException, match="no answer in time"):
            search(client)
        late.set()
        assert future.get(20) == {"data": []}


def test_none_switches_the_limits_off_for_a_call(held: threading.Event, server: ScriptedServer) -> None:
    with ApiClient(server.configuration(retries=False, read_timeout=0.1, total_timeout=0.1)) as client:
        timer = threading.Timer(0.4, held.set)
        timer.start()
        assert search(client, _request_timeout=None) == {"data": []}
        timer.join()


def test_the_handshake_of_tls_is_part_of_the_connect_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configuration = Configuration(
            f"https://127.0.0.1:{silent.getsockname()[1]}", access_token=TOKEN, retries=False, connect_timeout=0.2
        )
        with ApiClient(configuration) as client, pytest.raises(ApiException, match="in time") as caught:
            search(client)
    assert caught.value.status == 0


def test_the_wait_for_a_free_connection_counts_and_is_named(held: threading.Event, server: ScriptedServer) -> None:
    with ApiClient(server.configuration(connection_pool_maxsize=1)) as client:
        busy = SimilaritySearchApi(client).search_images_by_text_grouped.submit("e", "mug")
        while not server.seen:
            threading.Event().wait(0.01)
        with pytest.raises(ApiTimeoutError) as caught:
            search(client, _request_timeout=0.2)
        assert "all connections of this client were busy for the whole time" in str(caught.value)
        assert (caught.value.status, len(server.seen)) == (0, 1)
        held.set()
        busy.get(10)
        assert search(client, _request_timeout=10) == {"data": []}


@pytest.mark.parametrize("given", [{"total": 1e10}, {"connect": float("nan")}, {"read": float("nan")}])
def test_a_urllib3_timeout_with_no_usable_number_is_refused_before_the_network(
    server: ScriptedServer, client: ApiClient, given: dict[str, float]
) -> None:
    with pytest.raises(ApiValueError, match="^_request_timeout: expected more than 0 seconds"):
        search(client, _request_timeout=urllib3.Timeout(**given))
    assert server.connections == 0
