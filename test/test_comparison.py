"""Comparing two answers: how many images they share, and which ones moved, entered and left."""

from __future__ import annotations

from typing import Any

import pytest
from html_page import in_a_terminal

from coactive import ApiTypeError, ApiValueError
from coactive.comparison import Comparison
from coactive.models import SimilaritySearchResponse
from coactive.notebook import gallery


def _ranking(ids: str) -> list[dict[str, Any]]:
    """Images called by one letter each, the first one the best."""
    return [{"coactive_image_id": name, "score": 1 - rank / 100} for rank, name in enumerate(ids)]


def _compared(before: str, after: str, k: int | None = None) -> Comparison:
    return gallery(_ranking(before)).compare(_ranking(after), k)


def _ids(changes: Any) -> str:
    return "".join(change.id for change in changes)


def test_overlap_at_k_is_the_share_of_the_best_k_that_both_have() -> None:
    assert _compared("abcde", "abxyz").overlap == 0.4
    assert _compared("abcde", "abxyz", k=2).overlap == 1.0
    assert _compared("abcde", "edcba", k=2).overlap == 0.0


def test_what_moved_entered_and_left_is_told_with_its_ranks() -> None:
    compared = _compared("abcd", "acxe")
    assert [(it.id, it.before, it.after) for it in compared.moved] == [("c", 3, 2)]
    assert [(it.id, it.before, it.after) for it in compared.entered] == [("x", None, 3), ("e", None, 4)]
    assert [(it.id, it.before, it.after) for it in compared.left] == [("b", 2, None), ("d", 4, None)]
    assert (_ids(compared.kept), _ids(compared.changes)) == ("ac", "acxebd")


def test_an_image_that_falls_below_rank_k_has_left() -> None:
    compared = _compared("abc", "cab", k=2)
    assert (_ids(compared.moved), _ids(compared.entered), _ids(compared.left)) == ("a", "c", "b")


@pytest.mark.parametrize(
    ("before", "after", "k", "overlap"),
    [("ab", "ab", 100, 1.0), ("ab", "abcd", 100, 0.5), ("", "", None, 1.0), ("", "ab", None, 0.0)],
)
def test_k_is_at_most_the_number_of_images_of_the_longer_answer(
    before: str, after: str, k: int | None, overlap: float
) -> None:
    compared = _compared(before, after, k)
    assert (compared.k, compared.overlap) == (max(len(before), len(after)), overlap)


def test_an_image_is_the_same_by_its_id_else_by_its_path() -> None:
    before = [{"coactive_image_id": "1", "path": "a.jpg"}, {"path": "b.jpg"}, {"url": "http://c"}]
    after = [{"coactive_image_id": "1", "path": "moved/a.jpg"}, {"path": "b.jpg", "score": 1}, {"url": "http://c"}]
    assert gallery(before).compare(after).overlap == 1.0


def test_an_image_that_is_there_twice_counts_once_at_its_best_rank() -> None:
    compared = _compared("aab", "ba")
    assert [(it.id, it.before, it.after) for it in compared.moved] == [("b", 2, 1), ("a", 1, 2)]
    assert compared.overlap == 1.0


def _grouped(**groups: str) -> SimilaritySearchResponse:
    data = [{"group": name, "images": _ranking(ids)} for name, ids in groups.items()]
    return SimilaritySearchResponse.from_dict({"data": data})


def test_grouped_answers_are_compared_overall_by_score_and_group_by_group() -> None:
    compared = _grouped(mug="abc", bag="xy").compare(_grouped(bag="yx", lamp="l"))
    assert {name: part.overlap for name, part in compared.groups.items()} == {"bag": 1.0, "lamp": 0.0, "mug": 0.0}
    assert [(it.id, it.before, it.after) for it in compared.groups["bag"].moved] == [("y", 2, 1), ("x", 1, 2)]
    assert (compared.k, compared.overlap, _ids(compared.left)) == (5, 0.4, "abc")


def test_images_without_a_score_come_last_in_the_overall_ranking() -> None:
    groups = [{"group": "a", "images": [{"path": "1"}]}, {"group": "b", "images": [{"path": "2", "score": -1.5}]}]
    compared = gallery(groups).compare(gallery([{"path": "2"}, {"path": "1"}]))
    assert (compared.moved, compared.groups) == ([], {})


