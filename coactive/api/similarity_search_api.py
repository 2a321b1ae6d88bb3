"""The four searches."""

from __future__ import annotations

from typing import Any, Unpack

from coactive.api_client import ApiClient
from coactive.exceptions import ApiTypeError, ApiValueError
from coactive.image_file import ImageFile
from coactive.model.similarity_search_response import SimilaritySearchResponse
from coactive.operation import operation
from coactive.parameters import image, optional_integer, optional_text, text
from coactive.request import Request, RequestOptions


class SimilaritySearchApi:
    """Search a company's images by an example image or a phrase.

    Each way to run an operation takes the same arguments: `api.op(...)` waits for the answer,
    `api.op.submit(...)` gives a future, `await api.op.submit(...)` waits for it in an event loop,
    `api.op.with_http_info(...)` gives status and headers too, and `api.op.raw(...)` the answer as it came.

    Arguments that the operations share:
        embedding_id: the unique identifier of the embedding to search in.
        file: the image to search by: a path (a str is always a path), bytes, an open binary file (read from
            where it stands and left there), any object with `read()`, a PIL image, or a tuple
            `(filename, data[, media type])`.
        group_by: the key of the asset metadata, such as "sku", by whose values the images found are grouped.
        limit: how many images to return at most, over all groups, such as 1 to 1,000; None: the service's 100.
        _request_timeout: seconds for this one call; see `coactive.timeout`.

    Raised by all of them:
        ApiTypeError, ApiValueError: an argument is invalid; nothing was sent.
        ApiException: the call failed, or its response could not be used; `coactive.exceptions` lists the kinds.

    Attributes:
        api_client: what carries the calls; a new `ApiClient()` where none is given.
    """

    def __init__(self, api_client: ApiClient | None = None) -> None:
        if not isinstance(api_client, ApiClient | None):
            raise ApiTypeError(f"api_client: expected ApiClient(configuration), got {type(api_client).__name__}")
        self.api_client = ApiClient() if api_client is None else api_client

    def __repr__(self) -> str:
        return f"SimilaritySearchApi({self.api_client!r})"

    @operation
    def get_similar_images(
        self,
        embedding_id: str,
        file: ImageFile,
        *,
        limit: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> Request[Any]:
        """Find the images most like an image.

        Returns:
            The service's JSON as plain Python values, such as `{"data": [...]}` with a dict for each image
            (`SimilarImage.from_dict` makes a model of one); None for an empty response.
        """
        return Request(
            "POST",
            "/api/v0/similarity-search/embeddings/{embedding_id}/search",
            in_path=[text("embedding_id", embedding_id)],
            form=[optional_integer("limit", limit)],
            file=image("file", file),
            returns=None,
            options=options,
        )

    @operation
    def get_similar_images_grouped(
        self,
        embedding_id: str,
        group_by: str,
        file: ImageFile,
        *,
        limit: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> Request[SimilaritySearchResponse]:
        """Find the images most like an image, grouped by a metadata key.

        Returns:
            The groups, in the order of their best image.
        """
        return Request(
            "POST",
            "/api/v0/similarity-search/embeddings/{embedding_id}/grouped-search",
            in_path=[text("embedding_id", embedding_id)],
            form=[optional_integer("limit", limit), text("group_by", group_by)],
            file=image("file", file),
            returns=SimilaritySearchResponse,
            options=options,
        )

    @operation
    def get_similar_images_grouped_semantic(
        self,
        embedding_id: str,
        group_by: str,
        file: ImageFile,
        *,
        metadata_key: str | None = None,
        metadata_value: str | None = None,
        limit: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> Request[SimilaritySearchResponse]:
        """Find the images most like an image and nearest to a meaning in their metadata, grouped by a metadata key.

        Args:
            metadata_key: the column of the metadata to search by meaning; None for all columns.
            metadata_value: what to look for there; required where `metadata_key` is given.

        Returns:
            The groups, in the order of their best image.
        """
        if metadata_key is not None and metadata_value is None:
            raise ApiValueError("metadata_value: required where metadata_key is given")
        return Request(
            "POST",
            "/api/v0/similarity-search/embeddings/{embedding_id}/grouped-search/semantic",
            in_path=[text("embedding_id", embedding_id)],
            form=[
                optional_text("metadata_key", metadata_key),
                optional_text("metadata_value", metadata_value),
                optional_integer("limit", limit),
                text("group_by", group_by),
            ],
            file=image("file", file),
            returns=SimilaritySearchResponse,
            options=options,
        )

    @operation
    def search_images_by_text_grouped(
        self,
        embedding_id: str,
        query: str,
        *,
        group_by: str | None = None,
        limit: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> Request[SimilaritySearchResponse]:
        """Find the images that a phrase describes, grouped by a metadata key.

        Args:
            query: the phrase, such as "a red mug".
            group_by: the metadata key to group by; None puts all images into one group without a name.

        Returns:
            The groups, in the order of their best image.
        """
        return Request(
            "GET",
            "/api/v0/similarity-search/similarity-search/embeddings/{embedding_id}/grouped-search/text",
            in_path=[text("embedding_id", embedding_id)],
            query=[
                optional_text("group_by", group_by),
                optional_integer("limit", limit),
                text("query", query),
            ],
            returns=SimilaritySearchResponse,
            options=options,
        )
