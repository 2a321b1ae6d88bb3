"""Many searches: what is given for each input, how many run at a time, and what ends a run."""

from __future__ import annotations

import io
import itertools
import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, UserDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from scripted_server import TOKEN, Reply, ScriptedServer, Seen, scripted_server

from coactive import (
    ApiClient,
    ApiTimeoutError,
    ApiTypeError,
    ApiValueError,
    ClientCredentials,
    NotFoundException,
    ServiceException,
    TooManyRequestsException,
    bulk,
    crew,
)
from coactive.apis import SimilaritySearchApi
from coactive.bulk import BulkResult
from coactive.journal import Journal
from coactive.model.similarity_search_response import SimilaritySearchResponse

LONG = 30
"""Seconds that are long enough for anything that is to happen at once."""


def query_of(seen: Seen) -> str:
    return parse_qs(urlsplit(seen.target).query)["query"][0]


def echo(seen: Seen) -> Reply:
    """What was asked for, as the name of the only group."""
    return Reply.json({"data": [{"group": query_of(seen), "images": []}]})


def asking(*queries: object) -> list[dict[str, Any]]:
    return [{"embedding_id": "e", "query": str(query)} for query in queries]


def endless() -> Iterator[dict[str, Any]]:
    return ({"embedding_id": "e", "query": str(number)} for number in itertools.count())


def groups(results: Any) -> list[str]:
    """The query that each result answers."""
    return [result.answer.data[0].group for result in results]


def fill(given: list[str], results: Any) -> None:
    """Add what the results answer to `given`, as long as there are some."""
    for result in results:
        given += groups([result])


def queries(server: ScriptedServer) -> list[str]:
    return [query_of(seen) for seen in server.seen]


def threads() -> int:
    return sum(thread.name == "coactive.bulk" for thread in threading.enumerate())


def wait_until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.002)


def refused(status: int = 429, **headers: str) -> Reply:
    return Reply.json({"detail": "slow down"}, status, **headers)


class Slow:
    """Answers queries only once they are let go."""

    def __init__(self, *held: object) -> None:
        self.held = {str(query): threading.Event() for query in held}

    def __call__(self, seen: Seen) -> Reply:
        if event := self.held.get(query_of(seen)):
            event.wait(LONG)
        return echo(seen)

    def let_go(self, *queries: object) -> None:
        for query in queries or self.held:
            self.held[str(query)].set()


@contextmanager
def slow(server: ScriptedServer, *held: object) -> Iterator[Slow]:
    answers = Slow(*held)
    server.reply(answers)
    try:
        yield answers
    finally:
        answers.let_go()


@pytest.fixture
def search(api: SimilaritySearchApi, server: ScriptedServer) -> Any:
    """The text search of a client that does not retry; each answer says what was asked for."""
    server.reply(echo)
    return api.search_images_by_text_grouped


# A result for each input.


def test_each_input_has_its_result_in_order(search: Any) -> None:
    inputs = asking(*range(50))
    results = list(bulk.run(search, inputs))
    assert [result.index for result in results] == list(range(50))
    assert all(result.input is given for result, given in zip(results, inputs, strict=True))
    assert groups(results) == [str(number) for number in range(50)]
    assert {result.error for result in results} == {None}
    assert {type(result.answer) for result in results} == {SimilaritySearchResponse}


def test_a_result_is_a_tuple_of_four_that_pickles(search: Any) -> None:
    results = list(bulk.run(search, asking("mug")))
    ((index, given, answer, error),) = results
    assert (index, given, error) == (0, {"embedding_id": "e", "query": "mug"}, None)
    assert answer is results[0].answer
    assert pickle.loads(pickle.dumps(results)) == results
    assert isinstance(results[0], BulkResult)


def test_no_inputs_give_no_results(search: Any, server: ScriptedServer) -> None:
    assert list(bulk.run(search, [])) == []
    assert (server.connections, threads()) == (0, 0)


def test_images_are_searched_by(api: SimilaritySearchApi, server: ScriptedServer, tmp_path: Path, png: bytes) -> None:
    from PIL import Image

    file = tmp_path / "a.png"
    file.write_bytes(png)
    files = [file, str(file), png, io.BytesIO(png + b"1"), ("b.png", png), Image.new("RGB", (3, 2))]
    server.reply(Reply.json({"data": [5]}))
    results = list(bulk.run(api.get_similar_images, [{"embedding_id": "e", "file": it, "limit": 3} for it in files]))
    assert [(result.answer, result.error) for result in results] == [({"data": [5]}, None)] * 6
    assert all(b'name="limit"\r\n\r\n3\r\n' in seen.body for seen in server.seen)


def test_a_file_that_the_generator_closes_is_sent_all_the_same(
    api: SimilaritySearchApi, server: ScriptedServer, tmp_path: Path, png: bytes
) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}.png").write_bytes(png + b"%d" % number)

    def opened() -> Iterator[dict[str, Any]]:
        for path in sorted(tmp_path.iterdir()):
            with path.open("rb") as file:
                yield {"embedding_id": "e", "file": file}

    assert all(result.error is None for result in bulk.run(api.get_similar_images, opened(), workers=4))
    assert all(any(png + b"%d\r\n" % number in seen.body for seen in server.seen) for number in range(20))


