import contextlib
import io
import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3
from hypothesis import example, given
from hypothesis import strategies as st
from scripted_server import Reply, ScriptedServer, unused_port

from coactive import ApiClient, ApiException, ApiTypeError, ApiValueError, ServiceException, retry
from coactive.apis import SimilaritySearchApi
from coactive.exceptions import exception_for
from coactive.response import RawResponse

OK: dict[str, Any] = {"data": []}


def get(client: ApiClient, png: Any) -> Any:
    return SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug").to_dict()


def post(client: ApiClient, png: Any) -> Any:
    return SimilaritySearchApi(client).get_similar_images("e", png)


either_method = pytest.mark.parametrize("search", [get, post])


def failing(status: int, **headers: str) -> Reply:
    return Reply.json({"detail": f"no {status}"}, status, **{"Retry_After": "0", **headers})


def failure(status: int, retry_after: str | None = None) -> ApiException:
    headers = urllib3.HTTPHeaderDict({} if retry_after is None else {"Retry-After": retry_after})
    return exception_for(status)(http_resp=RawResponse(status, None, headers, b""))


def no_answer(*, transient: bool = True) -> ApiException:
    error = ApiException(0, "no answer")
    error.transient = transient
    return error


@either_method
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(server: ScriptedServer, png: bytes, search: Any, status: int) -> None:
    server.reply(failing(status), failing(status), Reply())
    with ApiClient(server.configuration()) as client:
        assert search(client, png) == OK
    assert len(server.seen) == 3


@either_method
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 501, 505])
def test_a_lasting_failure_is_never_tried_again(server: ScriptedServer, png: bytes, search: Any, status: int) -> None:
    server.reply(failing(status), Reply())
    with ApiClient(server.configuration()) as client, pytest.raises(ApiException) as caught:
        search(client, png)
    assert (caught.value.status, len(server.seen)) == (status, 1)


def test_the_tries_are_counted_on_the_answer(server: ScriptedServer, png: bytes) -> None:
    with ApiClient(server.configuration()) as client:
        operation = SimilaritySearchApi(client).get_similar_images
        for tries in (1, 2, 3):
            server.reply(*[failing(503)] * (tries - 1), Reply())
            assert operation.with_http_info("e", png).tries == tries
            server.reply(*[failing(503)] * (tries - 1), Reply())
            assert operation.raw("e", png).tries == tries


def test_the_last_answers_own_words_are_in_the_error(server: ScriptedServer, png: bytes) -> None:
    server.reply(failing(500), failing(502), failing(503, X_Request_ID="r-3"))
    with ApiClient(server.configuration()) as client, pytest.raises(ApiException) as caught:
        get(client, png)
    assert (caught.value.status, caught.value.request_id, len(server.seen)) == (503, "r-3", 3)
    assert caught.value.body == '{"detail": "no 503"}'


@pytest.mark.parametrize(("retries", "tries"), [(None, 3), (False, 1), (0, 1), (1, 2), (4, 5)])
def test_the_number_of_further_tries_is_the_users_and_two_by_default(
    server: ScriptedServer, png: bytes, retries: Any, tries: int
) -> None:
    server.reply(failing(503))
    with ApiClient(server.configuration(retries=retries)) as client, pytest.raises(ApiException):
        post(client, png)
    assert len(server.seen) == tries


def test_each_call_has_tries_of_its_own(server: ScriptedServer, png: bytes) -> None:
    server.reply(failing(503), Reply(), failing(503), Reply())
    with ApiClient(server.configuration(retries=1)) as client:
        assert [get(client, png), get(client, png)] == [OK, OK]
    assert len(server.seen) == 4


@pytest.mark.parametrize("source", ["bytes", "path", "file", "stream"])
def test_every_try_of_an_upload_sends_the_same_body(
    server: ScriptedServer, png: bytes, tmp_path: Path, source: str
) -> None:
    class Stream:
        read = io.BytesIO(png).read

    path = tmp_path / "a.png"
    path.write_bytes(png)
    server.reply(failing(503), failing(429), Reply())
    with ApiClient(server.configuration()) as client, path.open("rb") as file:
        assert post(client, {"bytes": png, "path": path, "file": file, "stream": Stream()}[source]) == OK
    first, second, third = [(seen.headers["Content-Type"], seen.body) for seen in server.seen]
    assert png in first[1]
    assert first == second == third


