from __future__ import annotations

import os
import random
import string
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from coactive.local.text import TextIndex

TEXTS = ["a red mug with a handle", "a blue mug", "a red lamp", "Café-Tasse, GRÜN", "", "colour MUG_07", "Weiße Straße"]

WORDS = [
    "mug",
    "box",
    "jar",
    "lamp",
    "shoe",
    "vase",
    "plate",
    "chair",
    "shirt",
    "bottle",
    "carpet",
    "cushion",
    "umbrella",
]


def captioned(*captions: str | None) -> TextIndex:
    return TextIndex({"caption": captions}, [""] * len(captions))


def order(scores: np.typing.NDArray[np.float32]) -> list[int]:
    return [int(n) for n in np.argsort(-scores, kind="stable") if scores[n] > 0]


def ranked(query: str, texts: Sequence[str] = TEXTS) -> list[int]:
    return order(captioned(*texts).scores(query))


def misspelt(word: str) -> dict[str, set[str]]:
    """The word with one letter wrong, in each way that there is, for some letters of the alphabet."""
    chance = random.Random(word)
    letters = chance.sample(string.ascii_lowercase, 5)
    cuts = [(word[:n], word[n:]) for n in range(len(word) + 1)]
    return {
        "inserted": {before + letter + after for before, after in cuts for letter in letters},
        "deleted": {before + after[1:] for before, after in cuts if after and len(word) > 3},
        "replaced": {before + letter + after[1:] for before, after in cuts if after for letter in letters},
        "swapped": {before + after[1] + after[0] + after[2:] for before, after in cuts if len(after) > 1},
    }


def test_texts_with_more_of_the_query_come_first() -> None:
    assert ranked("red mug")[:1] == [0]
    assert set(ranked("red mug")) == {0, 1, 2, 5}


def test_the_order_of_words_does_not_matter() -> None:
    assert captioned(*TEXTS).scores("lamp red").tolist() == captioned(*TEXTS).scores("red lamp").tolist()


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    assert ranked("red mug", ["mug mug", "mug jug", "mug red", "mug hat"])[0] == 2
    assert ranked("red mug", ["mug x", "mug y", "mug z", "red z"])[0] == 3


def test_little_words_do_not_outweigh_others_even_in_few_texts() -> None:
    assert ranked("a mug with a lid", ["blue mug", "a lamp with a shade"]) == [0, 1]
    assert ranked("with", ["blue mug", "a lamp with a shade"]) == [1]


@pytest.mark.parametrize(
    ("query", "number"),
    [("cafe", 3), ("CAFÉ", 3), ("grün", 3), ("grun", 3), ("mug-07", 5), ("strasse", 6), ("WEISSE STRASSE!", 6)],
)
def test_case_accents_and_punctuation_do_not_matter(query: str, number: int) -> None:
    assert ranked(query)[0] == number


@pytest.mark.parametrize(("query", "number"), [("lamps", 2), ("color", 5), ("handles", 0)])
def test_a_word_that_is_nearly_the_same_is_found(query: str, number: int) -> None:
    assert ranked(query)[0] == number


@pytest.mark.parametrize(
    ("singular", "plural"),
    [
        ("mug", "mugs"),
        ("box", "boxes"),
        ("dish", "dishes"),
        ("berry", "berries"),
        ("shelf", "shelves"),
        ("glass", "glasses"),
    ],
)
def test_a_plural_finds_the_singular_and_the_other_way_round(singular: str, plural: str) -> None:
    assert ranked(plural, ["blue lamp", f"red {singular}"]) == [1]
    assert ranked(singular, ["blue lamp", f"red {plural}"]) == [1]
    assert set(ranked(f"{singular}", [f"red {plural}", f"red {singular}", "lamp"])) == {0, 1}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("mistake", ["inserted", "deleted", "replaced", "swapped"])
def test_a_word_with_one_wrong_letter_finds_its_text_first(word: str, mistake: str) -> None:
    index = captioned(*WORDS)
    typos = misspelt(word)[mistake] - set(WORDS)
    missed = {typo for typo in typos if order(index.scores(typo))[:1] != [WORDS.index(word)]}
    assert not missed


def test_the_word_itself_comes_before_what_is_nearly_the_same() -> None:
    assert ranked("mug", ["red mugs", "red mug"]) == [1, 0]
    assert ranked("mugs", ["red mug", "red mugs"]) == [1, 0]


def test_words_of_one_or_two_letters_are_found_as_they_are() -> None:
    assert ranked("xl", ["size xs", "size l", "size xl"]) == [2]
    assert ranked("b", ["a", "b", "c", "ab"]) == [1]


@pytest.mark.parametrize("query", ["MUG-01", "mug_01", "mug 01", "MUG01", "Mug.01"])
def test_an_item_number_is_found_however_it_is_separated(query: str) -> None:
    index = TextIndex({"sku": ["MUG-02", "LAMP-01", "MUG-01", "MUG-10"]}, ["1", "2", "3", "4"])
    assert order(index.scores(query))[0] == 2
    assert index.field_scores(query, "sku")[2] == pytest.approx(1)


