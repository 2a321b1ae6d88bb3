"""Models: what came is readable, what cannot be is an error that names the place."""

from __future__ import annotations

import copy
import json
import pickle
import pydoc
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from coactive import ApiAttributeError, ApiKeyError, ApiTypeError
from coactive.models import (
    ErrorResponse,
    HTTPValidationError,
    SimilarImage,
    SimilarImageGroup,
    SimilaritySearchResponse,
    ValidationError,
)

ANSWER: dict[str, Any] = {
    "data": [
        {
            "group": "MUG-1",
            "images": [
                {
                    "coactive_image_id": "i1",
                    "path": None,
                    "score": 1,
                    "metadata": {"sku": "MUG-1", "sizes": [1, {"a": None}]},
                    "created_dt": "2026-01-02T03:04:05.250+00:00",
                    "brand": {"name": "new in this version"},
                    "get": "named like a method",
                    "to_dict": None,
                    "_hidden": 1,
                    "__class__": "x",
                    "": "empty",
                }
            ],
            "size": 1,
        },
        {"images": []},
    ],
    "next": None,
}


@pytest.fixture
def answer() -> SimilaritySearchResponse:
    return SimilaritySearchResponse.from_dict(ANSWER)


@pytest.fixture
def image(answer: SimilaritySearchResponse) -> SimilarImage:
    return answer.data[0].images[0]


def test_a_time_is_converted_when_it_is_first_read_and_is_the_same_in_every_way_to_read_it() -> None:
    image = SimilarImage.from_dict({"created_dt": "2026-01-02T03:04:05Z"})
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert image.__dict__["created_dt"] == "2026-01-02T03:04:05Z"
    assert image == SimilarImage(created_dt=moment)
    assert image["created_dt"] == image.get("created_dt") == image.created_dt == image.__dict__["created_dt"] == moment
    image.created_dt = None
    assert image.created_dt is None
    del image.created_dt
    assert "created_dt" not in image
    assert SimilarImage.created_dt is None


def test_fields_of_the_schema_are_typed_and_absent_ones_are_none(
    answer: SimilaritySearchResponse, image: SimilarImage
) -> None:
    assert isinstance(answer.data[0], SimilarImageGroup)
    assert (answer.data[0].group, answer.data[1].group, answer.data[1].images) == ("MUG-1", None, [])
    assert (image.coactive_image_id, image.path, image.url, image.score) == ("i1", None, None, 1)
    assert image.created_dt == datetime(2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC)


def test_fields_beyond_the_schema_stay_readable(answer: SimilaritySearchResponse, image: SimilarImage) -> None:
    assert image.brand == image["brand"] == image.get("brand") == {"name": "new in this version"}  # type: ignore[attr-defined]
    assert answer["next"] is None
    assert image[""] == "empty"


def test_a_field_named_like_a_method_is_reached_by_brackets_and_hides_nothing(image: SimilarImage) -> None:
    assert image["get"] == image.get("get") == "named like a method"
    assert (image["to_dict"], image["_hidden"], image["__class__"]) == (None, 1, "x")
    assert {"get", "to_dict", "_hidden", "__class__"} <= image.to_dict().keys()
    assert type(image) is SimilarImage


def test_a_field_named_like_what_copying_calls_hides_nothing_either() -> None:
    fields: dict[str, Any] = {"__reduce__": 1, "__reduce_ex__": 2, "__getstate__": 3}
    image = SimilarImage.from_dict(fields)
    assert copy.copy(image) == copy.deepcopy(image) == pickle.loads(pickle.dumps(image)) == SimilarImage(**fields)


def test_a_field_named_like_a_method_can_be_set_and_deleted_as_any_other() -> None:
    image = SimilarImage()
    image.get = "a field"  # type: ignore[method-assign, assignment]
    assert (image["get"], image.to_dict()) == ("a field", {"get": "a field"})
    del image.get
    with pytest.raises(ApiAttributeError, match="'get'"):
        del image.get
    assert image.get("get") is None


def test_help_shows_the_methods_of_a_model_as_methods() -> None:
    shown = pydoc.plain(pydoc.render_doc(SimilarImage))
    assert "to_dict(self) -> 'dict[str, Any]'\n" in shown
    assert "from_dict(data: 'Mapping[str, Any]') -> 'Self'" in shown


def test_in_hasattr_and_get_say_the_truth(image: SimilarImage) -> None:
    assert "score" in image
    assert "path" in image
    assert "url" not in image
    assert "nonsense" not in image
    assert "keys" not in image
    assert hasattr(image, "url")
    assert not hasattr(image, "nonsense")
    assert (image.get("url", "fallback"), image.get("path", "fallback"), image.get("nonsense")) == (
        "fallback",
        None,
        None,
    )
    assert image["url"] is None


def test_a_typo_is_an_attribute_error_or_a_key_error_that_names_it(image: SimilarImage) -> None:
    with pytest.raises(ApiAttributeError, match=r"^SimilarImage has no field 'scor'; did you mean 'score'\?$"):
        _ = image.scor  # type: ignore[attr-defined]
    with pytest.raises(ApiKeyError, match=r"^SimilarImage has no field 'scor'; did you mean 'score'\?$"):
        image["scor"]
    with pytest.raises(KeyError):
        image["keys"]


def test_a_model_can_be_changed(image: SimilarImage) -> None:
    image.score = 0.5
    image["note"] = "mine"
    image["get"] = "changed"
    assert (image["score"], image.note, image["get"]) == (0.5, "mine", "changed")  # type: ignore[attr-defined]
    fresh = SimilarImage()
    fresh["copy"] = fresh["get"] = 1
    assert fresh.to_dict() == {"copy": 1, "get": 1}


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_models_survive_copying_and_pickling(answer: SimilaritySearchResponse, clone: Any) -> None:
    assert clone(answer) == answer
    assert clone(answer).to_dict() == answer.to_dict()


