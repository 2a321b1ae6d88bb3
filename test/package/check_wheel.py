"""Build the wheel, install it in an environment of its own, and run the tests on it with the source away."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
BESIDE_THE_SOURCE = [
    *("test", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"),
    *("pyproject.toml", "setup.py", "requirements.txt", "tox.ini", ".ci"),
]


def main(pytest_arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder, "wheel"))
        check_contents(wheel)
        python = install(wheel, Path(folder, "venv"))
        checkout = Path(folder, "checkout")
        copy_all_but_the_source(checkout)
        command = [python, "-m", "pytest", "-m", "not heavy", "-p", "no:cacheprovider", *pytest_arguments]
        return subprocess.run(command, cwd=checkout, check=False).returncode


def build(folder: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_contents(wheel: Path) -> None:
    content = zipfile.ZipFile(wheel)
    names = content.namelist()
    tops = {name.partition("/")[0] for name in names}
    info = {top for top in tops if top.endswith(".dist-info")}
    if tops - info != {"coactive"} or "coactive/py.typed" not in names:
        raise SystemExit(f"the wheel must hold the one package coactive, typed; it holds {sorted(tops)}")
    files = [path for path in (ROOT / "coactive").rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    source = {path.relative_to(ROOT).as_posix() for path in files}
    if missing := source - set(names):
        raise SystemExit(f"the wheel lacks {sorted(missing)}")
    if content.read("coactive/local/openapi.json") != (ROOT / "docs/openapi.json").read_bytes():
        raise SystemExit("coactive/local/openapi.json in the wheel must be docs/openapi.json")


def install(wheel: Path, folder: Path) -> str:
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"coactive[test] @ {wheel.as_uri()}"], check=True)
    return python


def copy_all_but_the_source(checkout: Path) -> None:
    checkout.mkdir()
    for name in BESIDE_THE_SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, checkout / name)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
