"""This client's requests are those of a client that OpenAPI Generator 6.0.1 makes from the same contract."""

from pathlib import Path
from typing import Any

import pytest
from wire.call import call
from wire.record import CONTRACT, HERE, RENDERING, read_json, render_openapi_3_0
from wire.recorder import recording, split_form

import coactive

RECORDINGS = sorted(HERE.glob("recordings/*.json"))
DIFFERENCES = sorted(HERE.glob("differences/*.json"))
REFUSED = [path for path in DIFFERENCES if "ours_raises" in read_json(path)]
SENT_OTHERWISE = [path for path in DIFFERENCES if path not in REFUSED]


def stem(path: Path) -> str:
    return path.stem


def sent(recorded: dict[str, Any]) -> dict[str, Any]:
    with recording() as recorder:
        call(recorder.host, recorded["operation"], recorded["arguments"])
    (request,) = recorder.requests
    return request


def ours(difference: dict[str, Any]) -> Any:
    """The request that a difference says is ours: another recording's or its own, with some strings replaced."""
    request = difference.get("request")
    if "same_as" in difference:
        request = read_json(HERE / "recordings" / f"{difference['same_as']}.json")["request"]
    return replaced(request, difference.get("in_ours", {}))


def replaced(node: Any, strings: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: replaced(value, strings) for key, value in node.items()}
    if isinstance(node, list):
        return [replaced(item, strings) for item in node]
    return strings.get(node, node)


@pytest.mark.parametrize("path", RECORDINGS, ids=stem)
def test_the_same_call_sends_what_a_generated_client_sends(path: Path) -> None:
    recorded = read_json(path)
    assert "error" not in recorded
    assert sent(recorded) == recorded["request"]


@pytest.mark.parametrize("path", SENT_OTHERWISE, ids=stem)
def test_a_call_departs_from_a_generated_client_only_as_noted(path: Path) -> None:
    difference = read_json(path)
    assert sent(difference) == ours(difference)
    assert difference.get("request") != ours(difference)


@pytest.mark.parametrize("path", REFUSED, ids=stem)
def test_a_call_that_a_generated_client_sends_wrongly_is_refused_as_noted(path: Path) -> None:
    difference = read_json(path)
    refusal = getattr(coactive, difference["ours_raises"])
    with recording() as recorder, pytest.raises(refusal):
        call(recorder.host, difference["operation"], difference["arguments"])
    assert not recorder.requests
    assert difference["request"]


@pytest.mark.parametrize("kind", ["required", "every_optional"])
def test_every_operation_of_the_contract_is_recorded(kind: str) -> None:
    operations = [operation for path in read_json(CONTRACT)["paths"].values() for operation in path.values()]
    recorded = {stem(path) for path in RECORDINGS}
    assert {f"{operation['operationId']}-{kind}" for operation in operations} <= recorded


def test_the_recordings_were_made_from_the_contract_as_it_stands() -> None:
    assert render_openapi_3_0(read_json(CONTRACT)) == read_json(RENDERING), "run wire.record again"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"--b\r\n\r\nx\r\n--b--", id="no last line end"),
        pytest.param(b"\r\n--b\r\n\r\nx\r\n--b--\r\n", id="text before the first part"),
        pytest.param(b"--b\r\n\r\nx\r\n--b--\r\n\r\n", id="text after the last part"),
        pytest.param(b"--b\r\n\r\nx\r\n--c--\r\n", id="another boundary"),
    ],
)
def test_a_form_that_is_not_just_parts_and_boundaries_cannot_pass(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a form"):
        split_form(body, b"b")
