"""The IPython that a program may run in: a notebook's, or a terminal's."""

from __future__ import annotations

import sys
from typing import Any


def shell() -> Any:
    """The IPython that runs this program; None: none does."""
    ipython = sys.modules.get("IPython")
    return ipython and ipython.get_ipython()
