import contextlib
import copy
import gc
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from scripted_server import TOKEN, Reply, ScriptedServer, Seen, scripted_server

import coactive
from coactive import (
    ApiClient,
    ApiDecodeError,
    ApiException,
    ApiTypeError,
    ApiValueError,
    Configuration,
)
from coactive.apis import SimilaritySearchApi
from coactive.models import ErrorResponse, SimilarImage, SimilaritySearchResponse
from coactive.response import RawResponse

OK: dict[str, Any] = {"data": []}


def search(client: ApiClient, query: str = "mug", **options: Any) -> Any:
    return SimilaritySearchApi(client).search_images_by_text_grouped("e", query, **options)


def echo(seen: Seen) -> Reply:
    return Reply.json({"data": [{"group": seen.target.partition("query=")[2], "images": []}]})


def run(program: str, server: ScriptedServer, *flags: str, stdin: bytes = b"") -> str:
    environment = os.environ | {"COACTIVE_HOST": server.host, "COACTIVE_ACCESS_TOKEN": TOKEN}
    done = subprocess.run(
        [sys.executable, *flags, "-c", program], env=environment, input=stdin, capture_output=True, timeout=30
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout.decode()


@pytest.fixture
def default() -> Iterator[None]:
    yield
    Configuration.set_default(None)


def test_every_call_carries_token_accept_and_user_agent(server: ScriptedServer, client: ApiClient) -> None:
    search(client)
    headers = server.seen[0].headers
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Accept"] == "application/json"
    python = ".".join(map(str, sys.version_info[:3]))
    assert headers["User-Agent"] == f"coactive-python/{coactive.__version__} Python/{python} {sys.platform}"
    assert client.user_agent == headers["User-Agent"]


def test_a_header_and_a_cookie_can_be_given_at_construction(server: ScriptedServer) -> None:
    with ApiClient(server.configuration(), "X-Team", "search", "a=1") as client:
        search(client)
    assert server.seen[0].headers["X-Team"] == "search"
    assert server.seen[0].headers["Cookie"] == "a=1"


def test_a_header_name_without_a_value_is_sent_empty(server: ScriptedServer) -> None:
    with ApiClient(server.configuration(), "X-Team") as client:
        search(client)
    assert server.seen[0].headers["X-Team"] == ""


@pytest.mark.parametrize("name", ["user-agent", "User-Agent"])
def test_a_header_set_later_is_sent_once_whatever_its_case(
    server: ScriptedServer, client: ApiClient, name: str
) -> None:
    client.set_default_header(name, "mine/1")
    client.set_default_header("accept", "text/plain")
    client.set_default_header("X-Groesse", "größer")
    search(client)
    sent = {key.lower(): value for key, value in server.seen[0].headers.items()}
    assert (sent["user-agent"], sent["accept"], sent["x-groesse"]) == ("mine/1", "text/plain", "größer")
    names = [key.lower() for key in server.seen[0].headers]
    assert sorted(names) == sorted(set(names))
    assert client.user_agent == "mine/1"


def test_the_user_agent_can_be_set(server: ScriptedServer, client: ApiClient) -> None:
    client.user_agent = "mine/1"
    search(client)
    assert server.seen[0].headers["User-Agent"] == "mine/1"
    assert client.default_headers == {"User-Agent": "mine/1"}


def test_default_headers_can_be_changed_in_place(server: ScriptedServer, client: ApiClient) -> None:
    client.default_headers["X-Team"] = "search"
    search(client)
    del client.default_headers["X-Team"]
    search(client)
    assert [seen.headers.get("X-Team") for seen in server.seen] == ["search", None]


def test_default_headers_replace_neither_token_nor_form(server: ScriptedServer, client: ApiClient, png: bytes) -> None:
    client.default_headers |= {"authorization": "Bearer other", "content-type": "text/plain", "content-length": "1"}
    SimilaritySearchApi(client).get_similar_images("e", png)
    headers = server.seen[0].headers
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert headers["Content-Length"] == str(len(server.seen[0].body))
    assert len([name for name in headers if name.lower() in {"authorization", "content-type", "content-length"}]) == 3


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\n", "a\x00", "東京"])
def test_a_value_that_a_header_cannot_carry_is_refused_and_not_shown(client: ApiClient, value: str) -> None:
    with pytest.raises(ApiValueError) as caught:
        client.set_default_header("X-Team", value)
    assert str(caught.value) == "header_value: the header X-Team cannot carry a line break or this script"


@pytest.mark.parametrize("name", ["", "X Team", "X-Team:", "X\r\nY", "Größe", 5, None])
def test_a_name_that_a_header_cannot_have_is_refused(client: ApiClient, name: Any) -> None:
    with pytest.raises(ApiValueError) as caught:
        client.set_default_header(name, "search")
    assert str(caught.value) == f"header_name: {name!r} cannot name a header"


def test_a_value_of_a_header_that_is_no_str_is_a_type_error(server: ScriptedServer, client: ApiClient) -> None:
    message = r"^header_value: expected a str for X-Number, got int$"
    with pytest.raises(ApiTypeError, match=message):
        client.set_default_header("X-Number", 5)  # type: ignore[arg-type]
    client.default_headers["X-Number"] = 5  # type: ignore[assignment]
    with pytest.raises(ApiTypeError, match=message):
        search(client)
    assert server.connections == 0


def test_a_cookie_that_a_header_cannot_carry_is_refused_before_the_network(server: ScriptedServer) -> None:
    with (
        ApiClient(server.configuration(), cookie="a=1\r\nX-Injected: 1") as client,
        pytest.raises(ApiValueError, match=r"^header_value: the header Cookie cannot carry a line break"),
    ):
        search(client)
    assert server.connections == 0


@pytest.mark.parametrize("threads", ["4", 4.0, True, None])
def test_pool_threads_of_the_wrong_type_are_refused(threads: Any) -> None:
    with pytest.raises(ApiTypeError, match=rf"^pool_threads: expected an int, got {type(threads).__name__}$"):
        ApiClient(Configuration(), pool_threads=threads)


@pytest.mark.parametrize("threads", [0, -1])
def test_less_than_one_thread_is_refused(threads: int) -> None:
    with pytest.raises(ApiValueError, match=rf"^pool_threads: expected 1 or more, got {threads}$"):
        ApiClient(Configuration(), pool_threads=threads)


def test_request_auths_take_the_tokens_place(server: ScriptedServer) -> None:
    auths = [
        {"in": "header", "key": "X-Key", "value": "in-header"},
        {"in": "cookie", "key": "session", "value": "in-cookie"},
        {"in": "query", "key": "key", "value": "in query"},
    ]
    with ApiClient(server.configuration(access_token=None)) as client:
        search(client, _request_auths=auths)
    (seen,) = server.seen
    assert (seen.headers["X-Key"], seen.headers["Cookie"]) == ("in-header", "session=in-cookie")
    assert seen.target.endswith("/text?query=mug&key=in+query")
    assert "Authorization" not in seen.headers


def test_request_auths_can_make_the_query_of_a_call_without_one(server: ScriptedServer, png: bytes) -> None:
    auths = [{"in": "query", "key": "key", "value": "k"}]
    with ApiClient(server.configuration(access_token=None)) as client:
        search = cast("Any", SimilaritySearchApi(client).get_similar_images)
        search("e", png, _request_auths=auths)
    assert server.seen[0].target.endswith("/e/search?key=k")


def test_an_unread_answer_is_urllib3s_and_frees_its_connection_once_read(server: ScriptedServer) -> None:
    with ApiClient(server.configuration(connection_pool_maxsize=1, total_timeout=20)) as client:
        unread = search(client, _preload_content=False)
        assert (unread.status, json.loads(unread.read())) == (200, OK)
        search(client, _preload_content=False).read()
    assert server.connections == 1


@pytest.mark.parametrize("leave", [lambda unread: unread.close(), lambda unread: unread.read(3), lambda unread: None])
def test_unread_answers_that_are_closed_or_forgotten_keep_no_call_waiting(server: ScriptedServer, leave: Any) -> None:
    with ApiClient(server.configuration(total_timeout=20, connection_pool_maxsize=1)) as client:
        kept = [search(client, _preload_content=False) for _ in range(4)]
        for unread in kept:
            leave(unread)
        assert search(client).to_dict() == OK
        for unread in kept:
            unread.close()


def test_an_unread_call_that_fails_is_an_exception_all_the_same(server: ScriptedServer, client: ApiClient) -> None:
    server.reply(Reply.json({"detail": "no such embedding"}, 404))
    with pytest.raises(coactive.NotFoundException, match="no such embedding"):
        search(client, _preload_content=False)


def test_a_closed_client_says_so_and_closing_twice_is_fine(server: ScriptedServer) -> None:
    client = ApiClient(server.configuration())
    search(client)
    SimilaritySearchApi(client).search_images_by_text_grouped.submit("e", "mug").get(10)
    client.close()
    client.close()
    for call in (search, lambda client: SimilaritySearchApi(client).search_images_by_text_grouped.submit("e", "mug")):
        with pytest.raises(ApiValueError, match=r"^the ApiClient is closed; make a new one$"):
            call(client)
    assert len(server.seen) == 2


def test_a_client_that_was_never_used_can_be_closed(server: ScriptedServer) -> None:
    with ApiClient(server.configuration()) as client:
        client.close()
    with pytest.raises(ApiValueError, match="closed"):
        search(client)
    assert server.connections == 0


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_the_exception_of_a_failed_call_is_freed_without_the_collector(server: ScriptedServer) -> None:
    server.reply(Reply(503, headers={"Retry-After": "0"}))
    gc.disable()
    try:
        with ApiClient(server.configuration()) as client:
            try:
                search(client)
            except ApiException as error:
                failed = weakref.ref(error)
        assert failed() is None
    finally:
        gc.enable()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="counts open files in /dev/fd")
