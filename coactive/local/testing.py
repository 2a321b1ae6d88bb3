"""A plugin for pytest: the stand-in as a fixture. In the topmost conftest.py:

pytest_plugins = ["coactive.local.testing"]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from coactive.local import Service, running


@pytest.fixture(scope="session")
def coactive_options() -> dict[str, Any]:
    """Arguments of `coactive.local.running` for `coactive_service`; define it anew in the topmost conftest.py."""
    return {}


@pytest.fixture(scope="session")
def _coactive_running(coactive_options: dict[str, Any]) -> Iterator[Service]:
    with running(**coactive_options) as service:
        yield service


@pytest.fixture
def coactive_service(_coactive_running: Service, coactive_options: dict[str, Any]) -> Iterator[Service]:
    """The stand-in, the same for all tests: a `coactive.local.Service`, without the faults that others ordered."""
    _coactive_running.faults.order(coactive_options.get("faults", ""))
    yield _coactive_running
    _coactive_running.faults.order("")