def test_in_order_a_slow_first_result_holds_up_the_others(search: Any, server: ScriptedServer) -> None:
    with slow(server, 0) as answers:
        results = bulk.run(search, asking(*range(5)), workers=2)
        letting_go = threading.Timer(0.1, answers.let_go)
        letting_go.start()
        assert groups(results) == ["0", "1", "2", "3", "4"]
        letting_go.join()


def test_as_they_come_a_slow_result_holds_up_none(search: Any, server: ScriptedServer) -> None:
    with slow(server, 0) as answers:
        results = bulk.run(search, asking(*range(5)), workers=2, ordered=False)
        assert sorted(next(results).index for _ in range(4)) == [1, 2, 3, 4]
        answers.let_go()
        assert next(results).index == 0
        assert next(results, None) is None


# What goes wrong with an input is its error.


def test_a_wrong_input_is_an_error_of_its_own(search: Any, server: ScriptedServer) -> None:
    wrong: list[Any] = [
        *("mug", None, 5),
        {"embedding_id": "e"},
        {"embedding_id": "e", "query": "a", "limt": 3},
        {"embedding_id": "e", "query": 5},
        {"embedding_id": "..", "query": "a"},
        {"embedding_id": "e", "query": "a", "async_req": True},
        {"embedding_id": "e", "query": "a", 5: 5},
    ]
    results = list(bulk.run(search, [*asking("before"), *wrong, *asking("after")]))
    assert [result.error is None for result in results] == [True, *[False] * len(wrong), True]
    assert [result.input for result in results[1:-1]] == wrong
    assert [f"{type(it.error).__name__}: {it.error}" for it in results[1:-1]] == [
        "ApiTypeError: inputs: expected a dict of the operation's arguments, got str",
        "ApiTypeError: inputs: expected a dict of the operation's arguments, got NoneType",
        "ApiTypeError: inputs: expected a dict of the operation's arguments, got int",
        "ApiTypeError: SimilaritySearchApi.search_images_by_text_grouped() missing 1 required positional argument: "
        "'query'",
        "ApiTypeError: unexpected keyword argument 'limt'; did you mean 'limit'?",
        "ApiTypeError: query: expected a str, got int",
        "ApiValueError: embedding_id: '..' cannot name anything; give the id as the service wrote it",
        "ApiTypeError: async_req: only for the plain call, not for .submit(), .with_http_info() and .raw()",
        "ApiTypeError: keywords must be strings",
    ]
    assert sorted(queries(server)) == ["after", "before"]


def test_a_file_that_is_missing_or_changes_is_an_error_of_its_input(
    api: SimilaritySearchApi, client: ApiClient, tmp_path: Path, png: bytes
) -> None:
    changing, missing = tmp_path / "a.png", tmp_path / "b.png"
    changing.write_bytes(png)
    client.hooks.request.append(lambda exchange: changing.write_bytes(png + b"more"))
    files = [changing, missing, png]
    results = list(bulk.run(api.get_similar_images, [{"embedding_id": "e", "file": file} for file in files]))
    assert [type(result.error) for result in results] == [ApiValueError, ApiValueError, type(None)]
    assert "changed after the call began" in str(results[0].error)
    assert "No such file or directory" in str(results[1].error)


def test_a_failed_call_is_an_error_of_its_input(search: Any, server: ScriptedServer) -> None:
    server.reply(lambda seen: Reply.json({"detail": "gone"}, 404) if query_of(seen) == "1" else echo(seen))
    first, second, third = bulk.run(search, asking(*range(3)))
    assert (first.error, third.error) == (None, None)
    assert isinstance(second.error, NotFoundException)
    assert (second.answer, second.error.explanation) == (None, "gone")


def test_an_error_does_not_keep_the_image_in_memory(api: SimilaritySearchApi, server: ScriptedServer) -> None:
    server.reply(Reply(404))
    errors = [result.error for result in bulk.run(api.get_similar_images, [{"embedding_id": "e", "file": b"1"}, {}])]
    assert [error and error.__traceback__ for error in errors] == [None, None]
    assert [type(error) for error in errors] == [NotFoundException, ApiTypeError]


# How many at a time.


