"""Results as tables: one flat record an image, and a data frame of them."""

from __future__ import annotations

import csv
import io
import sys
from typing import Any

import pandas as pd
import pytest

import coactive
from coactive.apis import SimilaritySearchApi
from coactive.local import Service
from coactive.models import SimilaritySearchResponse
from coactive.notebook import gallery

FOUND: dict[str, Any] = {
    "data": [
        {
            "group": "MUG-1",
            "images": [
                {"coactive_image_id": "a", "score": 0.9, "path": "m/a.jpg", "url": "u", "metadata": {"sku": "MUG-1"}},
                {"coactive_image_id": "b", "score": 0.5, "metadata": {"price": 3, "tags": ["x", {"y": 1}]}},
            ],
        },
        {"images": [{"coactive_image_id": "c", "score": 1, "path": None}]},
    ]
}


@pytest.fixture
def found() -> SimilaritySearchResponse:
    return SimilaritySearchResponse.from_dict(FOUND)


def test_a_record_is_flat_and_all_have_the_same_keys(found: SimilaritySearchResponse) -> None:
    keys = ["rank", "group", "id", "score", "path", "url", "metadata.sku", "metadata.price", "metadata.tags"]
    records = found.to_records()
    assert [list(record) for record in records] == [keys, keys, keys]
    assert [tuple(record.values()) for record in records] == [
        (1, "MUG-1", "a", 0.9, "m/a.jpg", "u", "MUG-1", None, None),
        (2, "MUG-1", "b", 0.5, None, None, None, 3, ["x", {"y": 1}]),
        (1, None, "c", 1, None, None, None, None, None),
    ]


def test_records_go_into_a_csv_file_as_they_are(found: SimilaritySearchResponse) -> None:
    file = io.StringIO()
    writer = csv.DictWriter(file, found.to_records()[0])
    writer.writeheader()
    writer.writerows(found.to_records())
    assert file.getvalue().splitlines()[3] == "1,,c,1,,,,,"


def test_plain_json_has_records_too(service: Service) -> None:
    photo = service.catalog.images[0].file
    with coactive.ApiClient(service.configuration) as client:
        answer = SimilaritySearchApi(client).get_similar_images(service.embedding_id, photo, limit=3)
    assert [(it["rank"], it["group"], it["id"], it["metadata.sku"]) for it in gallery(answer).to_records()] == [
        (rank, None, image["coactive_image_id"], image["metadata"]["sku"])
        for rank, image in enumerate(answer["data"], 1)
    ]


def test_a_data_frame_has_a_column_for_each_key_and_numbers_as_numbers(found: SimilaritySearchResponse) -> None:
    frame = found.to_dataframe()
    assert list(frame.columns) == list(found.to_records()[0])
    assert (str(frame["rank"].dtype), str(frame["score"].dtype)) == ("int64", "float64")
    assert frame["score"].tolist() == [0.9, 0.5, 1.0]
    assert frame["metadata.tags"].tolist()[1] == ["x", {"y": 1}]
    assert frame[frame["rank"] == 1]["id"].tolist() == ["a", "c"]


def test_nothing_found_is_no_record_and_an_empty_frame_with_the_columns_that_are_always_there() -> None:
    nothing = gallery({"data": []})
    frame = nothing.to_dataframe()
    assert nothing.to_records() == []
    assert list(frame.columns) == ["rank", "group", "id", "score", "path", "url"]
    assert (len(frame), str(frame["rank"].dtype), str(frame["score"].dtype)) == (0, "int64", "float64")


@pytest.mark.parametrize("score", [None, "high", float("nan")])
def test_a_score_that_is_no_number_is_nan_in_a_frame(score: Any) -> None:
    frame = gallery([{"score": score}, {"score": 0.25}]).to_dataframe()
    assert pd.isna(frame["score"]).tolist() == [True, False]


def test_without_pandas_the_message_says_what_to_install(
    found: SimilaritySearchResponse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match=r"^to_dataframe\(\) needs pandas: pip install pandas$"):
        found.to_dataframe()
