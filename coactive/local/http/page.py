"""Serves the page at `/`: its files, what it asks of the catalogue, and thumbnails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from coactive.local.catalog import Catalog, IndexedImage
from coactive.local.columns import columns_of, shared_column
from coactive.local.http.credentials import LOOPBACK_CREDENTIALS
from coactive.local.http.thumbnails import Thumbnails, version_of
from coactive.local.image_file import UnreadableImageError

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing comes from elsewhere or goes there, and no text becomes a script or an element."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

EXAMPLES = 12
"""How many of the catalogue's images the page shows before the first search."""

NO_SUCH_IMAGE = "no such image"


def add_page(app: FastAPI, catalog: Catalog, thumbnailers: Executor, *, embedding_id: str, token: str) -> None:
    """Let the service show its page, which searches `catalog`; thumbnails are made by `thumbnailers`.

    A `token` made of a client id and secret of one's own is never sent: the page asks for them.
    """
    page = _Page(catalog, thumbnailers, embedding_id, token)
    endpoints: dict[str, Callable[..., Any]] = {
        "/": page.index,
        "/favicon.ico": page.icon,
        "/page/access.json": page.access,
        "/page/{name}": page.file,
        "/thumbnails/{image_id}": page.thumbnail,
        "/api/local/catalogue": page.catalogue,
    }
    for path, endpoint in endpoints.items():
        app.api_route(path, methods=["GET", "HEAD"], include_in_schema=False)(endpoint)


class _File:
    """A file of the page, ready to be sent."""

    def __init__(self, name: str, data: bytes) -> None:
        self._data = data
        self._media_type = MEDIA_TYPES[Path(name).suffix]
        self._tag = sha256(data).hexdigest()[:32]

    def answer(self, request: Request) -> Response:
        return _revalidated(request, self._tag) or Response(
            self._data, headers=HEADERS | {"ETag": f'"{self._tag}"'}, media_type=self._media_type
        )


class _Page:
    """The endpoints of the page over one catalogue."""

    def __init__(self, catalog: Catalog, thumbnailers: Executor, embedding_id: str, token: str) -> None:
        self._catalog = catalog
        self._thumbnails = Thumbnails()
        self._thumbnailers = thumbnailers
        self._embedding_id = embedding_id
        self._files = _files()
        self._access = {"access_token": token if token == ":".join(LOOPBACK_CREDENTIALS) else None}

    def index(self, request: Request) -> Response:
        return self._files["index.html"].answer(request)

    def icon(self, request: Request) -> Response:
        return self._files["icon.svg"].answer(request)

    def file(self, request: Request, name: str) -> Response:
        if name not in self._files:
            raise HTTPException(404, "no such file")
        return self._files[name].answer(request)

    def access(self) -> Response:
        """The token that everyone on this machine may know, or null where the page must ask for credentials."""
        return JSONResponse(self._access, headers={"Cache-Control": "no-store"})

    def catalogue(self) -> Response:
        """What the page needs to know before it can search."""
        images = self._catalog.images
        shown = min(EXAMPLES, len(images))
        about = {
            "embedding_id": self._embedding_id,
            "images": len(images),
            "columns": columns_of(self._catalog),
            "group_by": shared_column(self._catalog),
            "examples": [_example(images[at * len(images) // shown]) for at in range(shown)],
        }
        # ASCII, because a path may hold bytes that are no UTF-8, which the escapes of JSON carry.
        return Response(json.dumps(about), headers={"Cache-Control": "no-store"}, media_type="application/json")

    async def thumbnail(self, request: Request, image_id: str) -> Response:
        # A page asks for many at once: no thread of those that answer searches is to wait for them.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thumbnailers, self._thumbnail, request, image_id)

    def _thumbnail(self, request: Request, image_id: str) -> Response:
        image = self._catalog.find(image_id)
        if image is None:
            raise HTTPException(404, NO_SUCH_IMAGE)
        try:
            unchanged = _revalidated(request, version_of(image.file))
            if unchanged is not None:
                return unchanged
            thumbnail = self._thumbnails.of(image)
        except (OSError, UnreadableImageError) as problem:
            raise HTTPException(404, NO_SUCH_IMAGE) from problem
        headers = HEADERS | {"ETag": f'"{thumbnail.version}"'}
        return Response(thumbnail.data, headers=headers, media_type=thumbnail.media_type)


def _example(image: IndexedImage) -> dict[str, Any]:
    return {"coactive_image_id": image.id, "path": image.path, "metadata": image.metadata}


def _files() -> Mapping[str, _File]:
    folder = files("coactive.local.http") / "static"
    names = [file.name for file in folder.iterdir() if Path(file.name).suffix in MEDIA_TYPES]
    return {name: _File(name, (folder / name).read_bytes()) for name in names}


def _revalidated(request: Request, tag: str) -> Response | None:
    """304 where the browser has what it asks for, else None."""
    known = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return Response(status_code=304, headers=HEADERS | {"ETag": f'"{tag}"'}) if f'"{tag}"' in known else None
