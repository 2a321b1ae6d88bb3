from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-W", "error", "-m", "coactive.local"]
OPERATIONS = [
    "get_similar_images",
    "get_similar_images_grouped",
    "get_similar_images_grouped_semantic",
    "search_images_by_text_grouped",
]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service on the command line, and all that it says before it waits."""
    with subprocess.Popen(
        [*COMMAND, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        try:
            yield process, said
        finally:
            process.kill()


def snippet_in(said: str) -> str:
    """The lines to paste into Python."""
    return said[said.index("import coactive") : said.rindex("Ctrl-C")]


def on_a_terminal(*arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code of a command that a terminal shows, and what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=theirs, stderr=theirs, env=os.environ | environment
    ) as process:
        os.close(theirs)
        shown = b""
        # Linux ends a terminal that nobody writes to any more with an error.
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:
            pass
    os.close(ours)
    return process.returncode, shown.decode()


@pytest.fixture(scope="module")
def shown() -> str:
    """What the demonstration prints where there is no terminal."""
    ended = run("demo")
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.fixture(scope="module")
def shown_on_a_terminal() -> str:
    code, shown = on_a_terminal("demo", NO_COLOR="")
    assert code == 0
    return shown


def test_the_demo_shows_each_search_under_its_name(shown: str) -> None:
    assert re.findall("^([a-z_]+): ", shown, re.MULTILINE) == OPERATIONS
    parts = re.split("^[a-z_]+: .*$", shown, flags=re.MULTILINE)
    plain, grouped, semantic = (re.findall(r"^    (\d\.\d{3})  (\S+) ", part, re.MULTILINE) for part in parts[1:4])
    assert plain[0] == ("1.000", "mug/mug-01-1.jpg")
    assert grouped[0] == ("1.000", "mug/mug-01-1.jpg")
    assert semantic[0][1].startswith("mug/mug-02-")
    assert parts[4].count(" a blue striped ") == 12
    assert re.findall("^  (MUG-0[12])$", "".join(parts[2:4]), re.MULTILINE) == ["MUG-01", "MUG-02"]


def test_the_demo_is_readable_in_a_terminal_of_80_columns_and_plain_where_there_is_none(shown: str) -> None:
    # Where this Python is, the test cannot choose.
    assert max(len(line) for line in shown.splitlines() if not line.endswith(" FILE")) <= 80
    assert "\033" not in shown
    assert shown.isascii()


def test_the_demo_ends_with_lines_that_work_on_a_folder_of_ones_own(shown: str, folder: Path, tmp_path: Path) -> None:
    program = shown[shown.index("import coactive, coactive.local") :]
    rows = tmp_path / "rows.jsonl"
    own = {"FOLDER": folder, "FILE": rows, "IMAGE": folder / "red.png", "WORDS": "red", "COLUMN": "sku"}
    for placeholder, value in own.items():
        assert f'"{placeholder}"' in program
        program = program.replace(f'"{placeholder}"', repr(str(value)))
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-"], input=program, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("red.png") == 2


def test_the_demo_names_the_command_that_serves_and_this_python_runs_it(shown: str, folder: Path) -> None:
    command = next(line for line in shown.splitlines() if " serve FOLDER" in line)
    ended = subprocess.run(
        command.replace("FOLDER --metadata FILE", "no-such-folder --port 0"), shell=True, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (2, f"coactive.local: no such folder: {Path.cwd() / 'no-such-folder'}\n")


def test_the_demo_is_coloured_on_a_terminal_unless_that_is_not_wanted(shown_on_a_terminal: str) -> None:
    code, without_colour = on_a_terminal("demo", NO_COLOR="1")
    assert code == 0
    for operation in OPERATIONS:
        assert f"\033[1m{operation}\033[0m: " in shown_on_a_terminal
        assert f"\n{operation}: " in without_colour


def test_the_demo_ends_in_peace_when_its_reader_has_seen_enough() -> None:
    with subprocess.Popen([*COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_indexing_shows_its_progress_on_a_terminal_alone(shown_on_a_terminal: str, shown: str) -> None:
    assert re.search("indexing: 100%.* 300/300 ", shown_on_a_terminal)
    assert "indexing" not in shown


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_how_to_search_and_stops_cleanly(stop: signal.Signals, folder: Path, tmp_path: Path) -> None:
    (folder / "notes.txt").write_text("no image")
    (folder / "broken.jpg").write_text("no image")
    (tmp_path / "rows.csv").write_text("file,sku,colour\nred.png,A,\nnone.png,B,x\ndeep/blue.png,C,blue\n")
    with serving(str(folder), "--metadata", str(tmp_path / "rows.csv"), "--port", "0") as (process, said):
        assert said.startswith(
            f"3 images of {folder}\n2 files skipped: 1 broken image (broken.jpg), 1 other file\n\nmetadata      "
        )
        assert "rows.csv: 3 rows; columns sku, colour no image for 1 row: none.png index" in " ".join(said.split())
        assert re.search(r"^host +(http://127\.0\.0\.1:\d+)\npage +\1/$", said, re.MULTILINE)
        assert re.search(r"^embedding id +[0-9a-f-]{36}$", said, re.MULTILINE)
        snippet = snippet_in(said)
        ended = subprocess.run([sys.executable, "-W", "error", "-"], input=snippet, capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert re.findall(r"^deep/blue\.png 1\.0$", ended.stdout, re.MULTILINE)
        assert "search_images_by_text_grouped" in snippet
        assert re.search(r"^    deep/blue\.png 0\.\d+$", ended.stdout, re.MULTILINE)
        assert "'" not in snippet
        process.send_signal(stop)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest.strip(), errors) == (0, "stopped", "")


def test_serve_copes_with_a_folder_whose_name_no_terminal_can_show(folder: Path) -> None:
    odd = folder.with_name(b"caf\xe9".decode("utf-8", "surrogateescape"))
    folder.rename(odd)
    with serving(str(odd), "--port", "0") as (_, said):
        snippet = snippet_in(said)
        ended = subprocess.run([sys.executable, "-"], input=snippet, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_serve_says_what_it_did_to_the_index_and_what_the_encoder_is_for(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "my_encoders.py").write_text("def size(image): return image.size\n")
    options = ("--index", str(tmp_path / "i.sqlite"), "--encoder", "my_encoders:size", "--port", "0")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
        with serving(str(folder), *options) as (_, said):
            assert "i.sqlite: 3 added, 0 unchanged encoder" in " ".join(said.split())
            assert re.search(r"^encoder +my_encoders:size for images; phrases go by words alone$", said, re.MULTILINE)
        (folder / "red.png").unlink()
        with serving(str(folder), *options, "--rehash") as (_, said):
            assert "i.sqlite: 2 read again, 1 removed, 0 unchanged encoder" in " ".join(said.split())
        wrong = run("serve", str(folder), "--encoder", "my_encoders:sizes")
    says = "coactive.local: encoder: the module 'my_encoders' has no 'sizes'\n"
    assert (wrong.returncode, wrong.stdout, wrong.stderr) == (2, "", says)


def test_serve_takes_credentials_for_other_machines(folder: Path) -> None:
    options = ("--host", "0.0.0.0", "--port", "0", "--client-id", "me", "--client-secret", "it's")
    with serving(str(folder), *options) as (_, said):
        snippet = snippet_in(said)
        ended = subprocess.run([sys.executable, "-"], input=snippet, capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_serve_without_a_folder_serves_the_demos_catalogue() -> None:
    with serving("--port", "0") as (_, said):
        assert said.startswith("300 images of the demo catalogue\n\nmetadata      300 rows; columns sku, product, ")
        assert max(map(len, re.sub("^ +photo = .*", "", said, flags=re.MULTILINE).splitlines())) <= 80
        ended = subprocess.run([sys.executable, "-"], input=snippet_in(said), capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.findall("^[A-Z]+-0[1-5]$", ended.stdout, re.MULTILINE)


def test_serve_prints_the_environment_that_a_client_reads_ready_to_paste(folder: Path) -> None:
    options = ("--port", "0", "--client-id", "me", "--client-secret", "it's$HOME")
    program = "import coactive; it = coactive.Configuration(); print(it.host, it.access_token)"
    with serving(str(folder), *options) as (_, said):
        exports = "\n".join(line for line in said.splitlines() if line.startswith("export COACTIVE_"))
    ended = subprocess.run(
        ["sh", "-c", f"{exports}\nexec '{sys.executable}' -c '{program}'"], capture_output=True, text=True
    )
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+ me:it's\$HOME\n", ended.stdout)
    assert re.search(r'^EMBEDDING_ID = "[0-9a-f-]{36}"$', said, re.MULTILINE)


def test_serve_fails_on_order(folder: Path) -> None:
    with serving(str(folder), "--port", "0", "--faults", "404x2, reset,418") as (_, said):
        ended = subprocess.run([sys.executable, "-"], input=snippet_in(said), capture_output=True, text=True)
    assert re.search("^faults        404, 404, reset, ...$", said, re.MULTILINE)
    assert "404 Not Found: this fault was ordered: 404" in ended.stderr


def test_serve_says_which_metadata_key_no_image_has(folder: Path, tmp_path: Path) -> None:
    with serving(str(folder), "--metadata", str(tmp_path / "rows.jsonl"), "--port", "0") as (process, said):
        snippet = re.sub('group_by="[a-z]+"', 'group_by="skuu"', snippet_in(said))
        subprocess.run([sys.executable, "-"], input=snippet, capture_output=True, text=True, check=True)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert errors == "no image has the metadata key 'skuu'; there are sku, price, new, tags, gone\n"


@pytest.mark.parametrize("command", [[], ["serve"]])
def test_help_has_an_example_and_fits_80_columns(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ended = run(*command, "--help")
    assert "\n  python -m coactive.local serve photos --metadata photos.csv --port 0\n" in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none"], "no such folder: .*none"),
        (["rows.jsonl"], "not a folder: .*rows.jsonl"),
        (["pictures", "--metadata", "none.csv"], "no such metadata file: none.csv"),
        (["pictures", "--metadata", "rows.csv"], "rows.csv:1: the column 'file' is missing; its columns are name"),
        (["pictures", "--host", "192.0.2.1"], r"cannot serve at 192\.0\.2\.1:0: "),
        (["pictures", "--host", "0.0.0.0"], "client_id and client_secret: other machines can reach"),
        (["pictures", "--port", "65536"], "port: from 0"),
        (
            ["pictures", "--metadata", "wrong.csv"],
            "wrong.csv: none of its 2 rows names an image in pictures; its first",
        ),
        (["--metadata", "rows.csv"], "metadata: it goes with a folder"),
        (["pictures", "--client-id", "m e", "--client-secret", "x"], "client_id: invalid, it has a space"),
        (["none", "--faults", "503,5o3"], r"faults: '5o3' is not one of STATUS \(400 to 599\), "),
        (["empty"], "no JPEG, PNG, GIF or WebP image in .*empty"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text("name\na\n")
    (tmp_path / "wrong.csv").write_text("file\npictures/red.png\npictures/deep/blue.png\n")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.chdir(tmp_path)
    ended = run("serve", "--port", "0", *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(f"coactive.local: .*{says}.*\n", ended.stderr)


def test_a_port_that_is_taken_is_one_line_and_exit_code_2(folder: Path) -> None:
    with serving(str(folder), "--port", "0") as (_, said):
        port = re.findall(r"http://127\.0\.0\.1:(\d+)", said)[0]
        ended = run("serve", str(folder), "--port", port)
    assert ended.returncode == 2
    assert ended.stderr == f"coactive.local: cannot serve at 127.0.0.1:{port}: Address already in use; try --port 0\n"


WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
"""


