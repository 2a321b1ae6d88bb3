from __future__ import annotations

import io
import logging
import re
import socket
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3
from PIL import Image

from coactive.local import Service, running
from coactive.local.app import MAX_BYTES

from .conftest import GROUPED, SEARCH, SEMANTIC, TEXT, TOKEN, Caller, png

POSTS = [
    (SEARCH, {}),
    (GROUPED, {"group_by": "sku"}),
    (SEMANTIC, {"group_by": "sku"}),
]
MUG = {"file": ("mug.png", png(Image.new("RGB", (64, 64), "red")), "image/png")}


def uploaded(photo: Path) -> tuple[str, bytes, str]:
    return photo.name, photo.read_bytes(), "image/jpeg"


# What a search answers.


def test_the_image_itself_comes_first_then_others_by_falling_score(caller: Caller, photo: Path) -> None:
    answer = caller.post(SEARCH, {"file": uploaded(photo), "limit": "20"})
    images = answer.json()["data"]
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert images[0]["path"] == "mug/mug-01-1.jpg"
    assert images[0]["score"] == pytest.approx(1, abs=1e-5)
    scores = [image["score"] for image in images]
    assert scores == sorted(scores, reverse=True)
    assert {image["metadata"]["sku"] for image in images[:4]} == {"MUG-01"}


def test_an_answered_image_has_what_the_contract_says(caller: Caller, photo: Path) -> None:
    image = caller.post(SEARCH, {"file": uploaded(photo), "limit": "1"}).json()["data"][0]
    indexed = next(i for i in caller.service.catalog.images if i.file == photo)
    assert set(image) == {"coactive_image_id", "path", "url", "score", "metadata", "created_dt", "updated_dt"}
    assert image["coactive_image_id"] == str(uuid.UUID(image["coactive_image_id"])) == indexed.id
    assert image["url"] == f"{caller.service.host}/images/{image['coactive_image_id']}"
    assert image["metadata"]["caption"] == "a red mug with a handle"
    assert "file" not in image["metadata"]
    assert datetime.fromisoformat(image["created_dt"]) == indexed.changed
    assert image["updated_dt"] == image["created_dt"]


def test_a_url_serves_the_image_as_it_is_without_a_token(caller: Caller, photo: Path) -> None:
    url = caller.post(SEARCH, {"file": uploaded(photo), "limit": "1"}).json()["data"][0]["url"]
    answer = caller.pool.request("GET", url)
    assert answer.status == 200
    assert answer.data == photo.read_bytes()
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert caller.pool.request("HEAD", url).headers["Content-Length"] == str(len(answer.data))


@pytest.mark.parametrize("name", ["none", "..%2Fmetadata.csv", "mug%2Fmug-01-1.jpg", "%00"])
def test_nothing_but_indexed_images_is_served(name: str, caller: Caller) -> None:
    answer = caller.pool.request("GET", f"{caller.service.host}/images/{name}")
    assert (answer.status, list(answer.json())) == (404, ["detail"])


def test_grouped_images_share_their_value_and_groups_follow_their_best_image(caller: Caller, photo: Path) -> None:
    groups = caller.post(GROUPED, {"group_by": "colour", "file": uploaded(photo), "limit": "60"}).json()["data"]
    assert groups[0]["group"] == "red"
    assert len(groups) > 1
    for group in groups:
        assert {image["metadata"]["colour"] for image in group["images"]} == {group["group"]}
    best = [group["images"][0]["score"] for group in groups]
    assert best == sorted(best, reverse=True)


@pytest.mark.parametrize(("path", "fields"), POSTS)
@pytest.mark.parametrize(("given", "expected"), [(None, 100), ("1", 1), ("7", 7), ("1000", 300)])
def test_the_limit_counts_images_over_all_groups(
    path: str, fields: dict[str, Any], given: str | None, expected: int, caller: Caller
) -> None:
    limit = {} if given is None else {"limit": given}
    data = caller.post(path, fields | MUG | limit).json()["data"]
    images = data if path == SEARCH else [image for group in data for image in group["images"]]
    assert len(images) == expected


def test_a_semantic_search_puts_what_answers_the_value_first(caller: Caller, photo: Path) -> None:
    fields = {"group_by": "sku", "file": uploaded(photo), "metadata_key": "colour", "metadata_value": "blue"}
    groups = caller.post(SEMANTIC, fields | {"limit": "60"}).json()["data"]
    assert groups[0]["group"] == "MUG-02"
    colours = [image["metadata"]["colour"] for group in groups for image in group["images"]]
    assert set(colours) == {"blue"}


