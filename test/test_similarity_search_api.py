"""The four searches against the stand-in, as a user runs them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import coactive
import coactive.local
from coactive.apis import SimilaritySearchApi
from coactive.models import HTTPValidationError, SimilarImage, SimilaritySearchResponse


@pytest.fixture
def api(service: coactive.local.Service) -> Iterator[SimilaritySearchApi]:
    with coactive.ApiClient(service.configuration) as client:
        yield SimilaritySearchApi(client)


@pytest.fixture
def embedding_id(service: coactive.local.Service) -> str:
    return service.embedding_id


@pytest.fixture
def mug(api: SimilaritySearchApi, embedding_id: str) -> SimilarImage:
    """A red mug of the catalogue."""
    found = api.search_images_by_text_grouped(embedding_id, "red mug", group_by="sku", limit=1)
    return found.data[0].images[0]


@pytest.fixture
def photo(mug: SimilarImage, tmp_path: Path) -> Path:
    import urllib3

    assert mug.url
    path = tmp_path / "photo.jpg"
    path.write_bytes(urllib3.request("GET", mug.url).data)
    return path


def _images(found: SimilaritySearchResponse) -> list[SimilarImage]:
    return [image for group in found.data for image in group.images]


def test_similar_images_come_most_similar_first(
    api: SimilaritySearchApi, embedding_id: str, mug: SimilarImage, photo: Path
) -> None:
    images = api.get_similar_images(embedding_id, photo, limit=10)["data"]
    scores = [image["score"] for image in images]
    assert images[0]["path"] == mug.path
    assert scores == sorted(scores, reverse=True)
    assert len(images) == 10


def test_grouped_images_share_their_groups_value_and_groups_come_by_their_best_image(
    api: SimilaritySearchApi, embedding_id: str, mug: SimilarImage, photo: Path
) -> None:
    found = api.get_similar_images_grouped(embedding_id, "sku", photo, limit=40)
    assert mug.metadata
    assert found.data[0].group == mug.metadata["sku"]
    for group in found.data:
        assert {(image.metadata or {})["sku"] for image in group.images} == {group.group}
    best = [group.images[0].score or 0 for group in found.data]
    assert best == sorted(best, reverse=True)
    assert len(_images(found)) == 40


def test_a_semantic_search_ranks_what_the_metadata_says_before_the_rest(
    api: SimilaritySearchApi, embedding_id: str, photo: Path
) -> None:
    found = api.get_similar_images_grouped_semantic(
        embedding_id, "sku", photo, metadata_key="colour", metadata_value="green", limit=3
    )
    assert {(image.metadata or {})["colour"] for image in _images(found)} == {"green"}


def test_a_phrase_finds_what_it_names(api: SimilaritySearchApi, embedding_id: str) -> None:
    found = api.search_images_by_text_grouped(embedding_id, "red mug", group_by="sku", limit=5)
    for image in _images(found):
        assert image.metadata
        assert (image.metadata["product"], image.metadata["colour"]) == ("mug", "red")
    together = api.search_images_by_text_grouped(embedding_id, "red mug", limit=5)
    assert [group.group for group in together.data] == [None]


def test_a_future_can_be_awaited_in_a_running_loop(api: SimilaritySearchApi, embedding_id: str, photo: Path) -> None:
    async def search_all() -> list[SimilaritySearchResponse]:
        calls = [api.get_similar_images_grouped.submit(embedding_id, "sku", photo, limit=n) for n in (1, 2, 3)]
        return list(await asyncio.gather(*calls))

    assert [len(_images(found)) for found in asyncio.run(search_all())] == [1, 2, 3]


def test_unknown_embedding_raises_not_found_with_the_servers_reason(api: SimilaritySearchApi, photo: Path) -> None:
    with pytest.raises(coactive.NotFoundException, match="^404 Not Found: no embedding") as caught:
        api.get_similar_images("nothing", photo)
    assert caught.value.request_id


def test_a_file_that_is_no_image_raises_the_servers_reason(api: SimilaritySearchApi, embedding_id: str) -> None:
    with pytest.raises(coactive.ApiException, match="^400 Bad Request: the file must be") as caught:
        api.get_similar_images(embedding_id, b"no image")
    assert caught.value.status == 400


def test_a_limit_that_the_service_refuses_is_named(api: SimilaritySearchApi, embedding_id: str, photo: Path) -> None:
    with pytest.raises(coactive.ApiException, match="^422 Unprocessable \\w+: limit: ") as caught:
        api.get_similar_images(embedding_id, photo, limit=1001)
    assert isinstance(caught.value.data, HTTPValidationError)
    assert caught.value.data.detail[0].loc[-1] == "limit"


@pytest.mark.parametrize("token", ["wrong", "other:secret"])
def test_an_unknown_token_raises_unauthorized(service: coactive.local.Service, token: str) -> None:
    configuration = coactive.Configuration(host=service.configuration.host, access_token=token)
    with coactive.ApiClient(configuration) as client, pytest.raises(coactive.UnauthorizedException, match="^401"):
        SimilaritySearchApi(client).search_images_by_text_grouped(service.embedding_id, "mug")


def test_no_token_on_the_wire_raises_forbidden(api: SimilaritySearchApi, embedding_id: str) -> None:
    generated: Any = api.search_images_by_text_grouped
    nobody = [{"type": "bearer", "in": "header", "key": "X-Nobody", "value": "x"}]
    with pytest.raises(coactive.ForbiddenException, match="^403"):
        generated(embedding_id, "mug", _request_auths=nobody)


def test_the_environment_says_where_and_who(service: coactive.local.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COACTIVE_HOST", service.configuration.host)
    client_id, _, secret = str(service.configuration.access_token).partition(":")
    monkeypatch.setenv("COACTIVE_CLIENT_ID", client_id)
    monkeypatch.setenv("COACTIVE_CLIENT_SECRET", secret)
    assert SimilaritySearchApi().search_images_by_text_grouped(service.embedding_id, "mug", limit=1).data


def test_a_proxy_in_the_environment_is_never_used_for_loopback(
    api: SimilaritySearchApi, embedding_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert os.environ["HTTP_PROXY"]
    assert api.search_images_by_text_grouped(embedding_id, "mug", limit=1).data
