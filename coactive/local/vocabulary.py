"""The words of texts, and which of them a word of a query means, misspelt or in another form as it may be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer  # type: ignore[import-untyped]

UNSPACED = "\u0900-\u109f\u1780-\u17ff\u3005\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
"""Letters of scripts without spaces between words (Chinese, Japanese, Thai) or whose vowels are marks (Hindi)."""

WORD = re.compile(rf"\d+(?:[.,]\d+)*|[{UNSPACED}]+|[^\W\d_{UNSPACED}]+")
IN_PAIRS = re.compile(f"[{UNSPACED}]+")

SPELT_FREELY = range(3, 31)
"""How many letters a word has that may be nearly another one: with fewer, too many are."""

NEAR = ((4, 7), (0.57, 0.72))
"""Up to four letters, and from seven on, how near a word must be to be meant. One wrong letter is nearer."""

AS_NEAR = 0.85
"""What share of the nearest word's nearness others must have to be meant as well."""

INFLECTED = 0.68
"""How near the forms of a word are to it ("mugs" and "mug"): all that is meant besides a word that the texts have."""

IN_PART = 0.5
"""How near a letter of a script without spaces is to a pair of letters that has it."""


class Meant(NamedTuple):
    """The known words that a word may mean, by number, and how near they are: 1 is the same."""

    known: NDArray[np.intp]
    nearness: NDArray[np.float64]


class Vocabulary:
    """All words of some texts, each with its number; tells which are meant."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._numbers = numbers
        self._pairs = {word: number for word, number in numbers.items() if len(word) == 2 and IN_PAIRS.fullmatch(word)}
        free = [word for word in numbers if _is_spelt_freely(word)]
        self._free = np.array([numbers[word] for word in free], dtype=np.intp)
        self._letters = np.array([len(word) for word in free])
        # A product with one query then only touches the words that have an n-gram of it.
        self._with_n_gram = _n_grams(free).T.tocsr() if free else None

    def same(self, word: str) -> Meant:
        """The word itself, if it is known."""
        known = [self._numbers[word]] if word in self._numbers else []
        return Meant(np.array(known, dtype=np.intp), np.ones(len(known)))

    def near(self, word: str) -> Meant:
        """The word itself and its other forms; where it is not known, those that it may be a misspelling of."""
        if self._with_n_gram is not None and _is_spelt_freely(word):
            return self._near(word)
        same = self.same(word)
        if len(word) > 1 or not IN_PAIRS.fullmatch(word):
            return same
        pairs = [number for pair, number in self._pairs.items() if word in pair]
        return Meant(np.append(same.known, pairs).astype(np.intp), np.append(same.nearness, [IN_PART] * len(pairs)))

    def _near(self, word: str) -> Meant:
        cosines = (_n_grams([word]) @ self._with_n_gram).toarray().ravel()
        cosines[self._free == self._numbers.get(word)] = 1
        cosines[abs(self._letters - len(word)) > 2] = 0
        least = np.interp(np.minimum(self._letters, len(word)), *NEAR)
        least = np.maximum(least, INFLECTED if word in self._numbers else AS_NEAR * cosines.max())
        meant = np.flatnonzero(cosines >= least)
        return Meant(self._free[meant], cosines[meant])


def words(text: str) -> list[str]:
    """The words and numbers of a text, without regard to case, accents and punctuation; "MUG01" is "mug" and "01".

    Scripts without spaces come in pairs of letters, so that a part of a text has words in common with it. A number
    is the same with zeros at its end ("12.5" and "12.50").
    """
    found = WORD.findall(_plain(text))
    return found if text.isascii() and "." not in text else [part for word in found for part in _parts(word)]


def _plain(text: str) -> str:
    text = text.casefold()
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _parts(word: str) -> list[str]:
    if IN_PAIRS.match(word):
        return [word[start : start + 2] for start in range(max(1, len(word) - 1))]
    return [word.rstrip("0").rstrip(".") if "." in word else word]


def _is_spelt_freely(word: str) -> bool:
    return len(word) in SPELT_FREELY and word.isalpha()


def _n_grams(words: list[str]) -> Any:
    """A row for each word: how often it has each run of one to three letters, of length 1."""
    vectorizer = HashingVectorizer(
        analyzer="char_wb", ngram_range=(1, 3), lowercase=False, alternate_sign=False, n_features=2**18
    )
    return vectorizer.transform(words)