@either_method
def test_a_connection_that_ends_without_an_answer_is_tried_again(
    server: ScriptedServer, png: bytes, search: Any
) -> None:
    server.reply(Reply(raw=b""), Reply())
    with ApiClient(server.configuration(retries=1)) as client:
        assert search(client, png) == OK
    assert len(server.seen) == 2


@contextlib.contextmanager
def resetting() -> Iterator[tuple[str, Callable[[], int]]]:
    """A server that resets every connection; and how many there were."""
    connections: list[None] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(None)
                connection.recv(10)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", lambda: len(connections)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@either_method
def test_a_connection_that_is_reset_is_tried_again(server: ScriptedServer, png: bytes, search: Any) -> None:
    with resetting() as (host, connections):
        configuration = server.configuration(host=host, retries=1)
        with ApiClient(configuration) as client, pytest.raises(ApiException) as caught:
            search(client, png)
        assert (caught.value.status, connections()) == (0, 2)


@either_method
def test_a_refused_connection_is_tried_again(
    server: ScriptedServer, png: bytes, search: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "coactive")
    configuration = server.configuration(host=f"http://127.0.0.1:{unused_port()}", retries=1)
    with ApiClient(configuration) as client, pytest.raises(ApiException, match="cannot connect") as caught:
        search(client, png)
    again = [message for message in caplog.messages if "; trying again in 0." in message]
    assert (caught.value.status, len(again)) == (0, 1)


@contextlib.contextmanager
def closing() -> Iterator[tuple[str, threading.Semaphore]]:
    """A server that closes each connection after one answer, and then counts up."""
    answer = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"data": []}'
    closed = threading.Semaphore(0)

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
            closed.release()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", closed
        thread.join(10)


def test_a_stale_connection_is_replaced_even_without_retries(server: ScriptedServer, png: bytes) -> None:
    with closing() as (host, closed), ApiClient(server.configuration(host=host, retries=False)) as client:
        assert get(client, png) == OK
        assert closed.acquire(timeout=10)
        assert get(client, png) == OK


@either_method
def test_a_kept_connection_that_ends_under_the_next_request_is_tried_again(
    server: ScriptedServer, png: bytes, search: Any
) -> None:
    server.reply(Reply(), Reply(raw=b""), Reply())
    with ApiClient(server.configuration(retries=1)) as client:
        assert [search(client, png), search(client, png)] == [OK, OK]
    assert (len(server.seen), server.connections) == (3, 2)


@either_method
def test_a_broken_off_answer_is_tried_again(server: ScriptedServer, png: bytes, search: Any) -> None:
    server.reply(Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), Reply())
    with ApiClient(server.configuration(retries=1)) as client:
        assert search(client, png) == OK
    assert len(server.seen) == 2


@pytest.mark.parametrize("longer", ["61", "3600", "1e9", "inf"])
def test_a_retry_after_over_the_cap_comes_back_at_once_and_typed(
    server: ScriptedServer, png: bytes, longer: str
) -> None:
    server.reply(failing(429, Retry_After=longer), Reply())
    with ApiClient(server.configuration(total_timeout=None)) as client, pytest.raises(ApiException) as caught:
        get(client, png)
    assert (caught.value.status, caught.value.headers["Retry-After"], len(server.seen)) == (429, longer, 1)


@pytest.mark.parametrize("limits", [{"total_timeout": 5}, {"_request_timeout": 5}])
def test_no_wait_outlasts_the_total(server: ScriptedServer, png: bytes, limits: dict[str, float]) -> None:
    server.reply(failing(503, Retry_After="30"), Reply())
    option = {name: value for name, value in limits.items() if name.startswith("_")}
    setting = {name: value for name, value in limits.items() if name not in option}
    with ApiClient(server.configuration(**setting)) as client, pytest.raises(ApiException) as caught:
        SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug", **option)  # type: ignore[arg-type]
    assert (caught.value.status, len(server.seen)) == (503, 1)


