from __future__ import annotations

import contextlib
import gc
import logging
import socket
import threading
import time
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import urllib3

import coactive
from coactive.apis import SimilaritySearchApi
from coactive.local import Service, running


def open_descriptors() -> int:
    """How many files and sockets this process has open, where the system says so."""
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.exists() else 0


def port_of(service: Service) -> int:
    return int(service.host.rpartition(":")[2])


def test_the_four_searches_work_through_the_public_client(demo: Service, photo: Path) -> None:
    with coactive.ApiClient(demo.configuration) as api_client:
        api = SimilaritySearchApi(api_client)
        found = api.get_similar_images(demo.embedding_id, photo, limit=5)
        assert [image["metadata"]["sku"] for image in found["data"]] == ["MUG-01"] * 5
        grouped = api.get_similar_images_grouped(demo.embedding_id, "sku", photo.read_bytes(), limit=10)
        assert grouped.data[0].group == "MUG-01"
        assert grouped.data[0].images[0].path == "mug/mug-01-1.jpg"
        semantic = api.get_similar_images_grouped_semantic(
            demo.embedding_id, "sku", photo, metadata_key="colour", metadata_value="blue"
        )
        assert semantic.data[0].group == "MUG-02"
        text = api.search_images_by_text_grouped(demo.embedding_id, "red mug", group_by="sku", limit=10)
        assert text.data[0].group == "MUG-01"
        assert [len(group.images) for group in text.data] == [5, 5]


def test_the_configuration_is_for_loopback_with_credentials_of_its_own(demo: Service) -> None:
    assert demo.host == demo.configuration.host == f"http://127.0.0.1:{port_of(demo)}"
    assert demo.configuration.access_token == "local:stand-in"
    assert demo.embedding_id == str(uuid.UUID(demo.embedding_id))


def test_a_proxy_in_the_environment_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with running(folder) as service, coactive.ApiClient(service.configuration) as api_client:
        found = SimilaritySearchApi(api_client).get_similar_images(service.embedding_id, folder / "red.png")
    assert found["data"][0]["path"] == "red.png"


def test_credentials_that_are_given_are_the_ones_that_count(folder: Path) -> None:
    with running(folder, client_id="me", client_secret="s:e") as service, urllib3.PoolManager() as pool:
        assert service.configuration.access_token == "me:s:e"
        url = f"{service.host}/api/v0/similarity-search/similarity-search/embeddings/x/grouped-search/text?query=x"
        statuses = {
            token: pool.request("GET", url, headers={"Authorization": f"Bearer {token}"}).status
            for token in ("me:s:e", "local:stand-in")
        }
    assert statuses == {"me:s:e": 404, "local:stand-in": 401}


def test_the_embedding_id_is_the_same_for_the_same_folder_and_another_for_another(folder: Path) -> None:
    with running(folder) as first, running(folder / "deep" / "..") as again, running(folder / "deep") as other:
        assert first.embedding_id == again.embedding_id != other.embedding_id
        assert len({first.host, again.host, other.host}) == 3


def test_a_relative_folder_is_found_after_the_program_went_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with running("pictures", metadata="rows.jsonl") as service, urllib3.PoolManager() as pool:
        monkeypatch.chdir("/")
        image = service.catalog.images[-1]
        assert image.metadata is not None
        assert pool.request("GET", f"{service.host}/images/{image.id}").data == image.file.read_bytes()


def test_another_name_for_loopback_serves_there(folder: Path) -> None:
    with running(folder, host="localhost") as service, urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{service.host}/none").status == 404


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_loopback_serves_too(folder: Path) -> None:
    with running(folder, host="::1") as service, coactive.ApiClient(service.configuration) as api_client:
        assert service.host.startswith("http://[::1]:")
        assert SimilaritySearchApi(api_client).get_similar_images(service.embedding_id, folder / "red.png")["data"]