@pytest.mark.parametrize("close", [True, False], ids=["closed", "dropped"])
def test_open_files_stay_flat_over_a_thousand_clients(server: ScriptedServer, close: bool) -> None:
    configuration = server.configuration()

    def use_one() -> None:
        client = ApiClient(configuration)
        search(client)
        if close:
            client.close()

    use_one()
    gc.collect()
    before = open_files()
    gc.disable()  # what is dropped is freed without its help
    try:
        for _ in range(1_000 if close else 100):
            use_one()
        assert open_files() < before + 20
    finally:
        gc.enable()


def test_fifty_threads_share_a_client_and_each_gets_its_own_answers(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply(echo)
    start = threading.Barrier(50)
    with ApiClient(server.configuration()) as client, ThreadPoolExecutor(50) as pool:

        def ask(number: int) -> list[str]:
            start.wait(10)
            return [search(client, f"{number}-{turn}").data[0].group for turn in range(4)]

        answers = list(pool.map(ask, range(50)))
    assert answers == [[f"{number}-{turn}" for turn in range(4)] for number in range(50)]
    assert server.connections <= 16
    assert "pool is full" not in caplog.text


def test_fifty_threads_that_submit_share_the_clients_few_threads(server: ScriptedServer) -> None:
    server.reply(echo)
    start = threading.Barrier(50)
    with ApiClient(server.configuration(), pool_threads=3) as client, ThreadPoolExecutor(50) as pool:
        submit = SimilaritySearchApi(client).search_images_by_text_grouped.submit

        def ask(number: int) -> str | None:
            start.wait(10)
            return submit("e", str(number)).get(20).data[0].group

        assert list(pool.map(ask, range(50))) == [str(number) for number in range(50)]
    assert server.connections <= 3


def test_two_clients_are_independent(server: ScriptedServer) -> None:
    with scripted_server() as other:
        first = ApiClient(server.configuration(access_token="first"))
        second = ApiClient(other.configuration(access_token="second"))
        first.set_default_header("X-Team", "first")
        search(first)
        first.close()
        search(second)
        second.close()
        assert (server.seen[0].headers["X-Team"], other.seen[0].headers.get("X-Team")) == ("first", None)
        assert (len(server.seen), other.seen[0].headers["Authorization"]) == (1, "Bearer second")


def test_a_client_survives_pickle_with_its_settings_and_without_its_connections(server: ScriptedServer) -> None:
    with ApiClient(server.configuration(pickle_secrets=True), "X-Team", "search", "a=1", pool_threads=3) as client:
        search(client)
        SimilaritySearchApi(client).search_images_by_text_grouped.submit("e", "mug").get(10)
        pickled = pickle.dumps(client)
    with pickle.loads(pickled) as read:
        assert (read.pool_threads, read.cookie) == (3, "a=1")
        assert search(read).to_dict() == OK
        assert SimilaritySearchApi(read).search_images_by_text_grouped.submit("e", "mug").get(10).to_dict() == OK
    assert [seen.headers["X-Team"] for seen in server.seen] == ["search"] * 4


def test_a_copy_of_a_client_has_connections_of_its_own(server: ScriptedServer) -> None:
    with ApiClient(server.configuration()) as client:
        search(client)
        other = copy.copy(client)
    assert search(other).to_dict() == OK
    other.close()
    assert server.connections == 2


def test_a_client_pickled_to_another_process_works_there_with_the_token_of_that_place(server: ScriptedServer) -> None:
    with ApiClient(server.configuration(access_token="of-the-first-process")) as client:
        pickled = pickle.dumps(SimilaritySearchApi(client))
    assert b"of-the-first-process" not in pickled
    program = """
import pickle, sys
api = pickle.load(sys.stdin.buffer)
with api.api_client:
    print(api.search_images_by_text_grouped("e", "mug").to_dict())
"""
    assert run(program, server, "-W", "error", stdin=pickled) == "{'data': []}\n"
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("first", ["call", "close"])
def test_in_another_process_a_client_starts_anew(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    client = ApiClient(server.configuration())
    search(client)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    if first == "call":
        assert search(client).to_dict() == OK
    client.close()
    with pytest.raises(ApiValueError, match="closed"):
        search(client)
    assert server.connections == (2 if first == "call" else 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_after_a_fork_the_child_has_connections_and_threads_of_its_own(server: ScriptedServer) -> None:
    server.reply(echo)
    program = """
import os, warnings
import coactive
from coactive.apis import SimilaritySearchApi
warnings.simplefilter("ignore", DeprecationWarning)  # what later Pythons say of a fork beside threads
client = coactive.ApiClient()
search = SimilaritySearchApi(client).search_images_by_text_grouped
def ask(name):
    print(search("e", name).data[0].group, search.submit("e", name).get(10).data[0].group, flush=True)
ask("before")
child = os.fork()
if not child:
    ask("child")
    client.close()
    os._exit(0)
os.waitpid(child, 0)
ask("parent")
client.close()
"""
    assert run(program, server).splitlines() == ["before before", "child child", "parent parent"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_that_only_closes_the_client_does_not_wait_for_the_parents_threads(server: ScriptedServer) -> None:
    program = """
import os, warnings
import coactive
from coactive.apis import SimilaritySearchApi
warnings.simplefilter("ignore", DeprecationWarning)  # what later Pythons say of a fork beside threads
with coactive.ApiClient() as client:
    search = SimilaritySearchApi(client).search_images_by_text_grouped
    search.submit("e", "mug").get(10)
    child = os.fork()
    if not child:
        client.close()
        os._exit(0)
    print(os.waitpid(child, 0)[1], search("e", "mug").to_dict())
"""
    assert run(program, server) == "0 {'data': []}\n"


def test_no_thread_runs_and_multiprocessing_is_not_imported(server: ScriptedServer) -> None:
    program = """
import sys, threading
import coactive
from coactive.apis import SimilaritySearchApi
print(threading.active_count())
client = coactive.ApiClient()
api = SimilaritySearchApi(client)
print(threading.active_count())
api.search_images_by_text_grouped("e", "mug")
print(threading.active_count(), sorted({"asyncio", "concurrent.futures", "coactive.future"} & set(sys.modules)))
api.search_images_by_text_grouped.submit("e", "mug").get(10)
client.close()
print(threading.active_count(), "multiprocessing" in sys.modules)
"""
    assert run(program, server, "-W", "error").splitlines() == ["1", "1", "1 []", "1 False"]


def test_logging_and_http_client_are_untouched_by_import_construction_and_calls(server: ScriptedServer) -> None:
    program = """
import http.client, logging
def state():
    loggers = [logging.getLogger(name) for name in (None, "urllib3", "urllib3.connectionpool", "http.client")]
    own = [(type(handler).__name__) for handler in logging.getLogger("coactive").handlers]
    return ([(logger.level, logger.handlers, logger.disabled, logger.propagate) for logger in loggers[:1]],
            [(logger.level, logger.disabled, logger.propagate) for logger in loggers[1:]],
            http.client.HTTPConnection.debuglevel, logging.root.manager.disable, logging.lastResort), own
before = state()
import coactive
from coactive.apis import SimilaritySearchApi
client = coactive.ApiClient()
api = SimilaritySearchApi(client)
api.search_images_by_text_grouped("e", "mug")
api.search_images_by_text_grouped.submit("e", "mug").get(10)
client.close()
after = state()
print(before[0] == after[0], before[1], after[1], logging.getLogger("coactive").level)
"""
    assert run(program, server, "-W", "error") == "True [] ['NullHandler'] 0\n"


def test_debug_logs_are_the_programs_to_turn_on(
    server: ScriptedServer, client: ApiClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "coactive")
    search(client)
    (record,) = [record for record in caplog.records if record.name == "coactive"]
    assert record.getMessage().startswith(f"GET {server.host}/api/v0/similarity-search/")
    assert TOKEN not in caplog.text


@pytest.mark.usefixtures("default")
def test_an_api_without_a_client_makes_one_of_the_default(server: ScriptedServer) -> None:
    Configuration.set_default(server.configuration())
    api = SimilaritySearchApi()
    assert api.search_images_by_text_grouped("e", "mug").to_dict() == OK
    api.api_client.close()


def test_repr_shows_the_host_and_not_the_token(client: ApiClient) -> None:
    host = client.configuration.host
    assert repr(client) == f"ApiClient(Configuration(host={host!r}, access_token=<set>))"


def test_sanitize_turns_models_and_times_into_json_values() -> None:
    image = SimilarImage(coactive_image_id="i", created_dt=datetime(2024, 5, 1, 12, tzinfo=UTC))
    written = {"coactive_image_id": "i", "created_dt": "2024-05-01T12:00:00+00:00"}
    assert ApiClient.sanitize_for_serialization(image) == written
    assert ApiClient.sanitize_for_serialization({"a": (image, None, 1.5, True)}) == {"a": [written, None, 1.5, True]}


def endless() -> list[Any]:
    values: list[Any] = []
    values.append(values)
    return values


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, b"bytes", endless()])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(ApiValueError, match=r"^obj: "):
        ApiClient.sanitize_for_serialization(value)


def raw(body: bytes) -> RawResponse:
    return RawResponse(200, "OK", cast("Any", {"Content-Type": "application/json"}), body)


@pytest.mark.parametrize("kind", [SimilaritySearchResponse, (SimilaritySearchResponse,)])
def test_deserialize_reads_a_model(client: ApiClient, kind: Any) -> None:
    read = client.deserialize(raw(b'{"data": [{"group": null, "images": []}]}'), kind)
    assert isinstance(read, SimilaritySearchResponse)
    assert read.data[0].group is None


@pytest.mark.parametrize("kind", [[ErrorResponse], ([ErrorResponse],)])
def test_deserialize_reads_a_list_of_models(client: ApiClient, kind: Any) -> None:
    assert client.deserialize(raw(b'[{"detail": "a"}, {"detail": "b"}]'), kind) == [
        ErrorResponse("a"),
        ErrorResponse("b"),
    ]
    with pytest.raises(ApiDecodeError, match=r"expected an object, got a number at \[1\]"):
        client.deserialize(raw(b'[{"detail": "a"}, 5]'), kind)


def test_deserialize_takes_whatever_has_data(client: ApiClient) -> None:
    class Fake:
        data = '{"detail": "why"}'

    assert client.deserialize(Fake(), (ErrorResponse,)) == ErrorResponse("why")
    Fake.data = "<html>"
    with pytest.raises(ApiDecodeError, match="not JSON"):
        client.deserialize(Fake(), (ErrorResponse,))


def test_deserialize_refuses_the_name_of_a_type(client: ApiClient) -> None:
    with pytest.raises(ApiTypeError, match="^response_type: expected a class"):
        client.deserialize(raw(b"{}"), "ErrorResponse")


@pytest.mark.parametrize("kind", [None, object, dict, (str,), ({str: (object,)},)])
def test_deserialize_reads_plain_values_where_no_model_is_meant(client: ApiClient, kind: Any) -> None:
    assert client.deserialize(raw(b'{"a": [1]}'), kind) == {"a": [1]}


@pytest.mark.parametrize("kind", [[], [None], [{str: (object,)}], ([{str: (object,)}],)])
def test_deserialize_reads_a_list_of_plain_values_where_it_is_not_of_models(client: ApiClient, kind: Any) -> None:
    assert client.deserialize(raw(b'[{"a": [1]}]'), kind) == [{"a": [1]}]


def test_deserialize_refuses_an_object_where_a_list_is_meant(client: ApiClient) -> None:
    with pytest.raises(ApiDecodeError, match="expected a list, got an object"):
        client.deserialize(raw(b"{}"), [{str: (object,)}])


def test_deserialize_of_an_empty_body_names_what_was_expected(client: ApiClient) -> None:
    with pytest.raises(ApiDecodeError, match="empty, where dict was expected"):
        client.deserialize(raw(b""), ({str: (object,)},))


def test_deserialize_refuses_another_structure_and_can_be_told_not_to(client: ApiClient) -> None:
    with pytest.raises(ApiDecodeError, match="SimilaritySearchResponse"):
        client.deserialize(raw(b'{"data": 5}'), (SimilaritySearchResponse,))
    assert client.deserialize(raw(b'{"data": 5}'), (SimilaritySearchResponse,), False) == {"data": 5}


@contextlib.contextmanager
def interrupted(after: float) -> Iterator[None]:
    """A block that Ctrl-C ends."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers that interrupt")
def test_an_interrupt_that_waits_for_a_connection_harms_no_other_call(
    server: ScriptedServer, held: threading.Event
) -> None:
    with ApiClient(server.configuration(), pool_threads=1) as client:
        busy = SimilaritySearchApi(client).search_images_by_text_grouped.submit("e", "mug")
        while not server.seen:
            threading.Event().wait(0.01)
        with interrupted(0.2):
            search(client)
        held.set()
        assert busy.get(10).to_dict() == OK
        assert search(client).to_dict() == OK


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers that interrupt")
def test_interrupts_cost_no_connection(server: ScriptedServer) -> None:
    def interrupt(record: logging.LogRecord) -> bool:
        raise KeyboardInterrupt

    logger = logging.getLogger("coactive")
    with ApiClient(server.configuration(total_timeout=20), pool_threads=1) as client:
        level = logger.level
        logger.setLevel(logging.DEBUG)
        logger.addFilter(interrupt)
        try:
            for _ in range(3):
                with pytest.raises(KeyboardInterrupt):
                    search(client)
        finally:
            logger.removeFilter(interrupt)
            logger.setLevel(level)
        assert search(client).to_dict() == OK


@pytest.mark.parametrize("kind", [str, Path])
def test_an_answer_remembers_the_path_or_the_phrase_that_was_searched_with(
    server: ScriptedServer, tmp_path: Path, png: bytes, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    (tmp_path / "a.png").write_bytes(png)
    monkeypatch.chdir(tmp_path)
    with ApiClient(server.configuration()) as client:
        api = SimilaritySearchApi(client)
        by_path = api.get_similar_images_grouped("e", "sku", kind("a.png"))
        by_bytes = api.get_similar_images_grouped("e", "sku", png)
        by_phrase = api.search_images_by_text_grouped("e", "a red mug", group_by="sku")
    assert by_path._asked == {"file": str(tmp_path / "a.png")}
    assert (by_bytes._asked, by_phrase._asked) == ({}, {"query": "a red mug"})
    assert pickle.loads(pickle.dumps(by_path))._asked == by_path._asked
    assert (by_path, repr(by_path), by_path.to_dict()) == (by_bytes, repr(by_bytes), OK)
