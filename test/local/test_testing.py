from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, blocks

import coactive

CONFTEST = 'pytest_plugins = ["coactive.local.testing"]\n'

OPTIONS = """
import pytest

@pytest.fixture(scope="session")
def coactive_options():
    return {"folder": FOLDER, "metadata": METADATA, "client_id": "me", "client_secret": "mine", "faults": "503"}
"""

SUITE = """
import coactive
import pytest
from coactive.apis import SimilaritySearchApi

hosts = set()

def search(service, **settings):
    hosts.add(service.host)
    configuration = coactive.Configuration(host=service.host, access_token="local:stand-in", **settings)
    with coactive.ApiClient(configuration) as api_client:
        return SimilaritySearchApi(api_client).search_images_by_text_grouped(service.embedding_id, "red mug", limit=3)

def test_a_fault(coactive_service):
    coactive_service.faults.order("503x5")
    with pytest.raises(coactive.ApiException):
        search(coactive_service, retries=False)
    assert coactive_service.faults.pending == ("503",) * 4

def test_faults_of_another_test_are_gone(coactive_service):
    assert coactive_service.faults.pending == ()
    assert len(search(coactive_service, retries=False).data[0].images) == 3
    coactive_service.faults.order("reset")

def test_it_started_once(coactive_service):
    search(coactive_service, retries=False)
    assert len(hosts) == 1
    assert len(coactive_service.catalog.images) == 300
"""

OWN_SUITE = """
import coactive
import pytest
from coactive.apis import SimilaritySearchApi

@pytest.mark.parametrize("again", range(2))
def test_each_test_begins_with_the_faults_of_the_options(coactive_service, again):
    assert coactive_service.faults.pending == ("503",)
    assert coactive_service.configuration.access_token == "me:mine"
    assert coactive_service.catalog.images[0].path == "deep/blue.png"
    assert coactive_service.catalog.columns == ("sku", "price", "new", "tags", "gone")
    coactive_service.faults.order("")
"""


def started(place: Path, conftest: str, suite: str) -> subprocess.Popen[str]:
    """A run of pytest on a suite of its own, with this Python and this package."""
    place.mkdir()
    (place / "conftest.py").write_text(conftest)
    (place / "test_mine.py").write_text(suite)
    (place / "pytest.ini").write_text("[pytest]\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment |= {
        "PYTHONPATH": str(Path(coactive.__file__).parents[1]),
        # Plugins that happen to be installed are not the matter.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-W", "error", "-m", "pytest", "-W", "error", "-p", "no:cacheprovider"]
    return subprocess.Popen(
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def outcome(run: subprocess.Popen[str]) -> str:
    said, errors = run.communicate(timeout=120)
    assert (run.returncode, errors) == (0, ""), said
    summary = re.search(r"=+ (.*) in [\d.]+s", said)
    assert summary, said
    return summary[1]


def test_suites_share_a_service_between_their_tests_and_nothing_with_each_other(tmp_path: Path) -> None:
    code = [block.code for block in blocks(ROOT / "docs/guides/the-stand-in.md")]
    of_the_guide = next(it for it in code if "coactive_service.faults.order" in it)
    assert CONFTEST in code
    runs = [started(tmp_path / "own", CONFTEST, SUITE), started(tmp_path / "guide", CONFTEST, of_the_guide)]
    assert [outcome(run) for run in runs] == ["3 passed", "2 passed"]


def test_a_suite_chooses_the_arguments_of_its_service(folder: Path, tmp_path: Path) -> None:
    options = OPTIONS.replace("FOLDER", repr(str(folder))).replace("METADATA", repr(str(tmp_path / "rows.jsonl")))
    assert outcome(started(tmp_path / "own", CONFTEST + options, OWN_SUITE)) == "2 passed"


def test_a_suite_without_the_service_does_not_start_it(tmp_path: Path) -> None:
    options = "import pytest\n\n@pytest.fixture(scope='session')\ndef coactive_options():\n    raise ValueError\n"
    suite = "def test_something_else():\n    pass\n"
    assert outcome(started(tmp_path / "own", CONFTEST + options, suite)) == "1 passed"


@pytest.mark.parametrize("module", ["coactive.local.service", "coactive.local.serve"])
def test_nothing_else_of_the_package_needs_pytest(module: str) -> None:
    program = f"import sys; sys.modules['pytest'] = None; import {module}"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
