"""Fetching the pictures of a result, for `show(fetch=True)` alone: without the token, from wherever the answer says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import as_completed
from functools import partial
from typing import Any
from urllib.parse import urljoin

from coactive import progress
from coactive.clock import Clock
from coactive.configuration import Configuration
from coactive.display.html import web_address
from coactive.display.thumbnail import thumbnail
from coactive.exceptions import OpenApiException
from coactive.future import Workers
from coactive.host import DEFAULT_HOST, is_https
from coactive.response import RawResponse
from coactive.rest import Rest
from coactive.timeout import Timeouts
from coactive.version import USER_AGENT
from coactive.wire import HttpRequest

_THREADS = 8
_REDIRECTS = 3
_HEADERS = {"Accept": "image/*", "User-Agent": USER_AGENT}

_MOST_BYTES = 16 * 2**20
"""Of one image."""

_SHOWN_AFTER = 0.5
"""Seconds after which a progress bar appears."""

_LIMITS = Timeouts(connect=5, read=10, total=30)
"""For one image, its redirects included."""


def thumbnails(addresses: Iterable[Any]) -> dict[str, str | None]:
    """A small picture of each image on the web, by its address; None: it cannot be had. Shows a progress bar."""
    wanted = dict.fromkeys(address for given in addresses if (address := web_address(given)))
    arriving = _progress(_download(wanted), len(wanted))
    return {address: None if data is None else thumbnail(data) for address, data in arriving}


def _download(addresses: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
    """The bytes of each image, as they come."""
    configuration = Configuration(DEFAULT_HOST, access_token="", max_response_bytes=_MOST_BYTES)
    rest = Rest(configuration, _THREADS)
    workers = Workers(_THREADS)
    try:
        futures = [workers.submit(partial(_fetch, rest, address)) for address in addresses]
        for future in as_completed(futures):
            yield future.result()
    finally:
        workers.close(cancel=True)
        rest.close()


def _fetch(rest: Rest, address: str) -> tuple[str, bytes | None]:
    """An address, and what is there or where that leads; None: nothing that can be had."""
    clock = Clock(_LIMITS)
    target = address
    for _ in range(_REDIRECTS + 1):
        try:
            request = HttpRequest("GET", target, _HEADERS, None, clock, ())
            response = rest.read(rest.open(request, read=True), request)
            if response.status == 200:
                return address, response.data
            target = _redirect(target, response)
        except (OpenApiException, ValueError):
            break
    return address, None


def _redirect(address: str, response: RawResponse) -> str:
    """Where a response leads.

    Raises:
        ValueError: nowhere, or to what is not on the web or less safe.
    """
    location = response.headers.get("Location") if 300 <= response.status < 400 else None
    target = web_address(location and urljoin(address, location))
    if target is None or (is_https(address) and not is_https(target)):
        raise ValueError("no redirect to follow")
    return target


def _progress(arriving: Iterator[Any], total: int) -> Iterator[Any]:
    """The same, with a bar in a notebook or terminal where tqdm is installed."""
    if not (progress.is_installed() and progress.is_watched()):
        return arriving
    return iter(progress.bar_class()(arriving, "Fetching images", total, unit="image", delay=_SHOWN_AFTER))