def test_a_semantic_search_without_a_key_looks_in_every_column(caller: Caller, photo: Path) -> None:
    fields = {"group_by": "product", "file": uploaded(photo), "metadata_value": "velvet", "limit": "25"}
    groups = caller.post(SEMANTIC, fields).json()["data"]
    assert [group["group"] for group in groups] == ["cushion"]


def test_a_semantic_search_without_a_value_is_the_grouped_search(caller: Caller, photo: Path) -> None:
    fields = {"group_by": "sku", "file": uploaded(photo)}
    assert caller.post(SEMANTIC, fields).json() == caller.post(GROUPED, fields).json()


def test_a_text_search_ranks_by_the_words_and_leaves_out_what_has_none(caller: Caller) -> None:
    data = caller.get(TEXT, {"query": "red mug", "group_by": "sku", "limit": "1000"}).json()["data"]
    assert data[0]["group"] == "MUG-01"
    images = [image for group in data for image in group["images"]]
    assert 0 < len(images) < 300
    assert all(image["score"] > 0 for image in images)
    assert all(re.search("red|mug", image["metadata"]["caption"]) for image in images)


def test_a_text_search_without_a_key_is_one_group_and_without_a_hit_none(caller: Caller) -> None:
    (group,) = caller.get(TEXT, {"query": "umbrella", "limit": "3"}).json()["data"]
    assert (group["group"], len(group["images"])) == (None, 3)
    for query in ("xylophone", ""):
        assert caller.get(TEXT, {"query": query}).json() == {"data": []}


def test_metadata_comes_back_with_its_json_types_and_groups_as_text(folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    with running(folder, metadata=rows) as service, urllib3.PoolManager() as pool:
        caller = Caller(service, pool)
        groups = caller.post(GROUPED, MUG | {"group_by": "price"}).json()["data"]
    assert {group["group"]: group["images"][0]["metadata"] for group in groups} == {
        "1.5": {"sku": "A", "price": 1.5, "new": True, "tags": ["x", "ü"], "gone": None},
        "2": {"sku": "B", "price": 2},
        None: None,
    }


def test_a_file_name_that_is_no_utf8_can_be_found(folder: Path) -> None:
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    (folder / "red.png").rename(folder / name)
    with running(folder) as service, urllib3.PoolManager() as pool:
        caller = Caller(service, pool)
        image = caller.post(SEARCH, MUG).json()["data"][0]
        assert image["path"] == name
        assert pool.request("GET", image["url"]).status == 200


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (GROUPED, {"group_by": "shpae"}),
        (SEMANTIC, {"group_by": "shpae"}),
        (SEMANTIC, {"group_by": "colour", "metadata_key": "shpae", "metadata_value": "round"}),
        (TEXT, {"group_by": "shpae", "query": "mug"}),
    ],
)
def test_a_metadata_key_that_no_image_has_is_logged(
    path: str, fields: dict[str, Any], caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    answer = caller.get(path, fields) if path == TEXT else caller.post(path, fields | MUG)
    assert answer.status == 200
    assert caplog.record_tuples == [
        (
            "coactive.local",
            logging.WARNING,
            "no image has the metadata key 'shpae'; there are sku, product, colour, pattern, material, price, caption",
        )
    ]


def test_a_metadata_key_where_there_is_no_metadata_is_logged(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(folder) as service, urllib3.PoolManager() as pool:
        groups = Caller(service, pool).post(GROUPED, MUG | {"group_by": "sku"}).json()["data"]
    assert [group["group"] for group in groups] == [None]
    assert caplog.messages == ["no image has the metadata key 'sku'; the images have no metadata"]


def test_an_empty_cell_is_no_value_so_that_its_group_has_no_name(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("file,sku\nred.png,\ndeep/blue.png,B\n")
    with running(folder, metadata=tmp_path / "rows.csv") as service, urllib3.PoolManager() as pool:
        groups = Caller(service, pool).post(GROUPED, MUG | {"group_by": "sku"}).json()["data"]
    assert {group["group"] for group in groups} == {None, "B"}


# Who may ask.


@pytest.mark.parametrize(("path", "fields"), [*POSTS, (TEXT, {"query": "x"})])
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 403),
        ("", 403),
        ("Bearer", 403),
        ("Bearer  ", 403),
        ("Basic bG9jYWw6c3RhbmQtaW4=", 403),
        ("local:stand-in", 403),
        ("Bearer local:wrong", 401),
        ("Bearer local:stand-in2", 401),
        ("Bearer local", 401),
        ("Bearer \xe9", 401),
        ("bearer local:stand-in", 200),
    ],
)
def test_no_bearer_token_is_forbidden_and_an_unknown_one_unauthorized(
    path: str, fields: dict[str, Any], header: str | None, status: int, caller: Caller
) -> None:
    url = caller.service.host + path.format(caller.service.embedding_id)
    headers = {} if header is None else {"Authorization": header}
    if path == TEXT:
        answer = caller.pool.request("GET", url, fields=fields, headers=headers)
    else:
        answer = caller.pool.request("POST", url, fields=fields | MUG, headers=headers)
    assert answer.status == status
    if status != 200:
        assert list(answer.json()) == ["detail"]
        assert isinstance(answer.json()["detail"], str)
        assert "stand-in" not in answer.json()["detail"]