def test_so_many_calls_run_at_a_time_over_as_many_connections(
    search: Any, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    together, counting = threading.Barrier(20), threading.Lock()
    active, most = 0, 0

    def answer(seen: Seen) -> Reply:
        nonlocal active, most
        with counting:
            active += 1
            most = max(most, active)
        together.wait(LONG)  # passes when twenty are here
        with counting:
            active -= 1
        return echo(seen)

    server.reply(answer)
    assert groups(bulk.run(search, asking(*range(60)), workers=20)) == [str(number) for number in range(60)]
    assert (most, server.connections) == (20, 20)
    assert "pool is full" not in caplog.text


def test_no_more_run_at_a_time_than_the_configuration_has_connections(server: ScriptedServer) -> None:
    server.reply(echo)
    with ApiClient(server.configuration(connection_pool_maxsize=2)) as client:
        results = bulk.run(SimilaritySearchApi(client).search_images_by_text_grouped, asking(*range(20)))
        assert len(list(results)) == 20
    assert server.connections <= 2


def test_inputs_are_taken_only_as_fast_as_they_are_needed(search: Any, server: ScriptedServer) -> None:
    taken = itertools.count()
    inputs = ({"embedding_id": "e", "query": str(next(taken))} for _ in itertools.count())
    with slow(server, 40):
        results = bulk.run(search, inputs, workers=2)
        assert groups(itertools.islice(results, 10)) == [str(number) for number in range(10)]
        assert next(taken) <= 10 + 2 * 4
        results.close()


def test_a_result_is_given_before_the_next_input_is_there(search: Any, server: ScriptedServer) -> None:
    given: list[str] = []

    def inputs() -> Iterator[dict[str, Any]]:
        yield from asking(*range(3))
        wait_until(lambda: len(server.seen) == 3)
        time.sleep(0.2)
        yield from asking(3)
        assert given == ["0", "1", "2"]

    for result in bulk.run(search, inputs()):
        given += groups([result])
    assert given == ["0", "1", "2", "3"]


def test_leaving_the_loop_ends_the_run(search: Any, server: ScriptedServer) -> None:
    for result in bulk.run(search, endless(), workers=4):
        if result.index == 20:
            break
    wait_until(lambda: threads() == 0)
    seen = len(server.seen)
    time.sleep(0.05)
    assert len(server.seen) == seen


def test_a_run_that_is_closed_waits_for_no_call(search: Any, server: ScriptedServer) -> None:
    with slow(server, 0):
        results = bulk.run(search, endless(), workers=2, ordered=False)
        next(results)
        results.close()
        assert next(results, None) is None
        assert threads() > 0
    wait_until(lambda: threads() == 0)


def test_threads_and_connections_end_with_the_run(search: Any) -> None:
    results = bulk.run(search, asking(*range(30)))
    assert threads() == 0
    next(results)
    assert 0 < threads() <= 16
    list(results)
    wait_until(lambda: threads() == 0)


# The same search twice.


def test_identical_inputs_in_flight_are_searched_once_and_share_the_answer(search: Any, server: ScriptedServer) -> None:
    with slow(server, "a") as answers:
        inputs = asking("a", "a", "b", "a")
        results = bulk.run(search, inputs, workers=2, ordered=False)
        assert groups([next(results)]) == ["b"]
        answers.let_go()
        rest = sorted(results)
    assert [result.index for result in rest] == [0, 1, 3]
    assert rest[0].answer is rest[1].answer is rest[2].answer
    assert all(result.input is inputs[result.index] for result in rest)
    assert sorted(queries(server)) == ["a", "b"]


def test_identical_inputs_without_end_are_taken_only_as_fast_as_they_are_needed(
    search: Any, server: ScriptedServer
) -> None:
    taken = itertools.count()
    inputs = (asking("a")[next(taken) * 0] for _ in itertools.count())
    with slow(server, "a") as answers:
        letting_go = threading.Timer(0.2, answers.let_go)
        letting_go.start()
        results = bulk.run(search, inputs, workers=2)
        next(results)
        assert next(taken) <= 10
        results.close()
        letting_go.join()


def test_inputs_with_other_options_share_no_answer(search: Any, server: ScriptedServer) -> None:
    with slow(server, "a") as answers:
        hasty, patient = bulk.run(search, [{**asking("a")[0], "_request_timeout": 0.3}, *until_let_go(answers)])
    assert isinstance(hasty.error, ApiTimeoutError)
    assert groups([patient]) == ["a"]


def until_let_go(answers: Slow) -> Iterator[dict[str, Any]]:
    """One input, to which the answer comes in a while."""
    threading.Timer(0.6, answers.let_go).start()
    yield asking("a")[0]


@pytest.mark.parametrize("most", [0, 2])
def test_a_run_goes_on_with_the_threads_that_the_system_gives(
    search: Any, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    start, started = threading.Thread.start, itertools.count()

    def only_so_many(thread: threading.Thread) -> None:
        if thread.name == "coactive.bulk" and next(started) >= most:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", only_so_many)
    run = bulk.run(search, asking(*range(10)))
    if most:
        assert len(list(run)) == 10
    else:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            list(run)


def test_an_answer_that_a_journal_cannot_hold_ends_the_run_behind_its_result(
    api: SimilaritySearchApi, server: ScriptedServer, png: bytes, tmp_path: Path
) -> None:
    depth = 800 if sys.version_info < (3, 12) else 1200  # which json reads, and Python's own stack does not hold
    server.reply(Reply(body=b'{"data": ' + b"[" * depth + b"]" * depth + b"}"))
    run = bulk.run(api.get_similar_images, [{"embedding_id": "e", "file": png}], journal=tmp_path / "j")
    assert next(run).error is None
    with pytest.raises(RecursionError):
        next(run)


def test_an_answer_out_of_the_journal_knows_what_was_asked(search: Any, tmp_path: Path) -> None:
    for _ in range(2):
        (result,) = bulk.run(search, asking("a"), journal=tmp_path / "j")
        assert result.answer is not None
        assert result.answer._asked == {"query": "a"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_process_that_was_forked_in_the_loop_does_not_keep_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "j"
    first = Journal(path, "search")
    kept = os.dup(first._file.fileno())  # as a forked process has it
    first.close()
    Journal(path, "search").close()
    os.close(kept)


def test_identical_inputs_share_an_error(search: Any, server: ScriptedServer) -> None:
    hold = threading.Event()

    def inputs() -> Iterator[dict[str, Any]]:
        yield from asking("a", "a")
        hold.set()

    server.reply(Reply(404, hold=hold))
    first, second = bulk.run(search, inputs())
    assert first.error is second.error
    assert isinstance(first.error, NotFoundException)
    assert len(server.seen) == 1


# Arguments.


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"inputs": 5}, ApiTypeError, "inputs: expected an iterable of dicts, got int"),
        ({"inputs": {"embedding_id": "e"}}, ApiTypeError, "inputs: expected an iterable of dicts, got dict"),
        ({"inputs": "photos"}, ApiTypeError, "inputs: expected an iterable of dicts, got str"),
        ({"workers": "4"}, ApiTypeError, "workers: expected an int, got str"),
        ({"workers": True}, ApiTypeError, "workers: expected an int, got bool"),
        ({"workers": 0}, ApiValueError, "workers: expected 1 or more, got 0"),
        ({"journal": 5}, ApiTypeError, "journal: expected a path, got int"),
        ({"timeout": "5"}, ApiTypeError, "timeout: expected seconds as a number, got str"),
        ({"timeout": 0}, ApiValueError, "timeout: expected more than 0 seconds"),
        ({"progress": 1}, ApiTypeError, "progress: expected a bool or None, got int"),
    ],
)
def test_a_wrong_argument_is_refused_at_the_call(search: Any, arguments: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        bulk.run(search, **{"inputs": [], **arguments})


@pytest.mark.parametrize("of", [lambda api: api, lambda api: print, lambda api: type(api).get_similar_images])
def test_what_is_no_operation_of_an_object_is_refused(api: SimilaritySearchApi, of: Any) -> None:
    with pytest.raises(ApiTypeError, match=r"^operation: expected one of an Api object, such as api.get_sim"):
        bulk.run(of(api), [])


def test_a_client_that_is_closed_is_refused(search: Any, client: ApiClient) -> None:
    client.close()
    with pytest.raises(ApiValueError, match="the ApiClient is closed"):
        bulk.run(search, [])


# The client.


def test_the_calls_have_the_settings_and_hooks_of_the_client_which_stays_as_it_is(
    search: Any, client: ApiClient, server: ScriptedServer
) -> None:
    shown: list[str] = []
    client.default_headers["X-Team"] = "catalogue"
    client.hooks.request.append(lambda exchange: shown.append("request"))
    client.hooks.response.append(lambda exchange: shown.append(f"{exchange.status}"))
    list(bulk.run(search, asking("a")))
    assert shown == ["request", "200"]
    assert server.seen[0].headers["X-Team"] == "catalogue"
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert (len(client.hooks.response), client.pool_threads) == (1, 16)
    client.hooks.response.clear()
    server.reply(refused())
    with pytest.raises(TooManyRequestsException):
        search("e", "mug")


def test_a_run_goes_on_when_the_client_is_closed(search: Any, client: ApiClient) -> None:
    results = bulk.run(search, asking(*range(10)), workers=1)
    next(results)
    client.close()
    assert groups(results) == [str(number) for number in range(1, 10)]


def test_the_calls_of_a_run_share_one_token_of_a_login(server: ScriptedServer) -> None:
    def answer(seen: Seen) -> Reply:
        return (
            Reply.json({"access_token": "t", "token_type": "Bearer", "expires_in": 3600}) if seen.body else echo(seen)
        )

    server.reply(answer)
    credentials = ClientCredentials("an-id", "a-secret")
    with ApiClient(server.configuration(access_token=credentials)) as client:
        list(bulk.run(SimilaritySearchApi(client).search_images_by_text_grouped, asking(*range(20))))
    assert Counter(seen.method for seen in server.seen) == {"GET": 20, "POST": 1}


def test_passing_failures_are_retried_as_the_client_retries_its_calls(server: ScriptedServer) -> None:
    server.reply(Reply(500, headers={"Retry-After": "0"}), Reply(raw=b""), echo)
    with ApiClient(server.configuration(retries=2)) as client:
        (result,) = bulk.run(SimilaritySearchApi(client).search_images_by_text_grouped, asking("a"))
    assert groups([result]) == ["a"]
    assert len(server.seen) == 3


# A service that is too busy.


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retries", [False, 2])
def test_a_refusal_makes_all_workers_wait(server: ScriptedServer, status: int, retries: Any) -> None:
    refusal, together = threading.Event(), threading.Barrier(4)
    came: list[float] = []

    def answer(seen: Seen) -> Reply:
        came.append(time.monotonic())
        if refusal.is_set():
            return echo(seen)
        together.wait(LONG)  # passes when four are here
        if query_of(seen) == "0":
            return refused(status, retry_after_ms="700")
        refusal.wait(LONG)
        return echo(seen)

    def see(exchange: Any) -> None:
        if exchange.status == status:
            threading.Timer(0.1, refusal.set).start()

    server.reply(answer)
    with ApiClient(server.configuration(retries=retries)) as client:
        client.hooks.response.append(see)
        results = bulk.run(SimilaritySearchApi(client).search_images_by_text_grouped, asking(*range(8)), workers=4)
        assert groups(results) == [str(number) for number in range(8)]
    assert len(came) == 9
    assert min(came[4:]) - max(came[:4]) > 0.5


def test_without_a_word_of_the_service_each_wait_is_longer_than_the_last(
    search: Any, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "_FIRST_PAUSE", 0.02)
    came: list[float] = []

    def answer(seen: Seen) -> Reply:
        came.append(time.monotonic())
        return refused()

    server.reply(answer)
    (result,) = bulk.run(search, asking("a"))
    waits = [later - earlier for earlier, later in itertools.pairwise(came)]
    assert all(wait > 0.75 * expected for wait, expected in zip(waits, [0.02, 0.04, 0.08, 0.16, 0.32], strict=True))
    assert isinstance(result.error, TooManyRequestsException)
    assert result.error.tries == 6
    assert result.error.explanation == "slow down"


def test_the_waits_are_short_again_after_a_success(
    search: Any, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(crew, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(random, "uniform", lambda least, most: most)
    caplog.set_level("INFO", "coactive")
    replies: Iterator[Any] = iter([refused(), refused(), refused(), echo, refused(), echo])

    def answer(seen: Seen) -> Reply:
        reply = next(replies)
        return reply if isinstance(reply, Reply) else reply(seen)

    server.reply(answer)
    assert groups(bulk.run(search, asking("a", "b"), workers=1)) == ["a", "b"]
    assert re.findall(r"all workers wait ([\d.]+) s", caplog.text) == ["0.05", "0.10", "0.20", "0.05"]


def test_under_a_limit_of_rate_every_input_has_its_answer(search: Any, server: ScriptedServer) -> None:
    """Thirty-two calls at once would be refused over and over, were the workers not to hold back."""
    windows: Counter[int] = Counter()
    counting = threading.Lock()

    def answer(seen: Seen) -> Reply:
        with counting:
            window = int(time.monotonic() / 0.2)
            windows[window] += 1
            return refused(retry_after_ms="200") if windows[window] > 4 else echo(seen)

    server.reply(answer)
    results = list(bulk.run(search, asking(*range(60)), workers=32))
    assert [result.error for result in results if result.error] == []
    assert groups(results) == [str(number) for number in range(60)]


def test_the_tries_of_a_refused_search_are_all_counted(server: ScriptedServer) -> None:
    server.reply(*[Reply(500, headers={"Retry-After": "0"}), refused(retry_after_ms="0")] * 5, refused(503))
    with ApiClient(server.configuration(retries=2)) as client:
        (result,) = bulk.run(SimilaritySearchApi(client).search_images_by_text_grouped, asking("a"))
    assert isinstance(result.error, ServiceException)
    assert result.error.tries == len(server.seen) == 11


def test_a_very_long_wait_is_cut_short_by_the_end_of_the_run(search: Any, server: ScriptedServer) -> None:
    server.reply(lambda seen: echo(seen) if query_of(seen) == "0" else refused(Retry_After="1e300"))
    results = bulk.run(search, endless(), workers=4)
    assert groups([next(results)]) == ["0"]
    wait_until(lambda: len(server.seen) >= 2)
    results.close()
    wait_until(lambda: threads() == 0)


# What ends a run early.


class Broken(Exception):  # noqa: N818
    """What the inputs raise."""


@pytest.mark.parametrize("ordered", [True, False])
def test_an_exception_of_the_inputs_comes_after_the_results_of_those_before(search: Any, ordered: bool) -> None:
    broken = Broken("no more rows")

    def inputs() -> Iterator[dict[str, Any]]:
        yield from asking(*range(20))
        raise broken

    results = bulk.run(search, inputs(), workers=4, ordered=ordered)
    given = list(itertools.islice(results, 20))
    assert sorted(result.index for result in given) == list(range(20))
    with pytest.raises(Broken) as caught:
        next(results)
    assert caught.value is broken


def test_an_exception_of_an_input_itself_comes_after_the_results_of_those_before(search: Any) -> None:
    class Arguments(UserDict[str, Any]):
        def keys(self) -> Any:
            raise Broken

    results = bulk.run(search, [*asking(*range(5)), Arguments(), *asking("never")])
    assert groups(itertools.islice(results, 5)) == ["0", "1", "2", "3", "4"]
    with pytest.raises(Broken):
        next(results)


def test_an_exception_of_a_hook_comes_after_the_results_of_what_is_in_flight(
    search: Any, client: ApiClient, server: ScriptedServer
) -> None:
    def refuse(exchange: Any) -> None:
        if exchange.headers["X-Number"] == "2":
            raise Broken

    numbers = itertools.count()
    client.hooks.request.append(lambda exchange: exchange.headers.update({"X-Number": str(next(numbers))}))
    client.hooks.request.append(refuse)
    results = bulk.run(search, endless(), workers=4)
    given: list[str] = []
    with pytest.raises(Broken):
        fill(given, results)
    assert sorted(given) == sorted(queries(server))
    assert len(given) >= 2


def test_after_the_timeout_no_call_begins_and_finished_results_are_given(search: Any, server: ScriptedServer) -> None:
    with slow(server, 2):
        results = bulk.run(search, asking(*range(5)), workers=2, timeout=1.5)
        given: list[str] = []
        with pytest.raises(ApiTimeoutError) as caught:
            fill(given, results)
    assert given == ["0", "1", "3", "4"]
    assert str(caught.value) == "timeout: the 1.5 s for the whole run are over; 4 inputs are done"


def test_the_timeout_ends_a_wait_for_a_busy_service(search: Any, server: ScriptedServer) -> None:
    server.reply(refused(Retry_After="60"))
    with pytest.raises(ApiTimeoutError, match="0 inputs are done"):
        list(bulk.run(search, endless(), timeout=0.1))
    wait_until(lambda: threads() == 0)


def test_the_timeout_counts_while_the_loop_is_busy(search: Any, server: ScriptedServer) -> None:
    given: list[str] = []
    with slow(server, 0) as answers:
        results = bulk.run(search, endless(), workers=2, ordered=False, timeout=1)
        assert groups([next(results)]) == ["1"]
        answers.let_go()
        time.sleep(1.1)
        with pytest.raises(ApiTimeoutError, match="2 inputs are done"):
            fill(given, results)
    assert given == ["0"]
    assert sorted(queries(server)) == ["0", "1"]


def test_a_run_within_its_timeout_ends_as_without(search: Any) -> None:
    assert groups(bulk.run(search, asking("a"), timeout=60)) == ["a"]


@contextmanager
def signalled(number: signal.Signals, ready: Callable[[], bool]) -> Iterator[None]:
    """Send this process a signal as soon as it is ready for it."""

    def send() -> None:
        wait_until(ready)
        os.kill(os.getpid(), number)

    sending = threading.Thread(target=send)
    sending.start()
    yield
    sending.join()


@pytest.mark.parametrize("ordered", [True, False])
def test_on_ctrl_c_finished_results_are_given_first(search: Any, server: ScriptedServer, ordered: bool) -> None:
    found: list[str] = []
    with (
        slow(server, 1, 4),
        signalled(signal.SIGINT, lambda: len(server.seen) == 5),
        pytest.raises(KeyboardInterrupt),
    ):
        fill(found, bulk.run(search, asking(*range(5)), workers=2, ordered=ordered))
    assert sorted(found) == ["0", "2", "3"]


def test_what_a_signal_raises_comes_after_finished_results_too(search: Any, server: ScriptedServer) -> None:
    def end(*_: object) -> None:
        raise SystemExit(3)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with slow(server, 0, 3), signalled(signal.SIGTERM, lambda: len(server.seen) == 4):
            results = bulk.run(search, asking(*range(4)), workers=2)
            assert groups([next(results), next(results)]) == ["1", "2"]
            with pytest.raises(SystemExit):
                next(results)
    finally:
        signal.signal(signal.SIGTERM, before)


INTERRUPTED = """
import sys, time
from coactive import ApiClient, Configuration, bulk
from coactive.apis import SimilaritySearchApi
host, ordered = sys.argv[1:]
search = SimilaritySearchApi(ApiClient(Configuration(host=host, access_token="a:b"))).search_images_by_text_grouped
inputs = ({"embedding_id": "e", "query": str(number)} for number in range(10**9))
try:
    for result in bulk.run(search, inputs, workers=8, ordered=ordered == "True"):
        print(result.answer.data[0].group, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("how", ["held", "busy"])
def test_ctrl_c_ends_a_program_at_once_and_loses_no_finished_result(
    server: ScriptedServer, ordered: bool, how: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    hold = threading.Event()
    answered: list[str] = []

    def answer(seen: Seen) -> Reply:
        query = query_of(seen)
        if query != "20" and int(query) <= 30:
            answered.append(query)
            return echo(seen)
        if how == "busy":
            return refused(Retry_After="60")
        hold.wait(2 * LONG)
        return echo(seen)

    server.reply(answer)
    command = [sys.executable, "-c", INTERRUPTED, server.host, str(ordered)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        wait_until(lambda: len(server.seen) > len(answered) + (0 if how == "busy" else 7))
        time.sleep(0.5)
        program.send_signal(signal.SIGINT)
        began = time.monotonic()
        *found, last = program.stdout.read().split()
        record_testsuite_property(f"bulk: seconds after Ctrl-C, {how}, ordered={ordered}", time.monotonic() - began)
        assert time.monotonic() - began < LONG
        assert program.wait(LONG) == 0
    hold.set()
    assert last == "interrupted"
    assert sorted(found, key=int) == sorted(answered, key=int)


# The journal.


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "searches.jsonl"


def test_a_second_run_searches_only_what_the_journal_lacks(search: Any, server: ScriptedServer, journal: Path) -> None:
    first = list(bulk.run(search, asking(*range(10)), journal=journal))
    again = list(bulk.run(search, asking(*range(5, 15)), journal=str(journal)))
    assert groups(again) == [str(number) for number in range(5, 15)]
    assert [result.answer for result in again[:5]] == [result.answer for result in first[5:]]
    assert Counter(queries(server)) == Counter(str(number) for number in range(15))
    assert (again[0].index, again[0].input) == (0, {"embedding_id": "e", "query": "5"})


def test_an_input_that_comes_again_later_is_not_searched_again_with_a_journal(
    search: Any, server: ScriptedServer, journal: Path
) -> None:
    results = bulk.run(search, asking("a", "b", "c", "a"), workers=1, journal=journal)
    assert groups(results) == ["a", "b", "c", "a"]
    assert queries(server) == ["a", "b", "c"]
    server.seen.clear()
    assert groups(bulk.run(search, asking("a", "b", "c", "a"), workers=1)) == ["a", "b", "c", "a"]
    assert queries(server) == ["a", "b", "c", "a"]


def test_a_failed_search_is_tried_again_by_the_next_run(search: Any, server: ScriptedServer, journal: Path) -> None:
    server.reply(Reply(404), echo)
    ((_, _, _, error),) = bulk.run(search, asking("a"), journal=journal)
    assert isinstance(error, NotFoundException)
    assert groups(bulk.run(search, asking("a"), journal=journal)) == ["a"]


def test_the_answers_of_another_service_are_not_taken(search: Any, server: ScriptedServer, journal: Path) -> None:
    list(bulk.run(search, asking("a"), journal=journal))
    with scripted_server() as other, ApiClient(other.configuration()) as client:
        other.reply(Reply.json({"data": [{"group": "another", "images": []}]}))
        results = bulk.run(SimilaritySearchApi(client).search_images_by_text_grouped, asking("a"), journal=journal)
        assert groups(results) == ["another"]


def test_plain_json_comes_back_as_it_was(
    api: SimilaritySearchApi, server: ScriptedServer, journal: Path, tmp_path: Path, png: bytes
) -> None:
    (tmp_path / "a.png").write_bytes(png)
    answer = {"data": [{"created_dt": "2026-01-02T03:04:05Z", "score": 0.5, "é": None}]}
    server.reply(Reply.json(answer))
    inputs = [{"embedding_id": "e", "file": tmp_path / "a.png"}]
    for _ in range(2):
        assert [result.answer for result in bulk.run(api.get_similar_images, inputs, journal=journal)] == [answer]
    assert len(server.seen) == 1


def test_a_journal_of_another_operation_is_refused_when_the_run_begins(
    search: Any, api: SimilaritySearchApi, journal: Path
) -> None:
    list(bulk.run(search, [], journal=journal))
    results = bulk.run(api.get_similar_images, [], journal=journal)
    with pytest.raises(ApiValueError, match=r"^journal: .* is of the operation search_images_by_text_grouped, not"):
        next(results)


def test_a_run_that_never_began_leaves_the_journal_alone(search: Any, journal: Path) -> None:
    bulk.run(search, asking("a"), journal=journal)
    assert not journal.exists()


def test_what_a_run_finished_and_did_not_give_is_in_the_journal(
    search: Any, server: ScriptedServer, journal: Path
) -> None:
    with slow(server, 0, 1, 2) as answers:
        results = bulk.run(search, asking(*range(3)), ordered=False, journal=journal)

        def let_go_once_all_are_asked() -> None:
            wait_until(lambda: len(server.seen) == 3)
            answers.let_go(1)

        letting_go = threading.Thread(target=let_go_once_all_are_asked)
        letting_go.start()
        assert groups([next(results)]) == ["1"]
        letting_go.join()
        answers.let_go(2)
        wait_until(lambda: journal.read_bytes().count(b"\n") == 3)
        results.close()
    server.seen.clear()
    assert groups(bulk.run(search, asking(*range(3)), journal=journal)) == ["0", "1", "2"]
    assert queries(server) == ["0"]


def test_a_damaged_answer_in_the_journal_is_an_error_of_its_input(search: Any, journal: Path) -> None:
    list(bulk.run(search, asking("a", "b"), workers=1, journal=journal))
    journal.write_bytes(journal.read_bytes().replace(b'"group":"a"', b'"group":-"a'))
    first, second = bulk.run(search, asking("a", "b"), journal=journal)
    assert str(first.error) == f"journal: {str(journal)!r}: line 2 is damaged; delete it"
    assert groups([second]) == ["b"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_a_result_that_cannot_be_kept_is_given_and_then_the_run_ends(
    search: Any, server: ScriptedServer, journal: Path
) -> None:
    import resource

    list(bulk.run(search, asking(0), journal=journal))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size + 200, hard))
    given: list[str] = []
    try:
        with pytest.raises(ApiValueError, match="it cannot be written to: File too large"):
            fill(given, bulk.run(search, endless(), workers=2, journal=journal))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Counter(given) == Counter(queries(server))
    assert len(given) >= 3
    assert groups(bulk.run(search, asking(*range(5)), journal=journal)) == ["0", "1", "2", "3", "4"]


# Progress.


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_with_the_errors(
    search: Any, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply(lambda seen: Reply(404) if query_of(seen) == "1" else echo(seen))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    list(bulk.run(search, asking(*range(7))))
    shown = terminal.getvalue()
    assert re.search(r"100%\|.*\| 7/7 \[.* searches/s, errors=1\]", shown)
    assert shown.endswith("\n")


def test_progress_without_a_known_number_counts_only(
    search: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    list(bulk.run(search, iter(asking(*range(7))), progress=True))
    assert re.search(r"\r7 searches \[.*errors=0\]", capsys.readouterr().err)


@pytest.mark.parametrize("progress", [None, False])
def test_progress_is_not_shown_where_nobody_sees_it(
    search: Any, capsys: pytest.CaptureFixture[str], progress: bool | None
) -> None:
    list(bulk.run(search, asking(*range(7)), progress=progress))
    assert capsys.readouterr().err == ""


def test_progress_counts_what_is_done_while_the_first_result_is_awaited(
    search: Any, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with slow(server, 0) as answers:

        def let_go_once_six_are_counted() -> None:
            wait_until(lambda: " 6/7 " in terminal.getvalue())
            answers.let_go()

        letting_go = threading.Thread(target=let_go_once_six_are_counted)
        letting_go.start()
        assert len(list(bulk.run(search, asking(*range(7)), workers=2))) == 7
        letting_go.join()


def test_without_tqdm_there_is_no_bar_and_an_error_for_who_wants_one(
    search: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert groups(bulk.run(search, asking("a"))) == ["a"]
    assert terminal.getvalue() == ""
    with pytest.raises(ModuleNotFoundError, match=r"^progress: the bar needs tqdm: pip install tqdm$"):
        bulk.run(search, [], progress=True)


def test_in_a_notebook_without_widgets_the_bar_is_of_text(
    search: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    list(bulk.run(search, asking("a")))
    assert "1/1" in capsys.readouterr().err


def test_importing_it_loads_neither_tqdm_nor_multiprocessing() -> None:
    code = "import sys, coactive.bulk; print({'tqdm', 'multiprocessing', 'asyncio', 'dask'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "set()\n"


# Many of them.


SERVER = '''
import asyncio, re, sys
from urllib.parse import parse_qs, urlsplit

delay = float(sys.argv[1])

class Connection(asyncio.Protocol):
    """Answers each request after a while; the queries are the numbers that the answer repeats."""

    def connection_made(self, transport):
        self.transport, self.received = transport, b""

    def data_received(self, data):
        self.received += data
        head, blank, rest = self.received.partition(b"\\r\\n\\r\\n")
        if blank:
            self.received = rest
            query = re.search(rb"query=(\\w+)", head)[1]
            body = b'{"data": [{"group": "%s", "images": []}]}' % query
            answer = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n%s"
            asyncio.get_running_loop().call_later(delay, self.transport.write, answer % (len(body), body))
            if len(sys.argv) > 2:
                print(query.decode(), file=log, flush=True)

async def serve():
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=100)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

log = open(sys.argv[2], "a") if len(sys.argv) > 2 else None
asyncio.run(serve())
'''


@contextmanager
def running(delay: float, log: Path | None = None) -> Iterator[str]:
    """The address of a server in a process of its own that answers after so many seconds, and logs the queries."""
    command = [sys.executable, "-c", SERVER, str(delay), *([str(log)] if log else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.kill()


@pytest.mark.heavy
@pytest.mark.parametrize("ordered", [True, False])
def test_a_thousand_searches_come_at_nearly_the_ideal_rate(
    ordered: bool, record_testsuite_property: Callable[[str, object], None]
) -> None:
    calls, workers, delay = 1000, 16, 0.05
    with running(delay) as host, ApiClient(ScriptedServer(0).configuration(host=host)) as client:
        search = SimilaritySearchApi(client).search_images_by_text_grouped
        began = time.perf_counter()
        results = list(bulk.run(search, asking(*range(calls)), workers=workers, ordered=ordered))
        ratio = calls / workers * delay / (time.perf_counter() - began)
    record_testsuite_property(f"bulk: of the ideal rate, ordered={ordered}", round(ratio, 3))
    assert sorted(groups(results), key=int) == [str(number) for number in range(calls)]
    assert ratio > 0.6


GROWTH = """
import gc, sys
from coactive import ApiClient, Configuration, bulk
from coactive.apis import SimilaritySearchApi

def resident():
    gc.collect()
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

api = SimilaritySearchApi(ApiClient(Configuration(host=sys.argv[1], access_token="a:b")))
inputs = ({"embedding_id": "e", "query": str(number)} for number in range(101_000))
for result in bulk.run(api.search_images_by_text_grouped, inputs):
    assert result.answer.data[0].group == str(result.index)
    if result.index == 999:
        before = resident()
print(resident() - before)
"""


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_number_of_inputs(
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    with running(0) as host:
        done = subprocess.run([sys.executable, "-c", GROWTH, host], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    record_testsuite_property("bulk: bytes grown over 100,000 inputs", int(done.stdout))
    assert int(done.stdout) < 20 * 2**20


RESUMED = """
import sys
from coactive import ApiClient, Configuration, bulk
from coactive.apis import SimilaritySearchApi
host, journal = sys.argv[1:]
search = SimilaritySearchApi(ApiClient(Configuration(host=host, access_token="a:b"))).search_images_by_text_grouped
inputs = ({"embedding_id": "e", "query": str(number)} for number in range(2000))
for result in bulk.run(search, inputs, journal=journal):
    print(result.index, result.input["query"], result.answer.data[0].group, flush=True)
"""


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_a_run_that_is_killed_goes_on_where_it_was(journal: Path, tmp_path: Path) -> None:
    log = tmp_path / "asked"
    log.touch()
    with running(0.01, log) as host:
        command = [sys.executable, "-c", RESUMED, host, str(journal)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
            wait_until(lambda: log.read_text().count("\n") > 700)
            program.kill()
            program.communicate()
        kept = [json.loads(line)["answer"]["data"][0]["group"] for line in journal.read_text().split("\n")[1:-1]]
        log.write_text("")
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        asked = log.read_text().split()
    assert 600 < len(kept) < 2000
    assert done.stderr == ""
    assert done.stdout.split("\n")[:-1] == [f"{number} {number} {number}" for number in range(2000)]
    assert Counter(asked) == Counter(str(number) for number in range(2000)) - Counter(kept)
