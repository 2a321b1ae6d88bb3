"""How the client and its floor are measured side by side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Measured(NamedTuple):
    """What one run found.

    Attributes:
        figure: what is held to the row's limit: a ratio, or MiB.
        floor, client: what the figure was made of, in seconds or MiB.
    """

    figure: float
    floor: float
    client: float


def alternate(
    floor: Callable[[], object], client: Callable[[], object], *, blocks: int, calls: int, warm_up: int = 1
) -> Measured:
    """Time both in turn, in short blocks of calls, so that what else the machine does meets both alike.

    The figure is the median of the ratios of neighbouring blocks; floor and client are the medians of a call.
    """
    for work in (floor, client):
        seconds(work, calls * warm_up)
    times = [_pair(floor, client, calls, swapped=bool(block % 2)) for block in range(blocks)]
    floors, clients = zip(*times, strict=True)
    ratio = statistics.median(ours / theirs for theirs, ours in times)
    return Measured(ratio, statistics.median(floors), statistics.median(clients))


def _pair(
    floor: Callable[[], object], client: Callable[[], object], calls: int, *, swapped: bool
) -> tuple[float, float]:
    if swapped:
        ours = seconds(client, calls)
        return seconds(floor, calls), ours
    return seconds(floor, calls), seconds(client, calls)


def seconds(work: Callable[[], object], calls: int = 1) -> float:
    """What one of so many calls takes."""
    started = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - started) / calls
