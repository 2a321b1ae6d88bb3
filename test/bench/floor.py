"""The floor: the searches by urllib3 and `json.loads` alone, as one writes them by hand for one program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import urllib3

from bench.work import EMBEDDING_ID, GROUP_BY, PHRASE, TOKEN

_OF_TEXT = f"/api/v0/similarity-search/similarity-search/embeddings/{EMBEDDING_ID}/grouped-search/text"
_OF_IMAGE = f"/api/v0/similarity-search/embeddings/{EMBEDDING_ID}/grouped-search"


class Floor:
    """One pool of connections, used by all searches."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._pool = urllib3.PoolManager()
        self._headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}

    def search(self, limit: int) -> float:
        """Search by text, and read the score of every image; their sum."""
        fields = {"query": PHRASE, "group_by": GROUP_BY, "limit": str(limit)}
        return _scores(self._request("GET", _OF_TEXT, fields))

    def upload(self, path: Path) -> float:
        """Search by an image file, and read the score of every image; their sum."""
        with path.open("rb") as file:
            image = file.read()
        fields = {"limit": "1", "group_by": GROUP_BY, "file": (path.name, image, "image/jpeg")}
        return _scores(self._request("POST", _OF_IMAGE, fields))

    def _request(self, method: str, path: str, fields: dict[str, Any]) -> Any:
        response = self._pool.request(method, self._host + path, fields=fields, headers=self._headers)
        if response.status != 200:
            raise RuntimeError(f"{response.status} {response.reason}")
        return json.loads(response.data)


def _scores(found: Any) -> float:
    return sum(image["score"] for group in found["data"] for image in group["images"])  # type: ignore[no-any-return]