def test_beyond_this_machine_credentials_must_be_given(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"other machines can reach 0\.0\.0\.0"), running(folder, host="0.0.0.0"):
        pass
    with running(folder, host="0.0.0.0", client_id="me", client_secret="secret") as service:
        assert service.host == f"http://127.0.0.1:{port_of(service)}"


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"client_id": "me"}, ValueError, "give both, or neither"),
        ({"client_secret": "secret"}, ValueError, "give both, or neither"),
        ({"client_id": "", "client_secret": "secret"}, ValueError, "client_id: it is empty"),
        ({"client_id": "me", "client_secret": ""}, ValueError, "client_secret: it is empty"),
        ({"client_id": "m e", "client_secret": "secret"}, ValueError, "client_id: invalid, it has a space"),
        ({"client_id": "m:e", "client_secret": "secret"}, ValueError, "client_id: invalid, it has a colon"),
        ({"client_id": "me", "client_secret": "x\n"}, ValueError, "client_secret: invalid, it has a line break"),
        ({"client_id": "me", "client_secret": "x\0"}, ValueError, "client_secret: invalid, .* a control character"),
        ({"client_id": "me", "client_secret": "é"}, ValueError, "client_secret: invalid, .* that is not ASCII"),
        ({"client_id": 5, "client_secret": "x"}, TypeError, "client_id: expected a str, got int"),
        ({"host": "no..name"}, ValueError, r"host: 'no\.\.name' is not a valid host name"),
        ({"host": "192.0.2.1"}, OSError, r"cannot serve at 192\.0\.2\.1:0"),
        ({"port": 65536}, ValueError, "port: from 0"),
        ({"port": -1}, ValueError, "port: from 0"),
        ({"metadata": "none.csv"}, FileNotFoundError, "no such metadata file"),
        ({"metadata": [{"file": "a"}]}, TypeError, r"metadata: expected a path or None, got list; .*df\.to_json\("),
        ({"folder": 5}, TypeError, "folder: expected a path or None, got int"),
        ({"folder": "none"}, FileNotFoundError, "no such folder: .*none"),
        ({"folder": None, "metadata": "rows.jsonl"}, ValueError, "metadata: it goes with a folder"),
    ],
)
def test_what_cannot_be_served_is_said_and_leaves_nothing_behind(
    arguments: dict[str, Any], error: type[Exception], says: str, folder: Path
) -> None:
    gc.collect()
    before = threading.enumerate(), open_descriptors()
    with pytest.raises(error, match=says), running(**{"folder": folder, **arguments}):
        pass
    gc.collect()
    threads, descriptors = before
    assert set(threading.enumerate()) <= set(threads)
    assert open_descriptors() <= descriptors


def test_a_port_that_is_taken_is_said(folder: Path) -> None:
    with running(folder) as service:
        port = port_of(service)
        with pytest.raises(OSError, match=f"cannot serve at 127.0.0.1:{port}: Address already in use"):
            running(folder, port=port).__enter__()
    with running(folder, port=port) as again:
        assert port_of(again) == port


def test_fifty_clients_at_once_each_get_their_own_answer(demo: Service) -> None:
    images = demo.catalog.images[::6]
    with ThreadPoolExecutor(50) as pool, coactive.ApiClient(demo.configuration, pool_threads=50) as api_client:
        api = SimilaritySearchApi(api_client)
        found = pool.map(lambda image: api.get_similar_images(demo.embedding_id, image.file, limit=1), images)
        paths = [answer["data"][0]["path"] for answer in found]
    assert len(paths) == 50
    assert paths == [image.path for image in images]


def test_fifty_threads_that_search_texts_at_once_get_what_one_gets(demo: Service) -> None:
    queries = [" ".join(words) for words in zip(["red", "blue", "green"] * 17, ["mug", "lamp"] * 25, strict=False)]

    def search(query: str) -> Any:
        answer = api.search_images_by_text_grouped(demo.embedding_id, query, group_by="sku", limit=3)
        return answer.to_dict()

    with ThreadPoolExecutor(50) as pool, coactive.ApiClient(demo.configuration, pool_threads=50) as api_client:
        api = SimilaritySearchApi(api_client)
        at_once = list(pool.map(search, queries))
        assert at_once == [search(query) for query in queries]


