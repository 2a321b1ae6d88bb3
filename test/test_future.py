import asyncio
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, as_completed
from contextvars import ContextVar
from typing import Any

import pytest
from scripted_server import TOKEN, Reply, ScriptedServer, Seen

from coactive import ApiClient, ApiValueError, NotFoundException, future
from coactive.apis import SimilaritySearchApi

OK: dict[str, Any] = {"data": []}


def client_of(server: ScriptedServer, pool_threads: int = 16, **settings: Any) -> ApiClient:
    return ApiClient(server.configuration(retries=False, **settings), pool_threads=pool_threads)


def submit(client: ApiClient, query: str = "mug") -> Any:
    return SimilaritySearchApi(client).search_images_by_text_grouped.submit("e", query)


def wait_for_requests(server: ScriptedServer, number: int) -> None:
    ends = time.monotonic() + 10
    while len(server.seen) < number:
        assert time.monotonic() < ends
        threading.Event().wait(0.005)


def echo(seen: Seen) -> Reply:
    return Reply.json({"data": [{"group": seen.target.partition("query=")[2], "images": []}]})


OF_THE_CALLER: ContextVar[str] = ContextVar("of_the_caller", default="nothing")


def test_a_call_in_the_background_has_the_context_of_its_caller(server: ScriptedServer) -> None:
    seen: list[str] = []
    with client_of(server, pool_threads=1) as client:
        client.hooks.request.append(lambda _: seen.append(OF_THE_CALLER.get()))
        for value in ("first", "second"):
            OF_THE_CALLER.set(value)
            submit(client).get(10)
    assert seen == ["first", "second"]


def our_threads() -> int:
    return sum(thread.name == "coactive" for thread in threading.enumerate())


def test_a_future_gives_what_the_call_returns(server: ScriptedServer) -> None:
    with client_of(server) as client:
        call = submit(client)
        assert call.result(10).to_dict() == OK
        assert call.get().to_dict() == OK
        assert (call.ready(), call.successful(), call.exception()) == (True, True, None)


def test_a_future_raises_what_the_call_raised(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "no such embedding"}, 404))
    with client_of(server) as client:
        call = submit(client)
        with pytest.raises(NotFoundException, match="no such embedding"):
            call.get(10)
        assert (call.ready(), call.successful()) == (True, False)


def test_a_future_that_is_not_ready_says_so(held: threading.Event, server: ScriptedServer) -> None:
    with client_of(server) as client:
        call = submit(client)
        call.wait(0.01)
        assert call.ready() is False
        with pytest.raises(TimeoutError):
            call.get(0.01)
        with pytest.raises(ValueError, match=r"^the call has not ended yet$"):
            call.successful()
        held.set()
        call.wait(10)
        assert call.ready() is True


