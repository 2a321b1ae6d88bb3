"""Speaks HTTP: the four searches of the contract, the login, the page, and the images that the answers point at."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from coactive.local.catalog import Catalog, Hit, Scores, grouped
from coactive.local.encoder import Embedding, EncoderError
from coactive.local.http.credentials import TOKEN_LIFETIME, Tokens
from coactive.local.http.failing import Failing
from coactive.local.http.faults import Faults
from coactive.local.http.fields import (
    DEFAULT_LIMIT,
    FormFile,
    FormLimit,
    FormText,
    OptionalFormText,
    OptionalQueryText,
    QueryLimit,
    QueryText,
)
from coactive.local.http.gate import Gate
from coactive.local.http.login import LOGIN, Login
from coactive.local.http.page import add_page
from coactive.local.image_file import UnreadableImageError, read_picture

MAX_BYTES = 32 * 2**20
"""The largest request that is taken unless told otherwise: 32 MiB."""

OPENAPI = Path(__file__).with_name("openapi.json")
"""The contract, a link to `docs/openapi.json`: what the endpoints declare is held against it by a test."""


def build_app(
    catalog: Catalog,
    decoders: Executor,
    thumbnailers: Executor,
    *,
    embedding_id: str,
    token: str,
    faults: Faults,
    token_lifetime: int = TOKEN_LIFETIME,
    max_bytes: int = MAX_BYTES,
) -> ASGIApp:
    """The service as an ASGI application.

    It searches `catalog` under the name `embedding_id` for whoever sends as the bearer token `token`, or one that
    its login issued in the last `token_lifetime` seconds, and answers a request of more than `max_bytes` with 413.
    Searches fail as `faults` says. Uploads are decoded by `decoders`, thumbnails made by `thumbnailers`.
    """
    tokens = Tokens(token, token_lifetime)
    api = build_api(catalog, decoders, embedding_id, tokens)
    add_page(api, catalog, thumbnailers, embedding_id=embedding_id, token=token)
    searches = [route for route in api.routes if isinstance(route, APIRoute) and route.include_in_schema]
    return Gate(Failing(api, searches, faults), tokens=tokens, max_bytes=max_bytes)


def build_api(catalog: Catalog, decoders: Executor, embedding_id: str, tokens: Tokens) -> FastAPI:
    """The endpoints alone; those of the contract are in the schema that FastAPI makes of them."""
    api = FastAPI(title="coactive.local", openapi_url=None, redirect_slashes=False, generate_unique_id_function=_name)
    _add_searches(api, _Searches(catalog, decoders, embedding_id))
    api.get("/openapi.json", include_in_schema=False)(_contract)
    api.post(LOGIN, include_in_schema=False)(Login(tokens).log_in)
    api.exception_handler(RequestValidationError)(_invalid)
    api.exception_handler(EncoderError)(_failed)
    return api


def _add_searches(api: FastAPI, searches: _Searches) -> None:
    api.post("/api/v0/similarity-search/embeddings/{embedding_id}/search")(searches.get_similar_images)
    api.post("/api/v0/similarity-search/embeddings/{embedding_id}/grouped-search")(searches.get_similar_images_grouped)
    api.post("/api/v0/similarity-search/embeddings/{embedding_id}/grouped-search/semantic")(
        searches.get_similar_images_grouped_semantic
    )
    api.get("/api/v0/similarity-search/similarity-search/embeddings/{embedding_id}/grouped-search/text")(
        searches.search_images_by_text_grouped
    )
    api.api_route("/images/{image_id}", methods=["GET", "HEAD"], include_in_schema=False)(searches.image)


def _contract() -> Response:
    return FileResponse(OPENAPI, media_type="application/json")


def _name(route: APIRoute) -> str:
    return route.name


class _Searches:
    """The endpoints over one catalogue; FastAPI runs each call of one in a thread of its own."""

    def __init__(self, catalog: Catalog, decoders: Executor, embedding_id: str) -> None:
        self._catalog = catalog
        self._embedding_id = embedding_id
        self._decoders = decoders

    def get_similar_images(
        self, request: Request, embedding_id: str, file: FormFile, limit: FormLimit = DEFAULT_LIMIT
    ) -> Response:
        hits = self._catalog.best(self._looks(embedding_id, file), limit)
        return _answer([_similar_image(hit, request) for hit in hits])

    def get_similar_images_grouped(
        self, request: Request, embedding_id: str, group_by: FormText, file: FormFile, limit: FormLimit = DEFAULT_LIMIT
    ) -> Response:
        hits = self._catalog.best(self._looks(embedding_id, file), limit)
        return self._grouped_answer(hits, group_by, request)

    def get_similar_images_grouped_semantic(
        self,
        request: Request,
        embedding_id: str,
        group_by: FormText,
        file: FormFile,
        metadata_key: OptionalFormText = None,
        metadata_value: OptionalFormText = None,
        limit: FormLimit = DEFAULT_LIMIT,
    ) -> Response:
        if metadata_key is not None and metadata_value is None:
            problem = {
                "loc": ("body", "metadata_value"),
                "msg": "Field required with metadata_key",
                "type": "missing",
            }
            raise RequestValidationError([problem])
        scores = self._looks(embedding_id, file)
        if metadata_value is not None:
            column = metadata_key or None
            self._warn_if_unknown(column)
            scores = (scores + self._catalog.value_scores(metadata_value, column)) / np.float32(2)
        return self._grouped_answer(self._catalog.best(scores, limit), group_by, request)

    def search_images_by_text_grouped(
        self,
        request: Request,
        embedding_id: str,
        query: QueryText,
        group_by: OptionalQueryText = None,
        limit: QueryLimit = DEFAULT_LIMIT,
    ) -> Response:
        self._check(embedding_id)
        hits = self._catalog.best(self._catalog.phrase_scores(query), limit, above=0)
        return self._grouped_answer(hits, group_by, request)

    def image(self, image_id: str) -> Response:
        image = self._catalog.find(image_id)
        if image is None or not image.file.is_file():
            raise HTTPException(404, "no such image")
        return FileResponse(image.file, media_type=image.media_type)

    def _looks(self, embedding_id: str, file: FormFile) -> Scores:
        """How much each image looks like the uploaded one."""
        self._check(embedding_id)
        try:
            embedding = self._decoders.submit(self._embedding, file.file).result()
        except UnreadableImageError as problem:
            raise HTTPException(400, f"the file must be a JPEG, PNG, GIF or WebP image; {problem}") from problem
        return self._catalog.visual_scores(embedding)

    def _embedding(self, file: BinaryIO) -> Embedding:
        encoder = self._catalog.encoder
        return encoder.encode(read_picture(file, encoder.side).image)

    def _check(self, embedding_id: str) -> None:
        if embedding_id != self._embedding_id:
            raise HTTPException(404, f"no embedding {embedding_id!r} here; there is {self._embedding_id}")

    def _grouped_answer(self, hits: Iterable[Hit], group_by: str | None, request: Request) -> Response:
        self._warn_if_unknown(group_by)
        return _answer(
            [
                {"group": group.name, "images": [_similar_image(hit, request) for hit in group.hits]}
                for group in grouped(hits, group_by)
            ]
        )

    def _warn_if_unknown(self, key: str | None) -> None:
        """Log a metadata key that no image has: the contract has no error for it, and mostly it is misspelt."""
        columns = self._catalog.columns
        if key is not None and key not in columns:
            known = f"there are {', '.join(columns)}" if columns else "the images have no metadata"
            logging.getLogger("coactive.local").warning("no image has the metadata key %.100r; %s", key, known)


def _answer(data: list[dict[str, Any]]) -> Response:
    # ASCII, because a path may hold bytes that are no UTF-8, which the escapes of JSON carry.
    return Response(json.dumps({"data": data}, separators=(",", ":")), media_type="application/json")


def _similar_image(hit: Hit, request: Request) -> dict[str, Any]:
    image = hit.image
    changed = image.changed.isoformat()
    return {
        "coactive_image_id": image.id,
        "path": image.path,
        "url": f"{request.base_url}images/{image.id}",
        "score": round(hit.score, 6),
        "metadata": image.metadata,
        "created_dt": changed,
        "updated_dt": changed,
    }


async def _invalid(request: Request, problem: Exception) -> Response:
    """422 with what the contract has of each error; FastAPI would add the input, which may be an image."""
    errors = problem.errors() if isinstance(problem, RequestValidationError) else []
    kept = [{key: error[key] for key in ("loc", "msg", "type")} for error in errors]
    return JSONResponse({"detail": kept}, 422)


async def _failed(request: Request, problem: Exception) -> Response:
    """500 with what the encoder failed of, for whoever wrote it is mostly the one who asks; logged too."""
    logging.getLogger("coactive.local").warning("%s", problem, exc_info=problem.__cause__)
    return JSONResponse({"detail": str(problem)}, 500)
