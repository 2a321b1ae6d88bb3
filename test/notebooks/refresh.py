"""Run the notebooks of `docs/notebooks` from a clean kernel, and save them with their outputs.

    cd test && python -m notebooks.refresh

Wants the extras `test` and `browser`. With names (`getting-started`) it runs those notebooks alone. Run it after a
change to a notebook's cells, or to what results look like.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import coactive.local
from notebooks.kernel import executed
from notebooks.pages import NOTEBOOKS, ROOT


def main() -> None:
    """Run and save the notebooks that the command line names."""
    import nbformat

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [path.stem for path in NOTEBOOKS]
    parser.add_argument(
        "names", nargs="*", default=names, choices=[*names, names], help="which; else all", metavar="name"
    )
    wanted = parser.parse_args().names
    with coactive.local.running() as service:
        for path in NOTEBOOKS:
            if path.stem in wanted:
                with tempfile.TemporaryDirectory() as folder:
                    nbformat.write(executed(path, Path(folder), service), path)  # type: ignore[no-untyped-call]
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:,.0f} kB")


if __name__ == "__main__":
    main()
