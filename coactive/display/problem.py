"""An error as it is shown: where the reader's own code met it, and what the service and the client say of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import format_exception
from types import TracebackType

from coactive.display.html import Html, element, output
from coactive.display.ipython import shell
from coactive.exceptions import ApiException, OpenApiException

_INNER = frozenset({"IPython", "asyncio", "coactive", "concurrent", "contextlib", "threading", "urllib3"})
"""Packages whose frames say nothing to a caller."""


def traceback_lines(error: OpenApiException) -> list[str]:
    """What IPython prints for an exception: the reader's own frames and the message, in the mode and colours set.

    `%xmode Verbose` shows all frames.
    """
    running = shell()
    if running is None:
        return format_exception(error)
    formatter = running.InteractiveTB
    if formatter.mode == "Verbose":
        return list(formatter.structured_traceback(type(error), error, error.__traceback__))
    with _shortened(error):
        return list(formatter.structured_traceback(type(error), error, error.__traceback__, tb_offset=0))


@contextmanager
def _shortened(error: BaseException) -> Iterator[None]:
    """An exception, its causes and contexts for a while without inner frames, and without links that have no others."""
    found = list(_chain(error))
    kept = [(link.__traceback__, link.__cause__, link.__context__, link.__suppress_context__) for link in found]
    frames = {id(link): _own(link.__traceback__) for link in found}
    try:
        for link, (all_frames, cause, context, suppressed) in zip(found, kept, strict=True):
            link.__traceback__ = frames[id(link)] or all_frames
            link.__cause__ = cause if frames.get(id(cause)) else None
            link.__context__ = context if frames.get(id(context)) else None
            link.__suppress_context__ = suppressed
        yield
    finally:
        for link, (all_frames, cause, context, suppressed) in zip(found, kept, strict=True):
            link.__traceback__, link.__cause__, link.__context__ = all_frames, cause, context
            link.__suppress_context__ = suppressed


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, and what it came of."""
    waiting, seen = [error], set()
    while waiting:
        link = waiting.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [it for it in (link.__cause__, link.__context__) if it is not None]


def _own(frames: TracebackType | None) -> TracebackType | None:
    """The frames that are the reader's own; None: there are none."""
    passed = []
    while frames:
        if frames.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in _INNER:
            passed.append(frames)
        frames = frames.tb_next
    own = None
    for frame in reversed(passed):
        own = TracebackType(own, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return own


def problem(error: ApiException) -> Html:
    """The HTML of an error that is the value of a cell, as in a list of results and errors."""
    first, *others = str(error).splitlines()
    return output(
        element(
            "div",
            element("div", type(error).__name__, class_="coactive-note"),
            element("div", first, class_="coactive-heading"),
            *(element("div", line, class_="coactive-note") for line in others),
            class_="coactive-problem",
        ),
        label="Error",
    )