def test_numbers_are_found_whole_and_nothing_near_them() -> None:
    prices = ["1.50", "15", "1.05", "5", "1", "150", "21.5"]
    assert [ranked(price, prices) for price in ("1.5", "1.50", "5", "15.0", "1.06")] == [[0], [0], [3], [1], []]
    assert ranked("100", ["10", "100.0", "1"]) == [1]
    assert ranked("1,299.00", ["1299", "1,299"]) == [1]


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("マグカップ", 0),
        ("赤い", 0),
        ("赤", 0),
        ("杯子", 1),
        ("蓝色", 1),
        ("ランプ", 2),
        ("แก้ว", 3),
        ("मग", 4),
        ("머그컵", 5),
    ],
)
def test_a_part_of_a_text_without_spaces_is_found(query: str, number: int) -> None:
    texts = ["赤いマグカップ", "蓝色的杯子", "木のランプ", "ถ้วยแก้วสีแดง", "लाल मग", "빨간 머그컵"]
    assert ranked(query, texts)[0] == number


def test_words_may_be_in_different_fields_and_in_the_name() -> None:
    fields = {
        "colour": ["blue", "blue", "red", None],
        "pattern": ["striped", "plain", "striped", None],
        "product": ["mug", "mug", "mug", None],
    }
    index = TextIndex(fields, ["a/1", "a/2", "a/3", "b/blue-4"])
    assert order(index.scores("blue striped mug"))[0] == 0
    assert set(order(index.scores("blue"))) == {0, 1, 3}
    assert order(index.scores("b")) == [3]


def test_the_caption_counts_most() -> None:
    index = TextIndex({"note": ["blue", "red"], "caption": ["red", "blue"]}, ["", ""])
    assert order(index.scores("red")) == [0, 1]
    assert order(index.scores("blue")) == [1, 0]


def test_a_field_is_searched_alone_and_without_one_the_best_counts() -> None:
    index = TextIndex({"colour": ["red", "blue", None], "note": ["sky blue", None, None]}, ["blue"] * 3)
    assert index.field_scores("blue", "colour").tolist() == [0, 1, 0]
    assert index.field_scores("blue", "no such field").tolist() == [0, 0, 0]
    note, colour, nothing = index.field_scores("blue").tolist()
    assert 1 == colour > note > nothing == 0


@pytest.mark.parametrize("query", ["", " ", "!?", "zebra", "x", "\0", "\ud800", "🎉"])
def test_a_query_without_a_word_in_common_finds_nothing(query: str) -> None:
    assert ranked(query) == []


def test_the_same_text_scores_one_and_no_text_more() -> None:
    scores = captioned(*TEXTS).field_scores("a red lamp")
    assert scores[2] == pytest.approx(1, abs=1e-6)
    for query in ("a red lamp", "mug mugs", "mugs mugg muug", " ".join(TEXTS)):
        assert captioned("mug", *TEXTS).field_scores(query).max() <= 1
        assert captioned("mug", *TEXTS).scores(query).min() >= 0


def test_one_text_alone_can_be_found() -> None:
    assert captioned("cat").scores("cat")[0] == pytest.approx(1)


@pytest.mark.parametrize("texts", [[], [None], ["", None], ["!?", "..."]])
def test_nothing_is_found_where_nothing_is_said(texts: list[str | None]) -> None:
    index = captioned(*texts)
    for scores in (index.scores("a cat"), index.field_scores("cat"), TextIndex({}, [""] * len(texts)).scores("cat")):
        assert scores.tolist() == [0] * len(texts)
        assert scores.dtype == np.float32


@pytest.mark.parametrize(
    "query",
    [
        "a" * 2**25,
        "lamp " * 2**22,
        " ".join(f"word{n}" for n in range(10_000)),
        " ".join(map(chr, range(0x4E00, 0x9FFF))),
        "1." * 2**20,
        "1." + "0" * 2**20 + "1",
        "a" + "\u0301" * 2**20,
    ],
    ids=["a long word", "a word again and again", "many words", "many letters", "points", "zeros", "accents"],
)
def test_a_huge_query_is_answered(query: str) -> None:
    index = captioned(*TEXTS)
    assert index.scores(query).shape == index.field_scores(query).shape == (len(TEXTS),)


def test_a_huge_text_is_found() -> None:
    assert ranked("lamp", ["x" * 2**20, "mug " * 2**16 + "lamp"]) == [1]


def test_threads_get_the_scores_that_one_gets() -> None:
    index = captioned(*TEXTS)
    queries = ["red mug", "lamps", "cafe", "colour 7"] * 10
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda query: index.scores(query).tolist(), queries))
    assert found == [captioned(*TEXTS).scores(query).tolist() for query in queries]


@pytest.mark.heavy
def test_the_scores_do_not_depend_on_the_process() -> None:
    program = f"""
from coactive.local.text import TextIndex
print(TextIndex({{"caption": {TEXTS}}}, [""] * {len(TEXTS)}).scores("a rde mugs with grun handles").tolist())
"""
    printed = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1] != ""
