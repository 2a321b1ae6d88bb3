"""Ranks texts by the words of a query: TF-IDF, where a word that is nearly the same counts too."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer  # type: ignore[import-untyped]
from sklearn.preprocessing import normalize  # type: ignore[import-untyped]

from coactive.local.vocabulary import Meant, Vocabulary, words

Scores = NDArray[np.float32]

COUNTS = {"caption": 3}
"""How often a word in this field counts; in others once."""

LITTLE_WORDS = "a an and are as at be but by for from has in is it its of on or that the this to with"
LITTLE = 0.1
"""What such a word weighs of what its rarity makes it, which is as much as any other's where there are few texts."""

LONGEST, MOST = 10_000, 100
"""How many characters of a query are looked at, and how many of its words for others that are nearly the same."""


class Asked(NamedTuple):
    """A word of a query: how often it is there, and the known words that it may mean."""

    times: int
    meant: Meant


class TextIndex:
    """What is said of images, ready to be searched; safe to use from many threads.

    `fields` has a text, or None, for each image in each field. `names` are their names, of which the words count
    in `scores` but which are no field.
    """

    def __init__(self, fields: Mapping[str, Sequence[str | None]], names: Sequence[str]) -> None:
        # Texts repeat, so each is taken apart once.
        numbers: dict[str, int] = {}
        named = _numbered(names, numbers)
        self._fields = {field: _numbered(texts, numbers) for field, texts in fields.items()}
        counter = CountVectorizer(analyzer=words)  # pyright: ignore[reportArgumentType]
        # The little words are known whether or not a text has them.
        counts = counter.fit_transform([*numbers, LITTLE_WORDS])[:-1]
        self._vocabulary = Vocabulary(counter.vocabulary_)
        little = np.array([counter.vocabulary_[word] for word in words(LITTLE_WORDS)])
        self._texts = _Weighted(counts, little)
        images = sum((COUNTS.get(field, 1) * counts[texts] for field, texts in self._fields.items()), counts[named])
        self._images = _Weighted(images, little)

    def scores(self, query: str) -> Scores:
        """How well all that is said of each image answers a query, from 0 (no word even nearly in common) to 1."""
        return self._images.scores(self._asked(query))

    def field_scores(self, value: str, field: str | None = None) -> Scores:
        """How close each image's text in a field is to another one, from 0 (no word even nearly in common) to 1.

        Without a field the one that fits best counts; a field that is not known scores 0.
        """
        scores = self._texts.scores(self._asked(value))
        best = np.zeros(self._images.size, dtype=np.float32)
        for name, texts in self._fields.items():
            if field is None or name == field:
                np.maximum(best, scores[texts], out=best)
        return best

    def _asked(self, query: str) -> list[Asked]:
        counts = Counter(words(query[:LONGEST])).items()
        return [
            Asked(times, self._vocabulary.near(word) if n < MOST else self._vocabulary.same(word))
            for n, (word, times) in enumerate(counts)
        ]


class _Weighted:
    """Texts by how much each word weighs in them."""

    def __init__(self, counts: Any, little: NDArray[np.intp]) -> None:
        self.size = counts.shape[0]
        self._unknown = 1 + math.log(1 + self.size)
        self._rarity = np.full(counts.shape[1], self._unknown)
        if self.size:
            weigh = TfidfTransformer(sublinear_tf=True)
            counts, self._rarity = weigh.fit_transform(counts), weigh.idf_.copy()
            counts.data[np.isin(counts.indices, little)] *= LITTLE
            self._rarity[little] *= LITTLE
            normalize(counts, copy=False)
        self._weights = counts.tocsc()

    def scores(self, asked: Iterable[Asked]) -> Scores:
        """How well each text answers, from 0 to 1: of the words that one of the query may mean, the best counts."""
        scores, alone = np.zeros(self.size), np.zeros(len(self._rarity))
        squares = 0.0
        for times, (known, nearness) in asked:
            weight = (1 + math.log(times)) * (self._rarity[known[nearness.argmax()]] if len(known) else self._unknown)
            squares += weight**2
            if len(known) > 1:
                scores += weight * self._best(known, nearness)
            else:
                alone[known] += weight * nearness
        scores += self._weights @ alone
        return np.minimum(scores / (math.sqrt(squares) or 1), 1).astype(np.float32)

    def _best(self, known: NDArray[np.intp], nearness: NDArray[np.float64]) -> NDArray[np.float64]:
        best = np.zeros(self.size)
        for word, near in zip(known, nearness, strict=True):
            column = slice(*self._weights.indptr[word : word + 2])
            texts = self._weights.indices[column]
            best[texts] = np.maximum(best[texts], near * self._weights.data[column])
        return best


def _numbered(texts: Sequence[str | None], numbers: dict[str, int]) -> NDArray[np.intp]:
    """The number of each text, those that are new numbered on."""
    return np.array([numbers.setdefault(text or "", len(numbers)) for text in texts], dtype=np.intp)
