"""Serves a folder from the command line: says where and how to search it, and stops when told to."""

from __future__ import annotations

import json
import shlex
import signal
import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath

from coactive.display.wording import counted
from coactive.local.catalog import Catalog, said_of
from coactive.local.columns import shared_column
from coactive.local.image_file import ENDINGS
from coactive.local.index import Update
from coactive.local.service import Service, serving
from coactive.local.settings import Settings
from coactive.local.wording import some

WIDTH = 79
LABEL = "{:<14}"

READY = """\
{summary}

For programs that take their settings from the environment:

export COACTIVE_HOST={shell_host}
export COACTIVE_CLIENT_ID={shell_client_id}
export COACTIVE_CLIENT_SECRET={shell_client_secret}

To search, paste into Python:

import coactive
from coactive.apis import SimilaritySearchApi

EMBEDDING_ID = "{embedding_id}"

configuration = coactive.Configuration(
    host={host},
    access_token={token},
)
with coactive.ApiClient(configuration) as api_client:
    api = SimilaritySearchApi(api_client)
    photo = {photo}
    found = api.get_similar_images(EMBEDDING_ID, photo, limit=5)
    for image in found["data"]:
        print(image["path"], image["score"])
{text_search}
Ctrl-C stops the service.
"""

TEXT_SEARCH = """\
    found = api.search_images_by_text_grouped(
        EMBEDDING_ID, {query}, group_by={column}, limit=5
    )
    for group in found.data:
        print(group.group)
        for image in group.images:
            print("   ", image.path, image.score)
"""


def serve(settings: Settings) -> None:
    """Serve a folder until Ctrl-C or SIGTERM; the errors are those of `running`."""
    with serving(settings) as service, _told_to_stop() as stopped:
        print(_ready(settings, service), flush=True)
        service.catalog.warm()
        # Windows sees Ctrl-C only between waits.
        while not stopped.wait(0.5):
            pass
    # A terminal shows ^C where the cursor is.
    print("\nstopped" if sys.stdout.isatty() else "stopped")


def _ready(settings: Settings, service: Service) -> str:
    token = str(service.configuration.access_token)
    client_id, _, client_secret = token.partition(":")
    return READY.format(
        summary="\n".join(_summary(settings, service)),
        shell_host=shlex.quote(service.host),
        shell_client_id=shlex.quote(client_id),
        shell_client_secret=shlex.quote(client_secret),
        host=_quoted(service.host),
        token=_quoted(token),
        embedding_id=service.embedding_id,
        photo=_quoted(str(service.catalog.images[0].file)),
        text_search=_text_search(service.catalog),
    )


def _summary(settings: Settings, service: Service) -> Iterator[str]:
    """What is served and where, and what was skipped."""
    catalog = service.catalog
    folder = "the demo catalogue" if settings.folder is None else settings.folder
    yield f"{counted(len(catalog.images), 'image')} of {folder}"
    if catalog.skipped:
        yield _skipped(catalog.skipped)
    yield ""
    if catalog.columns or settings.metadata is not None:
        file = "" if settings.metadata is None else f"{settings.metadata}: "
        yield _labelled("metadata", f"{file}{counted(catalog.rows, 'row')}; columns {', '.join(catalog.columns)}")
    if catalog.unmatched:
        yield _labelled("", f"no image for {counted(len(catalog.unmatched), 'row')}: {some(catalog.unmatched)}")
    if catalog.update is not None and catalog.update.kept_in is not None:
        yield _labelled("index", f"{catalog.update.kept_in}: {_changes(catalog.update)}")
    if settings.encoder is not None:
        phrases = "images and phrases" if catalog.encoder.encode_phrase else "images; phrases go by words alone"
        yield _labelled("encoder", f"{catalog.encoder.name} for {phrases}")
    yield _labelled("host", service.host)
    yield _labelled("page", f"{service.host}/")
    yield _labelled("embedding id", service.embedding_id)
    if service.faults.pending:
        yield _labelled("faults", some(service.faults.pending))


def _labelled(label: str, text: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=LABEL.format(label),
        subsequent_indent=LABEL.format(""),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _changes(update: Update) -> str:
    """What was done to the index: "2 added, 1 read again, 1 removed, 10 unchanged"."""
    counts = {"added": update.added, "read again": update.reread, "removed": update.removed}
    done = [f"{count:,} {word}" for word, count in counts.items() if count]
    return ", ".join([*done, f"{update.unchanged:,} unchanged"])


def _skipped(paths: Sequence[str]) -> str:
    broken = [path for path in paths if PurePosixPath(path).suffix.lower() in ENDINGS]
    others = len(paths) - len(broken)
    parts = [f"{counted(len(broken), 'broken image')} ({some(broken)})"] if broken else []
    parts += [counted(others, "other file")] if others else []
    return f"{counted(len(paths), 'file')} skipped: {', '.join(parts)}"


def _text_search(catalog: Catalog) -> str:
    """An example for the first words that the column to group by has; nothing where there are none."""
    column = shared_column(catalog)
    if column is None:
        return ""
    texts = (said_of(image, column) for image in catalog.images)
    words = next((words for text in texts if (words := (text or "").split())), [])
    return TEXT_SEARCH.format(query=_quoted(" ".join(words[:4])), column=_quoted(column)) if words else ""


def _quoted(text: str) -> str:
    """The text as Python writes it in double quotes."""
    return json.dumps(text, ensure_ascii=False)


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set instead of what they did before."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
