"""Which columns of the metadata can be asked for, and by which one images go into groups."""

from __future__ import annotations

from coactive.local.catalog import Catalog, said_of


def columns_of(catalog: Catalog) -> list[str]:
    """The metadata columns that can be asked for: a form has no word for one without a name."""
    return [column for column in catalog.columns if column]


def shared_column(catalog: Catalog) -> str | None:
    """The first of these columns that makes groups, of which one has several images; else the first one, if any."""
    columns = columns_of(catalog)
    makes_groups = (column for column in columns if _makes_groups(catalog, column))
    return next(makes_groups, columns[0] if columns else None)


def _makes_groups(catalog: Catalog, column: str) -> bool:
    seen: set[str] = set()
    shared = False
    for image in catalog.images:
        name = said_of(image, column)
        if name is not None:
            shared = shared or name in seen
            seen.add(name)
        if shared and len(seen) > 1:
            return True
    return False
