from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from PIL import Image

from coactive.local import Service, running

SEARCH = "/api/v0/similarity-search/embeddings/{}/search"
GROUPED = "/api/v0/similarity-search/embeddings/{}/grouped-search"
SEMANTIC = "/api/v0/similarity-search/embeddings/{}/grouped-search/semantic"
TEXT = "/api/v0/similarity-search/similarity-search/embeddings/{}/grouped-search/text"
TOKEN = "Bearer local:stand-in"

Fields = dict[str, Any] | list[tuple[str, Any]]
"""A list where one is sent twice."""


@dataclass
class Caller:
    """Sends requests as they stand in the contract, without the client between."""

    service: Service
    pool: urllib3.PoolManager

    def post(self, path: str, fields: Fields, **headers: str) -> urllib3.BaseHTTPResponse:
        url = self.service.host + path.format(self.service.embedding_id)
        return self.pool.request("POST", url, fields=fields, headers={"Authorization": TOKEN} | headers)

    def get(self, path: str, fields: Fields, **headers: str) -> urllib3.BaseHTTPResponse:
        url = self.service.host + path.format(self.service.embedding_id)
        return self.pool.request("GET", url, fields=fields, headers={"Authorization": TOKEN} | headers)


@pytest.fixture(scope="session")
def demo() -> Iterator[Service]:
    """The demo's catalogue, served to all tests."""
    with running() as service:
        yield service


@pytest.fixture(scope="session")
def caller(demo: Service) -> Iterator[Caller]:
    with urllib3.PoolManager(retries=False) as pool:
        yield Caller(demo, pool)


@pytest.fixture(scope="session")
def photo(demo: Service) -> Path:
    """A picture of the red mug."""
    return next(image.file for image in demo.catalog.images if image.path == "mug/mug-01-1.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three images, with what JSON Lines say of two of them."""
    pictures = tmp_path / "pictures"
    (pictures / "deep" / "er").mkdir(parents=True)
    for name, colour in {"red.png": "red", "deep/blue.png": "blue", "deep/er/green.png": "green"}.items():
        Image.new("RGB", (20, 20), colour).save(pictures / name)
    rows = [
        {"file": "red.png", "sku": "A", "price": 1.5, "new": True, "tags": ["x", "ü"], "gone": None},
        {"file": "deep/blue.png", "sku": "B", "price": 2},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return pictures


def png(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