def test_the_json_that_came_comes_back(answer: SimilaritySearchResponse) -> None:
    assert json.loads(json.dumps(answer.to_dict())) == ANSWER | {
        "data": [
            {
                **ANSWER["data"][0],
                "images": [{**ANSWER["data"][0]["images"][0], "created_dt": "2026-01-02T03:04:05.250000+00:00"}],
            },
            ANSWER["data"][1],
        ]
    }


def test_reading_leaves_the_callers_dict_as_it_is() -> None:
    before = copy.deepcopy(ANSWER)
    read = SimilaritySearchResponse.from_dict(ANSWER)
    read.data[0].images[0].metadata["sku"] = "changed"  # type: ignore[index]
    assert before == ANSWER


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05+05:30", datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5.5)))),
        ("2026-01-02T03:04:05.1234567Z", datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02T24:00:00", datetime(2026, 1, 3)),
        ("2026-01-02", "2026-01-02"),
        ("2026-W05", "2026-W05"),
        ("2026-01-02 03", datetime(2026, 1, 2, 3)),
        ("yesterday", "yesterday"),
        ("the day before yesterday", "the day before yesterday"),
        ("", ""),
        (1767323045, 1767323045),
    ],
)
def test_times_are_read_as_sent_and_anything_else_is_handed_on(text: Any, moment: Any) -> None:
    assert SimilarImage.from_dict({"created_dt": text}).created_dt == moment


@pytest.mark.parametrize("score", [1, 0.5, "0.5", True])
def test_a_scalar_of_another_type_is_handed_on_as_it_came(score: Any) -> None:
    assert SimilarImage.from_dict({"score": score}).score is score


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "the field 'data' is missing"),
        ([], "expected an object, got a list"),
        (None, "expected an object, got null"),
        ({"data": None}, "expected a list, got null at ['data']"),
        ({"data": {}}, "expected a list, got an object at ['data']"),
        ({"data": [{"images": []}, 7]}, "expected an object, got a number at ['data'][1]"),
        ({"data": [{"images": [{}, {}, "x"]}]}, "expected an object, got a string at ['data'][0]['images'][2]"),
        ({"data": [{"group": "a"}]}, "the field 'images' is missing at ['data'][0]"),
        (
            {"data": [{"images": [{"metadata": []}]}]},
            "expected an object, got a list at ['data'][0]['images'][0]['metadata']",
        ),
        ({"data": True}, "expected a list, got a boolean at ['data']"),
    ],
)
def test_a_structure_that_cannot_be_is_an_error_that_names_the_place(value: Any, message: str) -> None:
    with pytest.raises(ApiTypeError) as caught:
        SimilaritySearchResponse.from_dict(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("model", "value", "message"),
    [
        (ErrorResponse, {}, "the field 'detail' is missing"),
        (ValidationError, {"loc": [], "type": "x"}, "the field 'msg' is missing"),
        (HTTPValidationError, {"detail": [{"loc": []}]}, "the field 'msg' is missing at ['detail'][0]"),
    ],
)
def test_a_required_field_that_is_no_list_must_be_there_too(model: Any, value: Any, message: str) -> None:
    with pytest.raises(ApiTypeError) as caught:
        model.from_dict(value)
    assert str(caught.value) == message


def test_models_are_made_by_hand_in_order_or_by_name() -> None:
    assert ErrorResponse("why") == ErrorResponse(detail="why") == ErrorResponse.from_dict({"detail": "why"})
    problem = ValidationError(["body", "limit"], "too large", type="range", ctx={"le": 1000})  # type: ignore[call-arg]
    assert HTTPValidationError([problem]).to_dict() == {
        "detail": [{"loc": ["body", "limit"], "msg": "too large", "type": "range", "ctx": {"le": 1000}}]
    }
    assert ErrorResponse("a") != ErrorResponse("b")
    assert ErrorResponse("a") != "a"
    assert repr(SimilarImage(score=0.5)) == "SimilarImage(score=0.5)"


@pytest.mark.parametrize(
    ("args", "fields", "message"),
    [
        ((), {}, "ValidationError: missing loc, msg, type"),
        ((["a"], "b", "c", "d"), {}, "ValidationError: takes 3 fields, 4 given"),
        ((["a"], "b", "c"), {"msg": "x"}, "ValidationError: msg given twice"),
    ],
)
def test_a_model_made_by_hand_wants_its_required_fields_once(
    args: tuple[Any, ...], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ApiTypeError) as caught:
        ValidationError(*args, **fields)
    assert str(caught.value) == message


def test_models_match_by_position() -> None:
    match ErrorResponse("why"):
        case ErrorResponse(detail):
            assert detail == "why"


def test_a_model_is_not_iterated_by_accident(answer: SimilaritySearchResponse) -> None:
    with pytest.raises(TypeError, match="not iterable"):
        list(answer)  # type: ignore[call-overload]


def test_a_model_is_shown_over_several_lines_by_to_str() -> None:
    image = SimilarImage(path="a" * 60, url="b" * 60, score=0.5)
    assert image.to_str() == f"{{'path': '{'a' * 60}',\n 'score': 0.5,\n 'url': '{'b' * 60}'}}"


def test_a_field_named_self_is_one_like_any_other() -> None:
    fields: dict[str, Any] = {"self": 1}
    made = SimilarImage(**fields)
    assert made["self"] == 1


def test_models_are_not_hashable() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(ErrorResponse("why"))