def test_no_answer_waits_for_an_acknowledgement_of_the_network(demo: Service) -> None:
    def seconds() -> float:
        started = time.monotonic()
        api.search_images_by_text_grouped(demo.embedding_id, "red mug", limit=1)
        return time.monotonic() - started

    with coactive.ApiClient(demo.configuration) as api_client:
        api = SimilaritySearchApi(api_client)
        # A socket that gathers small writes (Nagle) makes every answer take 40 ms, the quickest too.
        assert min(seconds() for _ in range(20)) < 0.03


def test_it_ends_promptly_with_no_thread_socket_or_file_left(folder: Path) -> None:
    gc.collect()
    before = set(threading.enumerate())
    descriptors = open_descriptors()
    upload = {"file": ("a.png", b"x" * 2**21)}
    for _ in range(3):
        with urllib3.PoolManager() as pool, running(folder) as service:
            url = f"{service.host}/api/v0/similarity-search/embeddings/{service.embedding_id}/search"
            assert (
                pool.request("POST", url, fields=upload, headers={"Authorization": "Bearer local:stand-in"}).status
                == 400
            )
            started = time.monotonic()
        assert time.monotonic() - started < 5
        assert set(threading.enumerate()) <= before
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port_of(service)))
    gc.collect()
    assert open_descriptors() <= descriptors


def test_an_error_in_the_block_ends_the_service_and_comes_through(folder: Path) -> None:
    with pytest.raises(KeyError, match="mine"), running(folder) as service:
        raise KeyError("mine")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port_of(service)))


def test_the_drawn_catalogue_is_gone_afterwards() -> None:
    with running() as service:
        place = service.catalog.images[0].file
        assert place.exists()
    assert not place.parent.parent.exists()


def test_logging_is_left_as_it_was(folder: Path) -> None:
    def state() -> dict[str, tuple[int, list[logging.Handler]]]:
        names = ("", "uvicorn", "uvicorn.error", "fastapi", "PIL")
        return {name: (logging.getLogger(name).level, logging.getLogger(name).handlers[:]) for name in names}

    before = state()
    with running(folder):
        pass
    assert state() == before


def test_a_service_that_is_not_started_says_how_to_start_it(folder: Path) -> None:
    service: Any = running(folder)
    with pytest.raises(AttributeError) as problem:
        _ = service.configuration
    assert "use it as `with coactive.local.running(...) as service:`, or in a notebook " in str(problem.value)
    assert "`service = stack.enter_context(coactive.local.running(...))`" in str(problem.value)


def test_a_service_can_run_from_one_cell_of_a_notebook_to_another(folder: Path) -> None:
    stack = contextlib.ExitStack()
    service = stack.enter_context(running(folder))
    with coactive.ApiClient(service.configuration) as api_client:
        assert SimilaritySearchApi(api_client).get_similar_images(service.embedding_id, folder / "red.png")["data"]
    stack.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port_of(service)))


def test_metadata_rows_that_name_no_image_are_a_warning_at_the_line_that_starts_the_service(folder: Path) -> None:
    names = ["red.png", *(f"{n}.png" for n in range(1, 5))]
    (folder / "rows.csv").write_text("\n".join(["file,sku", *(f"{name},A" for name in names)]))
    says = r"metadata: no image in the folder for 4 of 5 rows: '1\.png', '2\.png', '3\.png', \.\.\."
    with pytest.warns(UserWarning, match=says) as seen, running(folder, metadata=folder / "rows.csv"):
        pass
    with contextlib.ExitStack() as stack, pytest.warns(UserWarning, match=says) as seen_with_a_stack:
        stack.enter_context(running(folder, metadata=folder / "rows.csv"))
    assert {warning.filename for warning in [*seen, *seen_with_a_stack]} == {__file__}


def test_a_warning_that_is_made_an_error_ends_the_service(folder: Path) -> None:
    (folder / "rows.csv").write_text("file\nred.png\nnone.png\n")
    before = set(threading.enumerate())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="1 of 2 rows: 'none.png'"):
            running(folder, metadata=folder / "rows.csv").__enter__()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"port": "8000"}, "port: expected an int, got str"), ({"host": None}, "host: expected a str, got NoneType")],
)
def test_an_address_of_a_wrong_type_is_named(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError, match=says), running(**wrong):
        pass
