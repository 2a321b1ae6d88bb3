"""The documentation does what it says: its programs run, its links lead somewhere, its tables agree with the code."""

from __future__ import annotations

import csv
import inspect
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pages import ROOT, Block, anchors, blocks, links, names_of, photo_of, programs, section, table

import coactive
import coactive.models
from coactive.apis import SimilaritySearchApi
from coactive.exceptions import exception_for
from coactive.local import Service
from coactive.model.base import Model
from coactive.operation import Operation

README = ROOT / "README.md"
GUIDES = ROOT / "docs/guides"
API_PAGE = ROOT / "docs/SimilaritySearchApi.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
LINKING = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]

MODELS = [getattr(coactive.models, name) for name in coactive.models.__all__]
OPERATIONS = [name for name, member in vars(SimilaritySearchApi).items() if isinstance(member, Operation)]
CONTRACT = json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))
ENDPOINTS = {
    endpoint["operationId"]: (method.upper(), path, endpoint)
    for path, methods in CONTRACT["paths"].items()
    for method, endpoint in methods.items()
}


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _at(program: list[Block]) -> str:
    return f"{_name(program[0].page)}:{program[0].line}"


@pytest.fixture
def _folder(tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What CONTRIBUTING.md says the programs find: files in the working folder, settings in the environment."""
    shutil.copy(photo_of(service), tmp_path / "photo.jpg")
    (tmp_path / "photos").mkdir()
    some = [image for image in service.catalog.images if image.path.startswith("mug/")][::2][:12]
    rows = [{"file": Path(image.path).name, **(image.metadata or {})} for image in some]
    for image in some:
        shutil.copy(image.file, tmp_path / "photos")
    with (tmp_path / "photos.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.chdir(tmp_path)
    names = names_of(service)
    monkeypatch.setenv("COACTIVE_HOST", service.configuration.host)
    monkeypatch.setenv("COACTIVE_CLIENT_ID", names["CLIENT_ID"])
    monkeypatch.setenv("COACTIVE_CLIENT_SECRET", names["CLIENT_SECRET"])


@pytest.mark.usefixtures("_folder")
@pytest.mark.parametrize("program", [program for page in PAGES for program in programs(page)], ids=_at)
def test_each_program_runs_and_prints_what_its_page_says(service: Service, program: list[Block]) -> None:
    names = {"__name__": "__main__", **names_of(service)}
    for block in program:
        block.run(names)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_block_of_python_is_written_so_that_it_is_not_run(page: Path) -> None:
    assert len(blocks(page)) == len(re.findall(r"```\s*py", page.read_text("utf-8"), re.IGNORECASE))


@pytest.mark.parametrize("page", LINKING, ids=_name)
def test_relative_links_lead_to_a_file_and_to_a_heading_of_it(page: Path) -> None:
    for address in links(page):
        path, _, anchor = address.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), address
        assert target.is_file(), address
        assert not anchor or anchor in anchors(target), address


def test_every_page_can_be_reached_from_the_readme() -> None:
    assert {(ROOT / link.partition("#")[0]).resolve() for link in links(README)} >= set(PAGES) - {README}


def test_readme_has_at_most_100_lines() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 100


@pytest.mark.parametrize(
    "command",
    [
        "python3 -m venv .venv && .venv/bin/pip install '.[local]' && .venv/bin/python -m coactive.local demo",
        "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox",
    ],
)
def test_readme_has_the_command_that_does_all_set_up(command: str) -> None:
    assert f"```sh\n{command}\n```" in README.read_text("utf-8")


def test_each_shell_command_of_the_readme_stands_on_one_line() -> None:
    for commands in re.findall(r"```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL):
        assert commands.count("\n") == 1


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_models_page_has_exactly_its_fields(model: type[Model]) -> None:
    rows = table(section(ROOT / f"docs/{model.__name__}.md", "## Properties"))
    assert [name for name, *_ in rows] == list(model._fields)
    for name, kind, description, notes in rows:
        assert kind == _in_words(model.__annotations__[name])
        assert description
        assert notes.startswith("[optional]") is (name not in model._required)


def test_there_is_a_page_for_each_model_and_each_api() -> None:
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages - {"performance"} == {*coactive.models.__all__, "SimilaritySearchApi"}
    assert set(CONTRACT["components"]["schemas"]) == set(coactive.models.__all__)


def test_the_api_page_lists_every_operation_with_its_request() -> None:
    listed = [[name, request, summary] for name, request, summary in table(API_PAGE.read_text("utf-8"))]
    assert listed == [[name, f"{method} `{path}`", it["summary"]] for name, (method, path, it) in ENDPOINTS.items()]
    assert [name for name, *_ in listed] == OPERATIONS


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_api_page_has_exactly_an_operations_signature(name: str) -> None:
    parameters = inspect.signature(getattr(SimilaritySearchApi(coactive.ApiClient()), name)).parameters
    own = {argument: it for argument, it in parameters.items() if argument != "options"}
    rows = table(section(API_PAGE, f"# **{name}**").partition("### Parameters")[2])
    assert [argument for argument, *_ in rows] == list(own)
    for argument, kind, description, notes in rows:
        assert kind == _in_words(own[argument].annotation)
        assert description
        assert notes.startswith("[optional]") is (own[argument].default is not inspect.Parameter.empty)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_api_page_heads_an_operation_with_its_required_arguments_and_what_it_returns(name: str) -> None:
    signature = inspect.signature(getattr(SimilaritySearchApi(coactive.ApiClient()), name))
    required = [it.name for it in signature.parameters.values() if it.kind is it.POSITIONAL_OR_KEYWORD]
    told = section(API_PAGE, f"# **{name}**")
    assert f"\n> {signature.return_annotation} {name}({', '.join(required)})\n" in f"\n{told}"


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_api_page_has_exactly_the_contracts_statuses_and_what_each_ends_in(name: str) -> None:
    rows = table(section(API_PAGE, f"# **{name}**").partition("### HTTP response details")[2])
    responses = {status: _resolved(response) for status, response in ENDPOINTS[name][2]["responses"].items()}
    assert [[status, words] for status, words, _ in rows] == [
        [status, response["description"]] for status, response in sorted(responses.items())
    ]
    for status, _, outcome in rows:
        schema = responses[status]["content"]["application/json"]["schema"].get("$ref", "Any").rpartition("/")[2]
        ends = "returns" if status == "200" else f"raises {exception_for(int(status)).__name__}, its data an"
        assert outcome == f"{ends} {schema}"


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_api_page_names_the_media_type_that_is_sent(name: str) -> None:
    sent = "/".join(ENDPOINTS[name][2].get("requestBody", {}).get("content", ["Not defined"]))
    assert f"**Content-Type**: {sent}\n" in section(API_PAGE, f"# **{name}**")


def test_the_table_of_settings_is_the_signature_of_configuration() -> None:
    rows = table(section(GUIDES / "configuration.md", "## All settings"))
    settings = inspect.signature(coactive.Configuration).parameters.values()
    assert [[name, default.strip("`")] for name, default, _ in rows] == [[it.name, str(it.default)] for it in settings]


def test_the_guide_to_errors_draws_the_tree_and_says_what_each_status_ends_in() -> None:
    guide = (GUIDES / "errors.md").read_text("utf-8")
    tree = inspect.cleandoc(inspect.getdoc(coactive.exceptions).split("\n\n")[1])  # type: ignore[union-attr]
    assert f"```text\n{tree}\n```" in guide
    for status, _, error, _ in table(section(GUIDES / "errors.md", "## Status codes")):
        assert error.strip("`") == exception_for(int(status[:3])).__name__


def test_the_guide_for_users_of_a_generated_client_names_every_option_of_one() -> None:
    from coactive import request

    guide = section(GUIDES / "differences-from-a-generated-client.md", "## Options")
    for option in {*request.GENERATED_OPTIONS, *request.RequestOptions.__annotations__, *request.ANSWER_OPTIONS}:
        assert f"`{option}" in guide


def _resolved(response: dict[str, Any]) -> dict[str, Any]:
    reference = response.get("$ref", "").rpartition("/")[2]
    resolved: dict[str, Any] = CONTRACT["components"]["responses"][reference] if reference else response
    return resolved


def _in_words(annotation: Any) -> str:
    """A type as the tables write it: without modules, and a comma for a bar, which would end the cell."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:\w+\.)+", "", text).replace(" | ", ", ")
