"""IPython for the tests of what it shows."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """IPython in this process, which is afterwards as it was."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # IPython warns where it is not the one that runs
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    for name in ("ps1", "ps2", "ps3"):
        monkeypatch.setattr(sys, name, "", raising=False)
    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "nocolor"
    running = InteractiveShell.instance(config=settings)
    yield running
    running.atexit_operations()  # type: ignore[no-untyped-call]
    atexit.unregister(running.atexit_operations)
    InteractiveShell.clear_instance()
