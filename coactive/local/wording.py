"""Words for names in what is printed."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 3
"""How many names stand for all of a long list."""


def some(names: Sequence[str]) -> str:
    """The first names of a list, and a sign where there are more: "a.jpg, b.jpg, c.jpg, ..."."""
    return ", ".join([*names[:SHOWN], *(["..."] if len(names) > SHOWN else [])])
