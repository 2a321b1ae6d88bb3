"""The command line: `python -m coactive.local demo` and `python -m coactive.local serve [FOLDER]`."""

from __future__ import annotations

import argparse
import errno
import io
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from coactive.local import require_libraries


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0, or 2 with one line on stderr for what the user can mend."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A folder may have a name that the terminal cannot show.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        require_libraries()
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has seen enough (`| head`); Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as problem:
        print(problem, file=sys.stderr)
        return 2
    except (OSError, ValueError) as problem:
        print(f"coactive.local: {_in_words(problem)}", file=sys.stderr)
        return 2
    return 0


EXAMPLE = """\
example:
  python -m coactive.local serve photos --metadata photos.csv --port 0

photos.csv has one row per image; its column "file" names the image:
  file,colour,caption
  mug.jpg,red,a red mug with a handle
"""


SERVE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "folder": {
        "nargs": "?",
        "metavar": "FOLDER",
        "help": "JPEG, PNG, GIF and WebP files in it and below it (default: the demo's catalogue)",
    },
    "--metadata": {"metavar": "FILE", "help": "CSV or JSON Lines; the column 'file' names the image"},
    "--index": {
        "metavar": "FILE",
        "help": "keeps what is known of the images (default: a hidden file in FOLDER)",
    },
    "--rehash": {"action": "store_true", "help": "read all files, not only those of a new size, time or inode"},
    "--encoder": {
        "metavar": "NAME",
        "help": "module:callable that turns a PIL image into a vector, and perhaps a phrase (default: built in)",
    },
    "--host": {"default": "127.0.0.1", "help": "the address to serve at (default: %(default)s)"},
    "--port": {"type": int, "default": 8000, "help": "0 picks a free port (default: %(default)s)"},
    "--client-id": {
        "metavar": "ID",
        "help": "required if other machines can connect (with --client-secret); default: local",
    },
    "--client-secret": {"metavar": "SECRET", "help": "default: stand-in"},
    "--faults": {
        "metavar": "LIST",
        "default": "",
        "help": "how the first searches fail: 503x2,slow=2,reset,cut,html,ok",
    },
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m coactive.local",
        description="A stand-in for the service, over a folder of images.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="search a catalogue that is drawn for the purpose")
    demo.set_defaults(run=_demo)
    serve = commands.add_parser(
        "serve",
        help="serve a folder of images until Ctrl-C",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.set_defaults(run=_serve)
    for name, about in SERVE_ARGUMENTS.items():
        serve.add_argument(name, **about)
    return parser


def _demo(_: argparse.Namespace) -> None:
    from coactive.local.demo.searches import demo

    demo()


def _serve(options: argparse.Namespace) -> None:
    from coactive.local.serve import serve
    from coactive.local.settings import Settings

    # Where nobody set up logging, the library keeps silent; this program says what it warns of.
    logging.getLogger("coactive.local").addHandler(logging.StreamHandler())
    serve(Settings(**{name: value for name, value in vars(options).items() if name != "run"}))


def _in_words(problem: Exception) -> str:
    """The message, without the number of an operating system's error; with the file that it is about."""
    if isinstance(problem, OSError) and problem.strerror:
        elsewhere = "; try --port 0" if problem.errno == errno.EADDRINUSE else ""
        return problem.strerror + (elsewhere if problem.filename is None else f": {problem.filename}")
    return str(problem)


if __name__ == "__main__":
    sys.exit(main())
