from __future__ import annotations

import numpy as np
import pytest

from coactive.local.text import TextIndex

TEXTS = ["a red mug with a handle", "a blue mug", "a red lamp", "Café-Tasse, GRÜN", "", "colour MUG_07"]


def ranked(query: str) -> list[int]:
    scores = TextIndex(TEXTS).scores(query)
    return [int(n) for n in np.argsort(-scores, kind="stable") if scores[n] > 0]


def test_texts_with_more_of_the_query_come_first() -> None:
    assert ranked("red mug")[:1] == [0]
    assert set(ranked("red mug")) == {0, 1, 2, 5}


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    scores = TextIndex(["mug mug", "mug jug", "mug red", "mug hat"]).scores("red mug")
    assert scores.argmax() == 2


@pytest.mark.parametrize(("query", "number"), [("cafe", 3), ("CAFÉ", 3), ("grün", 3), ("grun", 3), ("mug-07", 5)])
def test_case_accents_and_punctuation_do_not_matter(query: str, number: int) -> None:
    assert ranked(query)[0] == number


@pytest.mark.parametrize(("query", "number"), [("lamps", 2), ("color", 5), ("handles", 0)])
def test_a_word_that_is_nearly_the_same_is_found(query: str, number: int) -> None:
    assert ranked(query)[0] == number


@pytest.mark.parametrize("query", ["", " ", "!?", "zebra", "x"])
def test_a_query_without_a_word_in_common_finds_nothing(query: str) -> None:
    assert ranked(query) == []


def test_the_same_text_scores_one_and_no_text_more() -> None:
    scores = TextIndex(TEXTS).scores("a red lamp")
    assert scores[2] == pytest.approx(1, abs=1e-6)
    assert scores.max() <= 1 + 1e-6
    assert scores.min() >= 0


def test_one_text_alone_can_be_found() -> None:
    assert TextIndex(["cat"]).scores("cat")[0] == pytest.approx(1)


def test_no_texts_at_all_give_no_scores() -> None:
    assert TextIndex([]).scores("cat").shape == (0,)
