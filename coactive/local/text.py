"""Ranks short texts by the words of a query: TF-IDF, and trigrams for words that are only nearly the same."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

NEARLY = 0.5
"""Words with more than this share of trigrams in common are nearly the same: "mugs" and "mug"."""

WORD = re.compile(r"[^\W_]+")


class TextIndex:
    """Texts, ready to be searched; the position of a text in the sequence is its number."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        counts = [Counter(words(text)) for text in texts]
        found_in = Counter(word for count in counts for word in count)
        self._rarity = {word: 1 + math.log((1 + self._size) / (1 + found)) for word, found in found_in.items()}
        self._texts_with = _postings(counts, self._rarity)
        self._words_with: defaultdict[str, list[str]] = defaultdict(list)
        for word in self._rarity:
            for trigram in trigrams(word):
                self._words_with[trigram].append(word)

    def scores(self, query: str) -> Scores:
        """How well each text answers the query, from 0 (no word even nearly in common) to 1; shape (texts,)."""
        scores = np.zeros(self._size, dtype=np.float32)
        squares = 0.0
        for word, count in Counter(words(query)).items():
            weight = (1 + math.log(count)) * self._rarity.get(word, 1 + math.log(1 + self._size))
            squares += weight**2
            answers = np.zeros_like(scores)
            for known, nearness in self._known(word):
                numbers, weights = self._texts_with[known]
                answers[numbers] = np.maximum(answers[numbers], weight * nearness * weights)
            scores += answers
        return scores / np.float32(math.sqrt(squares) or 1)

    def _known(self, word: str) -> Iterable[tuple[str, float]]:
        """The words of the texts that are the same as this one or nearly so, and how near each is."""
        own = trigrams(word)
        shared = Counter(known for trigram in own for known in self._words_with.get(trigram, ()))
        nearness = {known: 2 * n / (len(own) + len(trigrams(known))) for known, n in shared.items()}
        return [(known, near) for known, near in nearness.items() if near > NEARLY]


def words(text: str) -> list[str]:
    """The words of a text, without regard to case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


def trigrams(word: str) -> set[str]:
    """The runs of three letters of a word, its beginning and end marked."""
    marked = f"#{word}#"
    return {marked[start : start + 3] for start in range(max(1, len(marked) - 2))}


def _postings(counts: Sequence[Counter[str]], rarity: dict[str, float]) -> dict[str, tuple[NDArray[np.intp], Scores]]:
    """For each word the numbers of the texts that have it, and its weight in each."""
    found: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, count in enumerate(counts):
        weights = {word: (1 + math.log(times)) * rarity[word] for word, times in count.items()}
        length = math.sqrt(sum(weight**2 for weight in weights.values()))
        for word, weight in weights.items():
            found[word].append((number, weight / length))
    return {
        word: (np.array([n for n, _ in entries]), np.array([w for _, w in entries], dtype=np.float32))
        for word, entries in found.items()
    }