def test_the_token_is_checked_before_anything_else(caller: Caller) -> None:
    for path in (SEARCH, "/api/v0/no/such/path"):
        assert caller.post(path, {"limit": "x"}, Authorization="Bearer no").status == 401


def raw(service: Service, head: str, body: bytes = b"") -> bytes:
    """What the service sends, byte by byte, until it closes or says no more for now."""
    host, port = service.host.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        return connection.recv(65536)


def test_a_stranger_is_turned_away_before_his_image_is_awaited(demo: Service) -> None:
    path = SEARCH.format(demo.embedding_id)
    answer = raw(demo, f"POST {path} HTTP/1.1\nHost: x\nContent-Length: 1000000\nAuthorization: Bearer no")
    assert answer.startswith(b"HTTP/1.1 401 ")


# What may be asked.


@pytest.mark.parametrize(("path", "fields"), POSTS)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it cannot be read as an image"),
        (b"plain text", "it cannot be read as an image"),
        (png(Image.new("RGB", (64, 64)))[:60], "it is cut short or broken"),
        (b"BM" + bytes(8) + b"\x1a\0\0\0\x0c\0\0\0\x08\0\x08\0\x01\0\x18\0", "what came is BMP"),
    ],
    ids=["empty", "text", "cut", "bmp"],
)
def test_a_file_that_is_no_image_is_a_bad_request_with_the_reason(
    path: str, fields: dict[str, Any], content: bytes, reason: str, caller: Caller
) -> None:
    answer = caller.post(path, fields | {"file": ("a.png", content, "image/png")})
    assert answer.status == 400
    assert answer.json() == {"detail": f"the file must be a JPEG, PNG, GIF or WebP image; {reason}"}


@pytest.mark.parametrize(("path", "fields"), [*POSTS, (TEXT, {"query": "x"})])
def test_an_unknown_embedding_is_not_found(path: str, fields: dict[str, Any], caller: Caller) -> None:
    path = path.format("no-such-embedding")
    answer = caller.get(path, fields) if "query" in fields else caller.post(path, fields | MUG)
    assert answer.status == 404
    assert "no-such-embedding" in answer.json()["detail"]


@pytest.mark.parametrize(("path", "fields"), [*POSTS, (TEXT, {"query": "x"})])
@pytest.mark.parametrize(
    "limit",
    [
        "0",
        "-1",
        "1001",
        "ten",
        "1.5",
        "true",
        "",
        " 5",
        "5\n",
        "1.0",
        "1e2",
        "1_0",
        "+5",
        "\uff15",
        "5\0",
        "null",
        "9" * 5000,
    ],
)
def test_a_limit_out_of_range_is_a_validation_error(
    path: str, fields: dict[str, Any], limit: str, caller: Caller
) -> None:
    asked = fields | {"limit": limit}
    answer = caller.get(path, asked) if "query" in fields else caller.post(path, asked | MUG)
    assert answer.status == 422
    (error,) = answer.json()["detail"]
    assert set(error) == {"loc", "msg", "type"}
    assert error["loc"] == ["query" if "query" in fields else "body", "limit"]


