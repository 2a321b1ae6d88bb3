"""Where the processes of a comparison run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process, and those that it starts, on one core for as long as the `with` block runs.

    Across cores a call takes longer by the time that a sleeping core takes to wake up, which is as much again as the
    call itself, hides the client's part of it, and comes and goes as the system moves the processes. No other system
    than Linux can be asked for it; there they run where they run.
    """
    if sys.platform != "linux":
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
