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
from typing import TYPE_CHECKING

from bench.measuring import seconds
from bench.process import peak_memory

if TYPE_CHECKING:
    from coactive.apis import SimilaritySearchApi
    from coactive.local import Service

SEARCHES = 8
"""Of each kind; the first one may have more to do."""


def main() -> None:
    """Serve, search, and print what that took."""
    folder, metadata = sys.argv[1:]
    started = time.perf_counter()
    import coactive.local  # a start has that to do, too
    from coactive.apis import SimilaritySearchApi

    with coactive.local.running(Path(folder), metadata=Path(metadata)) as service:
        found = {"restart": time.perf_counter() - started}
        with coactive.ApiClient(service.configuration) as api_client:
            for name, search in _searches(SimilaritySearchApi(api_client), service).items():
                first, *others = [seconds(search) for _ in range(SEARCHES)]
                found |= {f"{name}, first": first, name: statistics.median(others)}
    print(json.dumps(found | {"memory": peak_memory()}))


def _searches(api: SimilaritySearchApi, service: Service) -> dict[str, Callable[[], object]]:
    embedding_id = service.embedding_id
    photo = service.catalog.images[0].file.read_bytes()
    return {
        "image": lambda: api.get_similar_images_grouped(embedding_id, "sku", photo),
        "phrase": lambda: api.search_images_by_text_grouped(embedding_id, "old red mugs of glas", group_by="sku"),
        "semantic": lambda: api.get_similar_images_grouped_semantic(
            embedding_id, "sku", photo, metadata_key="colour", metadata_value="blue"
        ),
    }


if __name__ == "__main__":
    main()
