"""`Configuration.debug`: the log on stderr."""

from __future__ import annotations

import logging
from typing import Any


class _DebugHandler(logging.StreamHandler[Any]):
    """Tells the handler that `debug` adds from those of the program."""


def log_to_stderr(on: bool) -> None:
    """Write all that the logger `coactive` says to stderr, or no longer; the handlers of the program stay."""
    logger = logging.getLogger("coactive")
    mine = next((handler for handler in logger.handlers if isinstance(handler, _DebugHandler)), None)
    if on and not mine:
        logger.addHandler(_DebugHandler())
        logger.setLevel(logging.DEBUG)
    elif mine and not on:
        logger.removeHandler(mine)
        logger.setLevel(logging.NOTSET)
