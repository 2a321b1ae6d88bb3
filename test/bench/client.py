"""The same searches by the client."""

from __future__ import annotations

from pathlib import Path

import coactive
from bench.work import EMBEDDING_ID, GROUP_BY, PHRASE, TOKEN
from coactive import bulk
from coactive.apis import SimilaritySearchApi
from coactive.models import SimilaritySearchResponse


class Client:
    """One client with the settings that it has by itself, used by all searches."""

    def __init__(self, host: str) -> None:
        self._api = SimilaritySearchApi(coactive.ApiClient(coactive.Configuration(host=host, access_token=TOKEN)))

    def search(self, limit: int) -> float:
        """Search by text, and read the score of every image; their sum."""
        found = self._api.search_images_by_text_grouped(EMBEDDING_ID, PHRASE, group_by=GROUP_BY, limit=limit)
        return _scores(found)

    def upload(self, path: Path) -> float:
        """Search by an image file, and read the score of every image; their sum."""
        return _scores(self._api.get_similar_images_grouped(EMBEDDING_ID, GROUP_BY, path, limit=1))

    def search_many(self, calls: int, workers: int) -> None:
        """Make so many searches by text, so many at a time."""
        inputs = ({"embedding_id": EMBEDDING_ID, "query": f"{PHRASE} {number}"} for number in range(calls))
        for result in bulk.run(self._api.search_images_by_text_grouped, inputs, workers=workers, progress=False):
            if result.error:
                raise result.error


def _scores(found: SimilaritySearchResponse) -> float:
    return sum(image.score for group in found.data for image in group.images)  # type: ignore[misc]  # all have one