def test_retries_go_on_under_urllib3s_own_timeout(server: ScriptedServer, png: bytes) -> None:
    server.reply(failing(503), Reply())
    with ApiClient(server.configuration()) as client:
        api = SimilaritySearchApi(client)
        assert api.search_images_by_text_grouped("e", "q", _request_timeout=urllib3.Timeout(20)).to_dict() == OK
    assert len(server.seen) == 2


def test_closing_the_client_ends_the_retries_with_the_last_failure(server: ScriptedServer) -> None:
    server.reply(Reply(503, headers={"Retry-After": "50"}))
    client = ApiClient(server.configuration(retries=5))
    failed = []

    def search_until_closed() -> None:
        with pytest.raises(ServiceException) as caught:
            SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug")
        failed.append(caught.value.status)

    thread = threading.Thread(target=search_until_closed)
    thread.start()
    while not server.seen:
        threading.Event().wait(0.01)
    client.close()
    thread.join(10)
    assert failed == [503]
    assert len(server.seen) == 1


def test_each_wait_is_logged_with_its_reason(
    server: ScriptedServer, png: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "coactive")
    server.reply(failing(503), Reply())
    with ApiClient(server.configuration()) as client:
        get(client, png)
    (message,) = caplog.messages
    assert message.startswith("503 Service Unavailable: ")
    assert message.endswith("; trying again in 0.00 s")


def waits(failures: list[ApiException], retries: int | urllib3.Retry | None) -> list[float | None]:
    attempts = retry.attempts(retries, "GET", "/", retry.Budget())
    return [attempts.delay(failure) for failure in failures]


def test_waits_double_from_half_a_second_to_eight_with_up_to_a_quarter_less() -> None:
    delays = waits([failure(503)] * 7, 6)
    assert delays.pop() is None
    for delay, longest in zip(delays, [0.5, 1, 2, 4, 8, 8], strict=True):
        assert delay is not None
        assert 0.75 * longest <= delay <= longest


def test_no_wait_is_longer_than_eight_seconds_however_many_there_were() -> None:
    assert all(delay is not None and delay <= 8 for delay in waits([failure(503)] * 24, 100))


def test_a_budget_of_failures_ends_the_retries_and_successes_bring_them_back() -> None:
    budget = retry.Budget()

    def retried() -> bool:
        return retry.attempts(2, "GET", "/", budget).delay(failure(503)) is not None

    assert [retried() for _ in range(40)] == [True] * 24 + [False] * 16
    for _ in range(60):
        budget.earn()
    assert retried()


def test_what_is_no_outage_costs_no_budget() -> None:
    budget = retry.Budget()
    for status in (400, 401, 403, 404, 422):
        for _ in range(100):
            assert retry.attempts(2, "GET", "/", budget).delay(failure(status)) is None
    assert budget.spend()


def test_an_outage_is_not_made_worse_by_retries_and_they_come_back_after_it(server: ScriptedServer) -> None:
    server.reply(Reply(503, b"", {"Retry-After": "0"}))
    with ApiClient(server.configuration()) as client:
        api = SimilaritySearchApi(client)

        def search() -> bool:
            try:
                api.search_images_by_text_grouped("e", "mug")
            except ServiceException as error:
                assert 1 <= error.tries <= 3
                return False
            return True

        def fifty_calls() -> None:
            assert not any(search() for _ in range(50))

        threads = [threading.Thread(target=fifty_calls) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.seen) <= 1_200
        server.reply(Reply())
        assert all(search() for _ in range(60))
        before = len(server.seen)
        server.reply(Reply(503, b"", {"Retry-After": "0"}), Reply())
        assert search()
        assert len(server.seen) == before + 2


def test_waits_differ_so_that_clients_do_not_return_at_once() -> None:
    assert len({waits([failure(503)], 1)[0] for _ in range(20)}) > 1


def test_a_service_that_says_too_many_gets_twice_the_wait() -> None:
    (delay,) = waits([failure(429)], 1)
    assert delay is not None
    assert 0.75 <= delay <= 1


