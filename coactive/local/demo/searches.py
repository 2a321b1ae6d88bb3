"""The demonstration: all four searches through the public client, printed for a reader."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import coactive
from coactive.apis import SimilaritySearchApi
from coactive.local.service import running
from coactive.models import SimilarImage, SimilarImageGroup

QUERY = "mug/mug-01-1.jpg"

OWN_IMAGES = """
To try this with your own images:

{python} -m coactive.local serve FOLDER --metadata FILE

FILE is optional: CSV or JSON Lines with one row per image, which its column
"file" names. Or all of it in Python:

import coactive, coactive.local
from coactive.apis import SimilaritySearchApi

with coactive.local.running("FOLDER", metadata="FILE") as service:
    with coactive.ApiClient(service.configuration) as api_client:
        api = SimilaritySearchApi(api_client)
        found = api.get_similar_images(service.embedding_id, "IMAGE", limit=5)
        for image in found["data"]:
            print(image["path"], image["score"])
        found = api.search_images_by_text_grouped(
            service.embedding_id, "WORDS", group_by="COLUMN", limit=5
        )
        for group in found.data:
            print(group.group)
            for image in group.images:
                print("   ", image.path, image.score)
"""


def demo() -> None:
    """Draw the catalogue, serve it, run the four searches on it and print what they find."""
    with running() as service, coactive.ApiClient(service.configuration) as api_client:
        print(f"{len(service.catalog.images)} product pictures, served at {service.host}")
        photo = next(image.file for image in service.catalog.images if image.path == QUERY)
        _search(SimilaritySearchApi(api_client), service.embedding_id, photo)
    print(OWN_IMAGES.format(python=python_command()), end="", flush=True)


def _search(api: SimilaritySearchApi, embedding_id: str, photo: Path) -> None:
    _title("get_similar_images", f"like {photo.name}")
    answer = api.get_similar_images(embedding_id, photo, limit=8)
    _print_images([SimilarImage.from_dict(image) for image in answer["data"]])

    _title("get_similar_images_grouped", f"like {photo.name}, by SKU")
    _print_groups(api.get_similar_images_grouped(embedding_id, "sku", photo, limit=12).data)

    _title("get_similar_images_grouped_semantic", f"like {photo.name}, with colour blue, by SKU")
    found = api.get_similar_images_grouped_semantic(
        embedding_id, "sku", photo, metadata_key="colour", metadata_value="blue", limit=12
    )
    _print_groups(found.data)

    _title("search_images_by_text_grouped", '"blue striped", by product')
    found = api.search_images_by_text_grouped(embedding_id, "blue striped", group_by="product", limit=12)
    _print_groups(found.data)


def _title(operation: str, question: str) -> None:
    print(f"\n{_styled(operation, 1)}: {question}")


def _print_groups(groups: Sequence[SimilarImageGroup]) -> None:
    for group in groups:
        print(f"  {_styled(group.group or '(none)', 36)}")
        _print_images(group.images)


def _print_images(images: Sequence[SimilarImage]) -> None:
    for image in images:
        caption = (image.metadata or {}).get("caption", "")
        print(f"    {image.score or 0:.3f}  {image.path or '':<26}  {_styled(caption, 2)}")


def _styled(text: str, code: int) -> str:
    """The text in a style of the terminal (1 bold, 2 faint, 36 cyan), where there is one and it is wanted."""
    return f"\033[{code}m{text}\033[0m" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


def python_command() -> str:
    """What runs this Python on the command line, as short as it can be said."""
    found, here = shutil.which("python"), Path(sys.executable)
    if found and Path(found) == here:
        return "python"
    return str(here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here)
