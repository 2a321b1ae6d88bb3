"""What type checkers reveal for each way to run each operation; checked by mypy and pyright, never run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Generator
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, assert_type

import urllib3
from PIL import Image

from coactive import ApiClient, ApiException, Configuration, NotFoundException, bulk
from coactive.apis import SimilaritySearchApi
from coactive.future import ApiFuture
from coactive.model.error_response import ErrorResponse
from coactive.model.http_validation_error import HTTPValidationError
from coactive.model.similar_image import SimilarImage
from coactive.model.similar_image_group import SimilarImageGroup
from coactive.model.similarity_search_response import SimilaritySearchResponse
from coactive.operation import Operation
from coactive.response import ApiResponse, RawResponse

api = SimilaritySearchApi(ApiClient(Configuration(host="https://app.coactive.ai", access_token=lambda: "a:b")))
image = Path("photo.jpg")

# get_similar_images
assert_type(api.get_similar_images("e", image), Any)
assert_type(api.get_similar_images("e", image, limit=3), Any)
assert_type(api.get_similar_images.submit("e", image), ApiFuture[Any])
assert_type(api.get_similar_images.with_http_info("e", image), ApiResponse[Any])
assert_type(api.get_similar_images.raw("e", image), RawResponse)

# get_similar_images_grouped
grouped = api.get_similar_images_grouped
assert_type(grouped("e", "sku", image), SimilaritySearchResponse)
assert_type(grouped("e", "sku", image, limit=None, _request_timeout=3), SimilaritySearchResponse)
assert_type(grouped.submit("e", "sku", image), ApiFuture[SimilaritySearchResponse])
assert_type(grouped.with_http_info("e", "sku", image), ApiResponse[SimilaritySearchResponse])
assert_type(grouped.raw("e", "sku", image), RawResponse)

# get_similar_images_grouped_semantic
semantic = api.get_similar_images_grouped_semantic
assert_type(semantic("e", "sku", image, metadata_key="colour", metadata_value="red"), SimilaritySearchResponse)
assert_type(semantic.submit("e", "sku", image), ApiFuture[SimilaritySearchResponse])
assert_type(semantic.with_http_info("e", "sku", image), ApiResponse[SimilaritySearchResponse])
assert_type(semantic.raw("e", "sku", image), RawResponse)

# search_images_by_text_grouped
text = api.search_images_by_text_grouped
assert_type(text("e", "a dog", group_by=None, limit=3), SimilaritySearchResponse)
assert_type(text.submit("e", "a dog"), ApiFuture[SimilaritySearchResponse])
assert_type(text.with_http_info("e", "a dog"), ApiResponse[SimilaritySearchResponse])
assert_type(text.raw("e", "a dog"), RawResponse)


async def awaited() -> None:
    assert_type(await api.get_similar_images.submit("e", image), Any)
    assert_type(await grouped.submit("e", "sku", image), SimilaritySearchResponse)
    assert_type(await semantic.submit("e", "sku", image), SimilaritySearchResponse)
    assert_type(await text.submit("e", "a dog"), SimilaritySearchResponse)


def futures(future: ApiFuture[SimilaritySearchResponse]) -> None:
    assert_type(future.get(), SimilaritySearchResponse)
    assert_type(future.result(3), SimilaritySearchResponse)
    assert_type(future.ready(), bool)
    assert_type(future.successful(), bool)


def answers(full: ApiResponse[SimilaritySearchResponse], raw: RawResponse) -> None:
    assert_type(full.data, SimilaritySearchResponse)
    assert_type(full.status, int)
    data, status, headers = full
    assert_type(data, SimilaritySearchResponse)
    assert_type(status, int)
    assert_type(headers, urllib3.HTTPHeaderDict)
    assert_type(full.headers, urllib3.HTTPHeaderDict)
    assert_type(raw.data, bytes)
    assert_type(full.data.data, list[SimilarImageGroup])
    found = full.data.data[0].images[0]
    assert_type(found, SimilarImage)
    assert_type(found.score, float | None)
    assert_type(found.metadata, dict[str, Any] | None)
    assert_type(SimilarImage(score=1.0), SimilarImage)


def errors() -> None:
    try:
        api.get_similar_images("e", image)
    except NotFoundException as error:
        assert_type(error.status, int)
    except ApiException as error:
        assert_type(error.data, ErrorResponse | HTTPValidationError | None)
        assert_type(error.request_id, str | None)


def every_kind_of_file(spooled: SpooledTemporaryFile[bytes]) -> None:
    api.get_similar_images("e", "photo.jpg")
    api.get_similar_images("e", b"")
    api.get_similar_images("e", bytearray())
    api.get_similar_images("e", memoryview(b""))
    api.get_similar_images("e", BytesIO())
    api.get_similar_images("e", open("photo.jpg", "rb"))  # noqa: PTH123, SIM115
    api.get_similar_images("e", spooled)
    api.get_similar_images("e", Image.new("RGB", (1, 1)))
    api.get_similar_images("e", ("photo.jpg", b""))
    api.get_similar_images("e", ("photo.jpg", image, "image/jpeg"))


def mistakes() -> None:
    api.get_similar_images("e")  # type: ignore[call-arg]
    api.get_similar_images("e", image, limit="3")  # type: ignore[arg-type]
    api.get_similar_images("e", image, limt=3)  # type: ignore[call-arg]
    api.get_similar_images("e", image, async_req=True)  # type: ignore[call-arg]
    api.get_similar_images("e", 5)  # type: ignore[arg-type]
    SimilarImage().scor  # type: ignore[attr-defined]  # noqa: B018


def a_decorated_operation_stays_generic(operation: Operation[[str, str], SimilaritySearchResponse]) -> None:
    assert_type(operation("e", "a dog"), SimilaritySearchResponse)


# many searches
run = bulk.run(api.search_images_by_text_grouped, [{"embedding_id": "e", "query": "q"}], journal=Path("journal"))
assert_type(run, Generator[bulk.BulkResult[SimilaritySearchResponse], None, None])
for result in run:
    assert_type(result.index, int)
    assert_type(result.answer, SimilaritySearchResponse | None)
bulk.run("search", [])  # type: ignore[arg-type]
