"""Progress bars, by tqdm: where somebody sees them, and tqdm is installed."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from coactive.display.ipython import shell


def is_watched() -> bool:
    """Whether somebody sees a bar: in a notebook, or on a terminal."""
    return _in_notebook() or bool(sys.stderr and sys.stderr.isatty())


def is_installed() -> bool:
    """Whether there is what draws one."""
    return find_spec("tqdm") is not None


def bar_class() -> Any:
    """The class of bars for here: of widgets in a notebook that has them, else of text."""
    return import_module("tqdm.notebook" if _in_notebook() and find_spec("ipywidgets") else "tqdm.std").tqdm


def _in_notebook() -> bool:
    return hasattr(shell(), "kernel")