def test_retry_after_overrules_one_wait_and_not_the_next() -> None:
    first, second = waits([failure(429, "7"), failure(503)], 2)
    assert first == 7
    assert second is not None
    assert 0.75 <= second <= 1


@pytest.mark.parametrize(
    ("value", "delay"), [("0", 0), ("1.5", 1.5), (" 3 ", 3), ("60", 60), ("-5", 0), ("60.1", None), ("inf", None)]
)
def test_retry_after_in_seconds_is_honoured_up_to_a_minute(value: str, delay: float | None) -> None:
    assert waits([failure(503, value)], 1) == [delay]


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_retry_after_as_a_date_is_honoured(zone: str) -> None:
    value = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True).replace("GMT", zone)
    (delay,) = waits([failure(503, value)], 1)
    assert delay is not None
    assert 20 < delay <= 30


@pytest.mark.parametrize(
    ("value", "delay"), [("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Wed, 21 Oct 2065 07:28:00 GMT", None)]
)
def test_retry_after_as_a_date_long_past_is_now_and_far_off_is_too_late(value: str, delay: float | None) -> None:
    assert waits([failure(503, value)], 1) == [delay]


@example("soon")
@example("")
@example("Wed, 21 Oct 99999999999999999999 07:28:00 GMT")
@example("Mon, 01 Jan 2024 00:00:00 +99999999999999")
@example("nan")
@given(st.text(st.characters(max_codepoint=255)))
def test_no_retry_after_whatever_it_holds_ends_in_a_strangers_error(value: str) -> None:
    (delay,) = waits([failure(503, value)], 1)
    assert delay is None or 0 <= delay <= 60


@pytest.mark.parametrize("value", ["soon", "", "Wed, 99 Oct 2015", "1,5"])
def test_a_retry_after_that_says_nothing_is_passed_over(value: str) -> None:
    (delay,) = waits([failure(503, value)], 1)
    assert delay is not None
    assert 0.375 <= delay <= 0.5


def test_no_answer_is_worth_another_try_only_where_it_may_pass() -> None:
    (delay,) = waits([no_answer()], 1)
    assert delay is not None
    assert 0.375 <= delay <= 0.5
    assert waits([no_answer(transient=False)], 1) == [None]


@pytest.mark.parametrize("retries", [None, False, 0, 3, urllib3.Retry(2), urllib3.Retry(False)])
def test_what_retries_can_be(retries: Any) -> None:
    assert retry.checked(retries) is retries


@pytest.mark.parametrize("retries", [True, "2", 1.0, [2], object(), urllib3.Retry])
def test_retries_of_the_wrong_type_are_refused(retries: Any) -> None:
    message = f"^retries: expected an int, False or a urllib3 Retry, got {type(retries).__name__}$"
    with pytest.raises(ApiTypeError, match=message):
        retry.checked(retries)


def test_a_negative_number_of_retries_is_refused() -> None:
    with pytest.raises(ApiValueError, match=r"^retries: expected 0 or more, got -1$"):
        retry.checked(-1)


@pytest.mark.parametrize(
    ("given", "method", "status", "tries"),
    [
        (urllib3.Retry(2, status_forcelist=[503], allowed_methods=None), post, 503, 3),
        (urllib3.Retry(2, status_forcelist=[404], allowed_methods=None), post, 404, 3),
        (urllib3.Retry(2, status_forcelist=[503], allowed_methods=None, status=1), post, 503, 2),
        (urllib3.Retry(2, status_forcelist=[503]), get, 503, 3),
        (urllib3.Retry(2, status_forcelist=[503]), post, 503, 1),
        (urllib3.Retry(2), get, 500, 1),
        (urllib3.Retry(2), get, 503, 3),
        (urllib3.Retry(0, status_forcelist=[503]), get, 503, 1),
    ],
)
def test_a_urllib3_retry_decides_as_it_does_in_urllib3(
    server: ScriptedServer, png: bytes, given: urllib3.Retry, method: Any, status: int, tries: int
) -> None:
    server.reply(failing(status))
    with ApiClient(server.configuration(retries=given)) as client, pytest.raises(ApiException) as caught:
        method(client, png)
    assert (caught.value.status, caught.value.body) == (status, f'{{"detail": "no {status}"}}')
    assert len(server.seen) == tries


