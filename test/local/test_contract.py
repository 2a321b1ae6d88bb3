"""The stand-in keeps to `docs/openapi.json`: serves it, checks requests by it, and answers as it says."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from coactive.local.app import build_api
from coactive.local.http.credentials import Tokens
from coactive.local.indexing import index_folder

from .conftest import Caller

HERE = Path(__file__).parent
CONTRACT = json.loads((HERE.parents[1] / "docs/openapi.json").read_text("utf-8"))
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in CONTRACT["paths"].items()
    for method, operation in methods.items()
}


def test_the_contract_is_served_as_it_is_and_to_strangers_too(caller: Caller) -> None:
    answer = caller.pool.request("GET", f"{caller.service.host}/openapi.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == CONTRACT


# What the endpoints declare.


@pytest.fixture
def declared(folder: Path) -> Iterator[dict[str, Any]]:
    """The document that FastAPI makes of the endpoints, by which it checks requests."""
    with ThreadPoolExecutor() as decoders:
        yield build_api(index_folder(folder), decoders, "x", Tokens("x:y")).openapi()


def test_the_endpoints_declare_the_contracts_operations_with_the_same_parameters(declared: dict[str, Any]) -> None:
    assert requests_of(declared) == requests_of(CONTRACT)


def requests_of(document: dict[str, Any]) -> dict[str, Any]:
    """What each operation takes: by place and name, whether it is required, its type, limits and default."""
    return {
        f"{method} {path}": (operation["operationId"], dict(fields_of(document, operation)))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def fields_of(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    for parameter in (resolved(document, parameter) for parameter in operation.get("parameters", [])):
        place = parameter["in"], parameter["name"]
        yield place, (parameter.get("required", False), kind_of(parameter["schema"]))
    for media_type, content in resolved(document, operation.get("requestBody", {})).get("content", {}).items():
        form = resolved(document, content["schema"])
        for name, schema in form["properties"].items():
            yield (media_type, name), (name in form["required"], kind_of(schema))


def kind_of(schema: dict[str, Any]) -> dict[str, Any]:
    """What a schema demands; null is left out, because None is not sent."""
    kind = {key: schema[key] for key in schema.keys() & {"type", "minimum", "maximum", "default"}}
    # How FastAPI says that a field is a file depends on its version.
    kind["file"] = "contentMediaType" in schema or schema.get("format") == "binary"
    if isinstance(kind["type"], list):
        (kind["type"],) = set(kind["type"]) - {"null"}
    return kind


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for name in node.get("$ref", "#").split("/")[1:]:
        document = document[name]
    return document if "$ref" in node else node


# What is answered.


@pytest.mark.heavy
def test_schemathesis_finds_no_answer_that_the_contract_does_not_allow(
    caller: Caller, tmp_path: Path, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    caplog.set_level(logging.ERROR)  # Thousands of metadata keys that no image has would hide what it found.
    run, answered = schemathesis(caller, tmp_path, "--max-examples=200", "--seed=20240229")
    assert run.returncode == 0, run.stdout
    assert re.search(r"\b4 selected / 4 total\b", run.stdout)
    for operation in OPERATIONS:
        statuses = {status: times for (name, status), times in answered.items() if name == operation}
        request.node.user_properties.append((operation, str(statuses)))
        assert statuses.keys() >= {200, 404, 422} | ({400} if operation.startswith("POST") else set())
        assert statuses[200] >= 50
    assert answered.total() >= len(OPERATIONS) * 200


@pytest.mark.heavy
def test_schemathesis_would_find_a_service_that_does_not_keep_to_the_contract(caller: Caller, tmp_path: Path) -> None:
    """Of an embedding that is not there it is told that there is one."""
    run, _ = schemathesis(caller, tmp_path, "--max-examples=5", "--seed=1", embedding_id="not-there")
    assert run.returncode == 1
    assert run.stdout.count("Schema-valid request rejected") >= len(OPERATIONS)


def schemathesis(
    caller: Caller, tmp_path: Path, *options: str, embedding_id: str | None = None
) -> tuple[subprocess.CompletedProcess[str], Counter[tuple[str, int]]]:
    """How a run of it ended, and how often each operation was answered with each status."""
    answered = tmp_path / "answered.json"
    host = caller.service.host
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "contract.toml"), "run"]
    told = {
        "CONTRACT_HOOKS": str(HERE / "contract_hooks.py"),
        "CONTRACT_TOKEN": str(caller.service.configuration.access_token),
        "CONTRACT_EMBEDDING_ID": embedding_id or caller.service.embedding_id,
        "CONTRACT_ANSWERED": str(answered),
        "NO_PROXY": "*",
    }
    run = subprocess.run(
        [*command, f"{host}/openapi.json", f"--url={host}", "--checks=all", "--no-color", *options],
        cwd=tmp_path,
        env=os.environ | told | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )
    assert answered.is_file(), run.stdout + run.stderr
    return run, Counter({(name, status): times for name, status, times in json.loads(answered.read_text("utf-8"))})
