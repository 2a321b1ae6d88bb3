"""The same searches on several processes of a Dask cluster, one of which is killed on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from typing import Any, TypeAlias

import pytest

import coactive
from coactive import bulk
from coactive.apis import SimilaritySearchApi
from coactive.local import Service

distributed, bag = import_module("distributed"), import_module("dask.bag")

BATCH = 10

Inputs: TypeAlias = Sequence[dict[str, Any]]
Search: TypeAlias = Callable[[Inputs], list[tuple[Any, ...]]]


@pytest.fixture
def cluster(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a cluster of three processes, which find host and token in their environment."""
    monkeypatch.setenv("COACTIVE_HOST", service.host)
    monkeypatch.setenv("COACTIVE_ACCESS_TOKEN", str(service.configuration.access_token))
    with (
        distributed.LocalCluster(n_workers=3, threads_per_worker=2, processes=True, dashboard_address=None) as running,
        distributed.Client(running) as client,
    ):
        yield client


@pytest.fixture
def inputs(service: Service) -> Inputs:
    """A search by each image of the catalogue, one of them invalid."""
    found = [{"embedding_id": service.embedding_id, "file": image.file} for image in service.catalog.images]
    return [*found, {"embedding_id": service.embedding_id, "file": b"no image"}]


@pytest.fixture
def search(cluster: Any) -> Search:
    """What each process runs: some of the searches, two at a time."""
    api = SimilaritySearchApi(coactive.ApiClient())

    def search(inputs: Inputs) -> list[tuple[Any, ...]]:
        results = bulk.run(api.get_similar_images, list(inputs), workers=2, progress=False)
        return [(result.input["file"], result.answer, result.error) for result in results]

    return search


def kill_a_worker(futures: Any, client: Any) -> int:
    """After the first of the results, kill a process, and with it the results that are kept there; its number."""
    pid: int = next(iter(client.run(os.getpid).values()))
    for _ in islice(distributed.as_completed(futures), 8):
        pass
    os.kill(pid, signal.SIGKILL)
    return pid


def check(rows: list[tuple[Any, ...]], inputs: Inputs, service: Service) -> None:
    """Each input has its result once, and it is the right one."""
    assert [file for file, _, _ in rows] == [given["file"] for given in inputs]
    with coactive.ApiClient(service.configuration) as client:
        here = bulk.run(SimilaritySearchApi(client).get_similar_images, inputs)
        for (_, answer, error), expected in zip(rows, here, strict=True):
            assert (answer, type(error)) == (expected.answer, type(expected.error))
    assert sum(error is not None for _, _, error in rows) == 1
    assert isinstance(rows[-1][2], coactive.BadRequestException)


@pytest.mark.heavy
def test_a_bag_has_each_result_once_though_a_worker_is_killed(
    cluster: Any, inputs: Inputs, search: Search, service: Service
) -> None:
    found = bag.from_sequence(inputs, partition_size=BATCH).map_partitions(search).persist()
    killed = kill_a_worker(distributed.futures_of(found), cluster)
    check(found.compute(), inputs, service)
    assert killed not in cluster.run(os.getpid).values()


@pytest.mark.heavy
def test_futures_have_each_result_once_though_a_worker_is_killed(
    cluster: Any, inputs: Inputs, search: Search, service: Service
) -> None:
    futures = cluster.map(search, [inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH)])
    killed = kill_a_worker(futures, cluster)
    check([row for rows in cluster.gather(futures) for row in rows], inputs, service)
    assert killed not in cluster.run(os.getpid).values()