def test_what_is_missing_is_named_where_it_belongs(caller: Caller) -> None:
    def missing(answer: urllib3.BaseHTTPResponse) -> list[tuple[list[str], str]]:
        assert answer.status == 422
        return [(error["loc"], error["type"]) for error in answer.json()["detail"]]

    assert missing(caller.post(SEARCH, {"limit": "1"})) == [(["body", "file"], "missing")]
    assert missing(caller.post(GROUPED, MUG)) == [(["body", "group_by"], "missing")]
    assert missing(caller.get(TEXT, {"group_by": "sku"})) == [(["query", "query"], "missing")]
    key_alone = MUG | {"group_by": "sku", "metadata_key": "colour"}
    assert missing(caller.post(SEMANTIC, key_alone)) == [(["body", "metadata_value"], "missing")]


def test_an_empty_group_by_is_a_key_that_no_image_has(caller: Caller) -> None:
    for answer in (
        caller.post(GROUPED, MUG | {"group_by": ""}),
        caller.post(SEMANTIC, MUG | {"group_by": ""}),
        caller.get(TEXT, {"query": "mug", "group_by": ""}),
    ):
        assert [group["group"] for group in answer.json()["data"]] == [None]


def test_a_blank_metadata_key_is_every_column_and_needs_a_value_too(caller: Caller) -> None:
    fields = MUG | {"group_by": "sku", "limit": "5"}
    blank = fields | {"metadata_key": ""}
    value = {"metadata_value": "velvet"}
    assert caller.post(SEMANTIC, blank | value).json() == caller.post(SEMANTIC, fields | value).json()
    assert caller.post(SEMANTIC, blank).status == 422
    assert caller.post(SEMANTIC, fields | {"metadata_key": "colour", "metadata_value": ""}).status == 200


def errors_of(answer: urllib3.BaseHTTPResponse) -> list[dict[str, Any]]:
    assert answer.status == 422
    errors: list[dict[str, Any]] = answer.json()["detail"]
    return errors


@pytest.mark.parametrize("name", ["group_by", "metadata_key", "metadata_value", "limit", "file"])
def test_a_field_that_is_sent_twice_is_a_validation_error(name: str, caller: Caller) -> None:
    fields = MUG | {"group_by": "sku", "metadata_key": "colour", "metadata_value": "red", "limit": "5"}
    (error,) = errors_of(caller.post(SEMANTIC, [*fields.items(), (name, fields[name])]))
    assert (error["loc"], error["msg"]) == (["body", name], "Field sent 2 times, expected once")


@pytest.mark.parametrize("name", ["query", "group_by", "limit"])
def test_a_parameter_that_is_sent_twice_is_a_validation_error(name: str, caller: Caller) -> None:
    fields = {"query": "mug", "group_by": "sku", "limit": "5"}
    (error,) = errors_of(caller.get(TEXT, [*fields.items(), (name, fields[name])]))
    assert (error["loc"], error["msg"]) == (["query", name], "Field sent 2 times, expected once")


def test_text_in_the_place_of_a_file_and_a_file_in_that_of_text_are_validation_errors(caller: Caller) -> None:
    errors = errors_of(caller.post(GROUPED, {"group_by": MUG["file"], "limit": MUG["file"], "file": "text"}))
    assert {(error["loc"][1], error["msg"]) for error in errors} == {
        ("group_by", "Input should be text"),
        ("limit", "Input should be text"),
        ("file", "Input should be a file"),
    }


@pytest.mark.parametrize("query", ["%00", "%ff%fe", "%ed%a0%80", "%", "%zz", "x" * 50_000])
def test_any_query_at_all_is_searched_for(query: str, caller: Caller) -> None:
    assert caller.get(f"{TEXT}?query={query}", {}).json() == {"data": []}


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
ALLOWED = [*((path, "POST") for path, _ in POSTS), (TEXT, "GET")]


@pytest.mark.parametrize(
    ("path", "allowed", "method"),
    [(path, allowed, method) for path, allowed in ALLOWED for method in METHODS if method != allowed],
)
def test_another_method_is_told_which_is_allowed(path: str, allowed: str, method: str, caller: Caller) -> None:
    url = caller.service.host + path.format(caller.service.embedding_id)
    answer = caller.pool.request(method, url, headers={"Authorization": TOKEN})
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert answer.json() == {"detail": "Method Not Allowed"}


def test_a_slash_too_many_is_not_found_rather_than_sent_elsewhere(caller: Caller) -> None:
    answer = caller.post(f"{SEARCH}/", MUG)
    assert (answer.status, answer.json()) == (404, {"detail": "Not Found"})