@pytest.mark.parametrize("saved", ["as it is", "a gallery", "its JSON", "the list in it"])
def test_an_answer_may_be_compared_with_a_saved_one(saved: str) -> None:
    found = _grouped(mug="abc")
    data = found.to_dict()
    others = {"as it is": found, "a gallery": gallery(found), "its JSON": data, "the list in it": data["data"]}
    compared = found.compare(others[saved])
    assert (compared.moved, compared.groups["mug"].overlap) == ([], 1.0)


@pytest.mark.parametrize(
    ("other", "k", "error", "message"),
    [
        ([], 2.5, ApiTypeError, "k: expected an int or None, got float"),
        ([], True, ApiTypeError, "k: expected an int or None, got bool"),
        ([], 0, ApiValueError, "k: expected 1 or more, got 0"),
        (5, None, ApiTypeError, "other: expected a SimilaritySearchResponse or the JSON of a search, .*, got int"),
    ],
)
def test_an_invalid_argument_is_named(other: Any, k: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        gallery([]).compare(other, k)


def test_as_text_it_is_a_table_by_rank() -> None:
    assert str(_compared("abcd", "acxe")).splitlines() == [
        "overlap at 4: 0.50 (2 of 4 images in both; 1 moved, 2 entered, 2 left)",
        "after  before",
        "    1       1            a",
        "    2       3  up 1      c",
        "    3          entered   x",
        "    4          entered   e",
        "            2  left      b",
        "            4  left      d",
    ]
    assert repr(_compared("abcd", "dabc")) == "<Comparison: overlap 1.00 at 4; 0 entered, 0 left, 4 moved>"
    assert str(_compared("abcd", "dabc")).splitlines()[-1] == "    4       3  down 1    c"


def test_as_text_each_group_has_a_table_of_its_own() -> None:
    assert str(_grouped(mug="ab").compare(_grouped(mug="ba", bag="x"))).splitlines() == [
        "overlap at 3: 0.67 (2 of 3 images in both; 2 moved, 1 entered, 0 left)",
        "mug: overlap at 2: 1.00 (2 of 2 images in both; 2 moved, 0 entered, 0 left)",
        "after  before",
        "    1       2  up 1      b",
        "    2       1  down 1    a",
        "bag: overlap at 1: 0.00 (0 of 1 image in both; 0 moved, 1 entered, 0 left)",
        "after  before",
        "    1          entered   x",
    ]


def test_of_more_than_50_ranks_the_first_ones_are_shown_and_a_line_says_so() -> None:
    images = [{"coactive_image_id": str(number)} for number in range(1200)]
    compared = gallery(images).compare(images)
    line = "50 of 1,200 ranks shown; `changes` has them all"
    assert str(compared).splitlines()[-2:] == ["   50      50            49", line]
    assert f"<div>{line}</div>" in compared._repr_html_()
    assert compared._repr_html_().count('class="coactive-rank"') == 100


def test_of_more_than_50_groups_the_first_ones_are_shown() -> None:
    many = _grouped(**{f"group-{number}": chr(0x4E00 + number) for number in range(60)})
    compared = many.compare(many)
    assert "group-49" in str(compared)
    assert "group-50" not in str(compared) + compared._repr_html_()


def test_a_notebook_shows_both_rankings_side_by_side_and_what_became_of_each_image() -> None:
    html = _compared("ab", "cbd")._repr_html_()
    before, _, after = html.partition('aria-label="After"')
    assert 'aria-label="Before"' in before
    assert '>a</span><span class="coactive-change">left</span>' in before
    assert '>c</span><span class="coactive-change">entered</span>' in after
    assert ">b</span></div>" in after
    assert html.count('class="coactive-change"') == 3


def test_a_notebook_shows_each_group_by_its_name() -> None:
    html = _grouped(mug="ab").compare(_grouped(mug="ba"))._repr_html_()
    assert 'role="heading" aria-level="4">mug<span' in html
    assert html.count("overlap at 2: 1.00") == 2


def test_a_terminal_of_ipython_shows_the_text() -> None:
    compared = _compared("ab", "ba")
    assert in_a_terminal(compared) == str(compared)


def test_a_score_that_is_no_number_ranks_last() -> None:
    groups = [[("a", 0.9), ("n", float("nan")), ("b", 0.5)], [("c", 0.7), ("d", 0.95)]]
    answer = {"data": [{"images": [{"path": path, "score": score} for path, score in group]} for group in groups]}
    compared = gallery(answer).compare(answer)
    assert [change.id for change in compared.kept] == ["d", "a", "c", "b", "n"]