def test_n_futures_run_n_at_a_time_and_the_pool_is_never_full(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    together, counting = threading.Barrier(4), threading.Lock()
    active, most = 0, 0

    def answer(seen: Seen) -> Reply:
        nonlocal active, most
        with counting:
            active += 1
            most = max(most, active)
        together.wait(10)  # passes when four are here
        with counting:
            active -= 1
        return echo(seen)

    server.reply(answer)
    with client_of(server, pool_threads=4) as client:
        calls = [submit(client, str(number)) for number in range(12)]
        answers = [call.get(20).data[0].group for call in calls]
        assert our_threads() == 4
    assert answers == [str(number) for number in range(12)]
    assert most == 4
    assert server.connections == 4
    assert "pool is full" not in caplog.text


def test_calls_beyond_the_threads_wait_in_order(held: threading.Event, server: ScriptedServer) -> None:
    with client_of(server, pool_threads=1) as client:
        calls = [submit(client, str(number)) for number in range(5)]
        held.set()
        for call in as_completed(calls, 10):
            call.result()
    assert [seen.target[-1] for seen in server.seen] == ["0", "1", "2", "3", "4"]


def test_one_thread_serves_calls_one_after_another(server: ScriptedServer) -> None:
    with client_of(server) as client:
        for _ in range(5):
            submit(client).get(10)
            ends = time.monotonic() + 10
            while client._workers is None or client._workers._idle < 1:
                assert time.monotonic() < ends
        assert our_threads() == 1


def test_a_thread_without_work_goes_away_and_a_new_one_comes(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(future, "_IDLE_SECONDS", 0.01)
    with client_of(server) as client:
        for _ in range(2):
            assert submit(client).get(10).to_dict() == OK
            ends = time.monotonic() + 10
            while our_threads():
                assert time.monotonic() < ends
                threading.Event().wait(0.01)


def test_futures_can_be_awaited_in_a_running_event_loop(server: ScriptedServer) -> None:
    server.reply(echo)

    async def main(client: ApiClient) -> list[Any]:
        first = await submit(client, "first")
        rest = await asyncio.gather(submit(client, "second"), submit(client, "third"))
        return [found.data[0].group for found in (first, *rest)]

    with client_of(server) as client:
        assert asyncio.run(main(client)) == ["first", "second", "third"]


def test_an_awaited_future_leaves_the_event_loop_free(held: threading.Event, server: ScriptedServer) -> None:
    async def main(client: ApiClient) -> Any:
        waiting = asyncio.ensure_future(submit(client))
        await asyncio.sleep(0)
        held.set()
        return await asyncio.wait_for(waiting, 10)

    with client_of(server) as client:
        assert asyncio.run(main(client)).to_dict() == OK


def test_an_awaited_future_raises_what_the_call_raised(server: ScriptedServer) -> None:
    server.reply(Reply.json({"detail": "no"}, 404))

    async def main(client: ApiClient) -> None:
        with pytest.raises(NotFoundException):
            await submit(client)

    with client_of(server) as client:
        asyncio.run(main(client))


def test_a_call_that_has_not_begun_can_be_cancelled_and_is_never_sent(
    held: threading.Event, server: ScriptedServer
) -> None:
    with client_of(server, pool_threads=1) as client:
        running, waiting = submit(client, "running"), submit(client, "waiting")
        wait_for_requests(server, 1)
        assert (running.cancel(), waiting.cancel()) == (False, True)
        held.set()
        with pytest.raises(CancelledError):
            waiting.get(10)
        assert (waiting.ready(), waiting.successful()) == (True, False)
        assert running.get(10).to_dict() == OK
    assert [seen.target.partition("query=")[2] for seen in server.seen] == ["running"]


def test_a_time_limit_around_an_await_cancels_the_call(held: threading.Event, server: ScriptedServer) -> None:
    async def main(client: ApiClient, call: Any) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call, 0.05)

    with client_of(server, pool_threads=1) as client:
        running, waiting = submit(client, "running"), submit(client, "waiting")
        wait_for_requests(server, 1)
        asyncio.run(main(client, waiting))
        assert waiting.cancelled()
        held.set()
        assert running.get(10).to_dict() == OK
    assert len(server.seen) == 1


def test_whatever_work_raises_comes_out_of_the_future_and_the_thread_goes_on(server: ScriptedServer) -> None:
    def leave() -> None:
        raise SystemExit(3)

    with client_of(server, pool_threads=1) as client:
        assert isinstance(client._submit(leave).exception(10), SystemExit)
        assert submit(client).get(10).to_dict() == OK


def test_a_done_callback_may_submit_and_close(server: ScriptedServer) -> None:
    client = client_of(server, pool_threads=1)
    more: list[Any] = []
    closed = threading.Event()

    def close(_: Any) -> None:
        client.close()
        closed.set()

    def go_on(_: Any) -> None:
        more.append(submit(client))
        more[0].add_done_callback(close)

    submit(client).add_done_callback(go_on)
    assert closed.wait(10)
    assert more[0].get(10).to_dict() == OK


def test_close_waits_for_calls_running_and_waiting(held: threading.Event, server: ScriptedServer) -> None:
    client = client_of(server, pool_threads=1)
    calls = [submit(client) for _ in range(3)]
    wait_for_requests(server, 1)
    closing = threading.Thread(target=client.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    held.set()
    closing.join(10)
    assert not closing.is_alive()
    assert [call.get(0).to_dict() for call in calls] == [OK, OK, OK]
    assert our_threads() == 0


def submit_until_refused(client: ApiClient) -> None:
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        submit(client, "late").cancel()


def test_callbacks_that_close_the_client_do_not_wait_for_each_other(
    held: threading.Event, server: ScriptedServer
) -> None:
    client = client_of(server, pool_threads=2)
    together = threading.Barrier(2)
    closed: list[Any] = []

    def close(call: Any) -> None:
        together.wait(10)
        client.close()
        closed.append(call)

    futures = [submit(client) for _ in range(2)]
    for call in futures:
        call.add_done_callback(close)
    held.set()
    for call in futures:
        call.get(10)
    client.close()
    assert len(closed) == 2


def test_a_client_that_is_being_closed_takes_no_more_work(held: threading.Event, server: ScriptedServer) -> None:
    client = client_of(server)
    call = submit(client)
    wait_for_requests(server, 1)
    closing = threading.Thread(target=client.close)
    closing.start()
    with pytest.raises(ApiValueError, match=r"^the ApiClient is closed; make a new one$"):
        submit_until_refused(client)
    held.set()
    closing.join(10)
    assert call.get(10).to_dict() == OK


def test_an_exception_in_the_with_block_drops_what_has_not_begun(held: threading.Event, server: ScriptedServer) -> None:
    calls: list[Any] = []

    def work() -> None:
        with client_of(server, pool_threads=1) as client:
            calls.extend(submit(client) for _ in range(3))
            wait_for_requests(server, 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert [call.cancelled() for call in calls] == [False, True, True]
    held.set()
    assert calls[0].get(10).to_dict() == OK
    assert len(server.seen) == 1


@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "with api.api_client: raise SystemExit(0)"])
def test_a_program_with_futures_in_flight_exits_promptly(
    held: threading.Event, server: ScriptedServer, end: str
) -> None:
    program = f"""
import coactive
from coactive.apis import SimilaritySearchApi
api = SimilaritySearchApi(coactive.ApiClient(coactive.Configuration("{server.host}", retries=False), pool_threads=2))
calls = [api.search_images_by_text_grouped.submit("e", "mug") for _ in range(5)]
print("submitted")
{end}
"""
    environment = os.environ | {"COACTIVE_ACCESS_TOKEN": TOKEN}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=environment, capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "submitted\n", "")