def test_parameters_of_a_post_count_in_the_form_alone(caller: Caller) -> None:
    assert len(caller.post(SEARCH + "?limit=1", MUG).json()["data"]) == 100
    assert caller.post(GROUPED + "?group_by=sku", MUG).status == 422


NAMED = b'--x\r\nContent-Disposition: form-data; name="limit"\r\n\r\n'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        (
            "multipart/form-data; boundary=x; charset=undefined",
            b'--x\r\nContent-Disposition: form-data; name="limit"\r\n\r\n1\r\n--x--',
        ),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"),
        ("", b"limit=1"),
        ("multipart/form-data; boundary=x", b"garbage"),
        ("application/json", b'{"limit": 1}'),
        ("text/plain", b"\xff"),
    ],
)
def test_a_body_that_is_no_form_is_refused_in_the_contracts_words(
    content_type: str, body: bytes, caller: Caller
) -> None:
    url = caller.service.host + SEARCH.format(caller.service.embedding_id)
    headers = {"Authorization": TOKEN, "Content-Type": content_type}
    answer = caller.pool.request("POST", url, body=body, headers=headers)
    assert answer.status in (400, 422)
    assert list(answer.json()) == ["detail"]


def too_large(caller: Caller, body: Any, **headers: str) -> urllib3.BaseHTTPResponse:
    url = caller.service.host + SEARCH.format(caller.service.embedding_id)
    headers |= {"Authorization": TOKEN, "Content-Type": "multipart/form-data; boundary=x"}
    return caller.pool.request("POST", url, body=body, headers=headers)


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def test_a_request_that_is_too_large_is_told_so_although_it_sends_all_of_it(caller: Caller) -> None:
    answer = too_large(caller, PART + bytes(MAX_BYTES))
    assert answer.status == 413
    assert answer.json() == {"detail": "the request is larger than 32 MiB"}


def test_a_request_that_does_not_say_its_size_is_measured_as_it_comes(caller: Caller) -> None:
    def chunks() -> Iterator[bytes]:
        yield PART
        for _ in range(MAX_BYTES // 2**20 + 8):
            yield bytes(2**20)

    answer = too_large(caller, chunks())
    assert answer.status == 413
    assert answer.json() == {"detail": "the request is larger than 32 MiB"}


def test_a_request_of_just_the_limit_is_taken(caller: Caller) -> None:
    image = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(image, "PNG")
    end = b"\r\n--x--\r\n"
    padding = bytes(MAX_BYTES - len(PART) - len(image.getvalue()) - len(end))
    assert too_large(caller, PART + image.getvalue() + padding + end).status == 200


# Answers.


@pytest.mark.parametrize("given", ["abc-1.2_3", "x" * 128])
def test_a_request_id_that_is_given_comes_back(given: str, caller: Caller) -> None:
    assert caller.get(TEXT, {"query": "x"}, **{"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "\xe9"])
def test_a_request_id_that_is_not_fit_to_hand_on_is_replaced(given: str, caller: Caller) -> None:
    new = caller.get(TEXT, {"query": "x"}, **{"X-Request-ID": given}).headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", new)


def test_every_answer_has_a_request_id_of_its_own(caller: Caller) -> None:
    answers = [
        caller.post(SEARCH, MUG),
        caller.post(SEARCH, {}),
        caller.post(SEARCH, MUG, Authorization=""),
        caller.post(SEARCH, MUG, Authorization="Bearer no"),
        caller.get("/images/none", {}),
        caller.get("/none", {}),
    ]
    assert [answer.status for answer in answers] == [200, 422, 403, 401, 404, 404]
    assert len({answer.headers["X-Request-ID"] for answer in answers}) == len(answers)


def test_a_client_that_hangs_up_in_the_middle_of_its_upload_disturbs_nobody(
    caller: Caller, capfd: pytest.CaptureFixture[str]
) -> None:
    path = SEARCH.format(caller.service.embedding_id)
    host, port = caller.service.host.removeprefix("http://").split(":")
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\nContent-Length: 9999\r\n"
    for _ in range(5):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head.encode() + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n" + PART)
    assert caller.post(SEARCH, MUG).status == 200
    assert capfd.readouterr().err == ""


def test_a_client_that_speaks_https_is_refused_without_a_word_on_the_console(
    caller: Caller, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    host, port = caller.service.host.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32))
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