@pytest.mark.parametrize(
    ("given", "tries"), [(urllib3.Retry(1, read=1, allowed_methods=None), 2), (urllib3.Retry(1, read=0), 1)]
)
def test_a_urllib3_retry_counts_broken_connections_too(
    server: ScriptedServer, png: bytes, given: urllib3.Retry, tries: int
) -> None:
    server.reply(Reply(raw=b""))
    with ApiClient(server.configuration(retries=given)) as client, pytest.raises(ApiException) as caught:
        post(client, png)
    assert (caught.value.status, len(server.seen)) == (0, tries)


class Asked(urllib3.Retry):
    """Notes what it is asked."""

    questions: list[str]

    def is_retry(self, *args: Any, **kwargs: Any) -> bool:
        self.questions.append("is_retry")
        return super().is_retry(*args, **kwargs)

    def increment(self, *args: Any, **kwargs: Any) -> "Asked":
        self.questions.append("increment")
        new = super().increment(*args, **kwargs)
        new.questions = self.questions
        return new

    def get_retry_after(self, *args: Any, **kwargs: Any) -> float | None:
        self.questions.append("get_retry_after")
        return super().get_retry_after(*args, **kwargs)

    def get_backoff_time(self) -> float:
        self.questions.append("get_backoff_time")
        return 0.0


def test_a_urllib3_retry_of_ones_own_is_asked_through_its_methods(server: ScriptedServer, png: bytes) -> None:
    given = Asked(5, status_forcelist=[500], allowed_methods=None)
    given.questions = []
    server.reply(Reply(status=500), Reply(raw=b""), failing(503), Reply(status=502))
    with ApiClient(server.configuration(retries=given)) as client, pytest.raises(ApiException, match="502"):
        post(client, png)
    assert given.questions == [
        *("is_retry", "increment", "get_retry_after", "get_backoff_time"),
        *("increment", "get_backoff_time"),
        *("is_retry", "increment", "get_retry_after"),
        "is_retry",
    ]


def of_urllib3(failure: ApiException, **settings: Any) -> float | None:
    given = urllib3.Retry(3, status_forcelist=[503], **settings)
    return retry.attempts(given, "GET", "/", retry.Budget()).delay(failure)


@pytest.mark.parametrize(
    ("value", "settings", "delay"),
    [
        ("7", {}, 7),
        ("7", {"respect_retry_after_header": False}, 0),
        ("soon", {}, 0),
        (None, {}, 0),
    ],
)
def test_a_urllib3_retry_reads_retry_after(value: str | None, settings: dict[str, Any], delay: float) -> None:
    assert of_urllib3(failure(503, value), **settings) == delay


def test_a_urllib3_retrys_own_backoff_is_the_wait() -> None:
    attempts = retry.attempts(urllib3.Retry(3, status_forcelist=[503], backoff_factor=0.5), "GET", "/", retry.Budget())
    assert [attempts.delay(failure(503)) for _ in range(4)] == [0, 1.0, 2.0, None]


def test_a_urllib3_retry_is_not_asked_about_what_cannot_pass() -> None:
    assert of_urllib3(no_answer(transient=False)) is None
    assert of_urllib3(no_answer()) == 0


def test_a_urllib3_retry_that_cannot_decide_ends_the_tries() -> None:
    odd: Any = "503"
    assert waits([failure(503)], urllib3.Retry(3, status_forcelist=odd)) == [None]


def test_a_wait_beyond_any_is_none(server: ScriptedServer) -> None:
    class Patient(urllib3.Retry):
        def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float:
            return 1e30

    server.reply(Reply(503))
    patient = Patient(3, status_forcelist=[503])
    with ApiClient(server.configuration(retries=patient)) as client, pytest.raises(ServiceException) as caught:
        SimilaritySearchApi(client).search_images_by_text_grouped("e", "q", _request_timeout=None)
    assert caught.value.tries == 1