@pytest.mark.parametrize("missing", [["fastapi"], ["PIL", "numpy"], ["python_multipart"], ["sklearn"]])
def test_a_library_that_is_missing_is_named_with_what_installs_it(missing: list[str]) -> None:
    packages = {"PIL": "pillow", "python_multipart": "python-multipart", "sklearn": "scikit-learn"}
    needed = [packages.get(name, name) for name in missing]
    message = f"coactive.local needs {' and '.join(needed)}: {sys.executable} -m pip install {' '.join(needed)}"
    hidden = WITHOUT.format(missing=missing)
    for program, code in (
        ("import coactive.local; coactive.local.running", 1),
        ("import runpy; sys.argv[1:] = ['demo']; runpy.run_module('coactive.local', run_name='__main__')", 2),
    ):
        ended = subprocess.run([sys.executable, "-c", hidden + program], capture_output=True, text=True)
        assert ended.returncode == code
        assert ended.stderr.splitlines()[-1].endswith(message)
        assert code == 1 or ended.stderr == f"{message}\n"


def test_importing_the_package_loads_none_of_its_libraries() -> None:
    libraries = {"fastapi", "uvicorn", "python_multipart", "PIL", "numpy", "sklearn", "tqdm"}
    program = f"import sys, coactive.local; dir(coactive.local); print(*{libraries} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []
