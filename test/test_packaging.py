"""What is installed, and that the gates run what they should."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.metadata import metadata, requires
from importlib.resources import files
from pathlib import Path

import pytest

import coactive

ROOT = Path(__file__).parents[1]


def _runtime_requirements() -> set[str]:
    return {line.replace(" ", "") for line in requires("coactive") or [] if "extra ==" not in line}


def test_the_two_lists_of_run_time_packages_are_equal_and_name_three() -> None:
    listed = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line]
    assert {_normal(line) for line in listed} == {_normal(line) for line in _runtime_requirements()}
    assert {re.split(r"[<>=]", line)[0] for line in listed} == {"urllib3", "python-dateutil", "certifi"}


def _normal(requirement: str) -> tuple[str, frozenset[str]]:
    name = re.match(r"[\w-]+", requirement)
    assert name
    return name[0], frozenset(requirement[name.end() :].split(","))


def test_the_package_says_that_it_is_typed() -> None:
    assert files("coactive").joinpath("py.typed").is_file()


def test_the_version_is_one_everywhere() -> None:
    assert coactive.__version__ == metadata("coactive")["Version"]
    assert f"## [{coactive.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_ci_runs_the_readmes_test_command() -> None:
    assert "README.md" in (ROOT / ".ci" / "run").read_text("utf-8")
    command = "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox"
    assert command in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_supported_python_is_there_to_test_with(version: str) -> None:
    python = shutil.which(f"python{version}")
    found = python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
    if not found and os.environ.get("CI") != "true":
        pytest.skip(f"Python {version} is not installed here: tox leaves py{version.replace('.', '')} out")
    assert found, f"Python {version} is missing; behind pyenv's shims PYENV_VERSION must list it"


def test_no_message_tells_to_install_an_extra_of_the_name_that_is_the_vendors() -> None:
    for path in [*Path(coactive.__file__).parent.rglob("*.py"), ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        assert not re.search(r"pip install ['\"]?coactive\[", path.read_text("utf-8")), path
