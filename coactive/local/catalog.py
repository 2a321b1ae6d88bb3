"""Knows the images: scores them for a query, ranks them and groups them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coactive.local.encoder import BUILT_IN, Embedding, Encoder
from coactive.local.index import Update
from coactive.local.metadata import Metadata

if TYPE_CHECKING:
    from coactive.local.text import TextIndex

Scores = NDArray[np.float32]
"""One score an image, in the catalogue's order; higher is closer."""


class IndexedImage(NamedTuple):
    """An image of the catalogue; `path` is relative to its folder, with `/` on every system."""

    folder: Path
    path: str
    media_type: str
    changed: datetime
    metadata: Metadata | None = None

    @property
    def file(self) -> Path:
        """Where it is."""
        return self.folder / self.path

    @property
    def id(self) -> str:
        """A UUID, the same for the same path in every catalogue."""
        # A file's name may hold bytes that are no UTF-8, which uuid5 does not take.
        name = self.path.encode("utf-8", "backslashreplace").decode()
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


class Hit(NamedTuple):
    """An image that a search found, and its score: higher is closer."""

    image: IndexedImage
    score: float


class Group(NamedTuple):
    """Hits that share a metadata value, best first; `name` is None for those that have no such value."""

    name: str | None
    hits: list[Hit]


class Catalog:
    """Images that can be searched. Safe to use from many threads.

    `embeddings` has a row for each of `images`, made by `encoder`. `skipped` are the files of the folder that are no
    images or broken ones, `unmatched` the files that metadata rows name and that are no images of the folder,
    `columns` the metadata keys of the images. `update` says what was done to the folder's index.
    """

    def __init__(
        self,
        images: Sequence[IndexedImage],
        embeddings: NDArray[np.float32],
        *,
        encoder: Encoder = BUILT_IN,
        skipped: Sequence[str] = (),
        unmatched: Sequence[str] = (),
        update: Update | None = None,
    ) -> None:
        self.images = images
        self.embeddings = embeddings
        self.encoder = encoder
        self.skipped = skipped
        self.unmatched = unmatched
        self.update = update
        self.columns = tuple(dict.fromkeys(column for image in images for column in image.metadata or ()))
        self._text_index: TextIndex | None = None
        self._indexing = Lock()

    @property
    def rows(self) -> int:
        """How many rows of metadata there were, those about no image too."""
        return sum(image.metadata is not None for image in self.images) + len(self.unmatched)

    def find(self, image_id: str) -> IndexedImage | None:
        """The image with this id, if there is one."""
        return self._by_id.get(image_id)

    @cached_property
    def _by_id(self) -> dict[str, IndexedImage]:
        return {image.id: image for image in self.images}

    def visual_scores(self, embedding: Embedding) -> Scores:
        """How much each image looks like the one that this is the embedding of: the cosine, from -1 to 1."""
        return self.embeddings @ embedding

    def phrase_scores(self, phrase: str) -> Scores:
        """How well each image answers a phrase, by its words and, where the encoder knows phrases, by its looks too."""
        scores = self.text_scores(phrase)
        if self.encoder.encode_phrase is None:
            return scores
        # What looks like the opposite does not hide an image that has the words.
        looks = np.maximum(self.visual_scores(self.encoder.encode_phrase(phrase)), 0)
        return (scores + looks) / np.float32(2)

    def text_scores(self, query: str) -> Scores:
        """How well each image's metadata and path answer a query, from 0 (no word in common) to 1."""
        return self._texts().scores(query)

    def value_scores(self, value: str, column: str | None = None) -> Scores:
        """How close each image's value in a metadata column is to another one, from 0 (nothing in common) to 1.

        Without a column the one that fits best counts; for a column that no image has all scores are 0.
        """
        return self._texts().field_scores(value, column)

    def warm(self) -> None:
        """Do now what the first search by text would do, so that it does not wait for it."""
        self._texts()

    def _texts(self) -> TextIndex:
        with self._indexing:
            if self._text_index is None:
                # It takes as long as the rest of a start does, and searches by image can do without.
                from coactive.local.text import TextIndex

                said = {column: [said_of(image, column) for image in self.images] for column in self.columns}
                self._text_index = TextIndex(said, [_name(image) for image in self.images])
            return self._text_index

    def best(self, scores: Scores, limit: int, *, above: float = -np.inf) -> list[Hit]:
        """At most `limit` images that score above `above`, best first; equal ones in the catalogue's order."""
        order = np.argsort(-scores, kind="stable")[:limit]
        return [Hit(self.images[i], float(scores[i])) for i in order if scores[i] > above]


def grouped(hits: Iterable[Hit], key: str | None) -> list[Group]:
    """The hits by what their images have under a metadata key, groups in the order of their best hit.

    Without a key all hits are one group, and no hits are no group.
    """
    groups: dict[str | None, list[Hit]] = {}
    for hit in hits:
        name = None if key is None else said_of(hit.image, key)
        groups.setdefault(name, []).append(hit)
    return [Group(name, members) for name, members in groups.items()]


def _name(image: IndexedImage) -> str:
    return str(PurePosixPath(image.path).with_suffix(""))


def said_of(image: IndexedImage, column: str) -> str | None:
    """What an image's metadata say in a column, as text; None: nothing."""
    return _as_text((image.metadata or {}).get(column))


def _as_text(value: Any) -> str | None:
    """A string as it is, no value as None, any other as JSON writes it."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
