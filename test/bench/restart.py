"""How long the stand-in takes to serve a folder that it knows, and to answer then.

`python -m bench.restart FOLDER METADATA` prints seconds by name, and the peak of memory in bytes, as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import coactive
import coactive.local
from bench.process import peak_memory
from coactive.apis import SimilaritySearchApi

SEARCHES = 8
"""Of each kind; the first one may have more to do."""


def main() -> None:
    """Serve, search, and print what that took."""
    folder, metadata = sys.argv[1:]
    started = time.perf_counter()
    with coactive.local.running(Path(folder), metadata=Path(metadata)) as service:
        found = {"restart": time.perf_counter() - started}
        for name, search in _searches(service).items():
            first, *others = [_seconds(search) for _ in range(SEARCHES)]
            found |= {f"{name}, first": first, name: statistics.median(others)}
    print(json.dumps(found | {"memory": peak_memory()}))


def _searches(service: coactive.local.Service) -> dict[str, Callable[[], object]]:
    api, embedding_id = SimilaritySearchApi(coactive.ApiClient(service.configuration)), service.embedding_id
    photo = service.catalog.images[0].file.read_bytes()
    return {
        "image": lambda: api.get_similar_images_grouped(embedding_id, "sku", photo),
        "phrase": lambda: api.search_images_by_text_grouped(embedding_id, "old red mugs of glas", group_by="sku"),
        "semantic": lambda: api.get_similar_images_grouped_semantic(
            embedding_id, "sku", photo, metadata_key="colour", metadata_value="blue"
        ),
    }


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
