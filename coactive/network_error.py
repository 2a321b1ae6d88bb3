"""What went wrong on the way: the exceptions of urllib3 and of what is below it, as ours."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from http.client import HTTPException
from typing import NoReturn
from urllib.parse import urlsplit

from urllib3 import exceptions

from coactive import redaction
from coactive.clock import Clock
from coactive.exceptions import ApiConnectionError, ApiTimeoutError, OpenApiException

FAILURES = (exceptions.HTTPError, HTTPException, OSError, ValueError, OverflowError)
"""What may end an exchange; http.client makes the last two of some numbers in a malformed answer."""


def raise_ours(error: Exception, url: str, clock: Clock, secrets: Sequence[str]) -> NoReturn:
    """Raise for what ended an exchange with the service at `url` an exception of ours, the original as the cause.

    Ours, of which some are a ValueError too, are raised as they are.
    """
    if isinstance(error, OpenApiException):
        raise error
    scheme, host, *_ = urlsplit(url)
    kind = ApiTimeoutError if _is_late(error) else ApiConnectionError
    explanation = redaction.of_text(_in_words(error, clock), secrets)
    failure = kind(0, f"no answer from {scheme}://{host}", explanation=explanation)
    failure.transient = _may_pass(error)
    raise failure from redaction.of_error(error, secrets)


_LASTING = (exceptions.SSLError, exceptions.LocationValueError, exceptions.EmptyPoolError)
"""What another try would end in again, or, without a free connection, has waited for long enough."""

_REFUSED_BY_PROXY = re.compile(r"Tunnel connection failed: (?!408|429)4\d\d")


def _may_pass(error: Exception) -> bool:
    if isinstance(error, exceptions.ProxyError) and _REFUSED_BY_PROXY.search(str(error.original_error)):
        return False
    ended = any(isinstance(arg, ssl.SSLEOFError) for arg in error.args)  # TLS itself is not what failed
    return ended or not isinstance(error, _LASTING)


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.NameResolutionError, "the host's name is not known"),
    (exceptions.NewConnectionError, "cannot connect"),
    (exceptions.ConnectTimeoutError, "no connection in time"),
    (exceptions.ReadTimeoutError, "no answer in time"),
    (exceptions.EmptyPoolError, "all connections of this client were busy for the whole time"),
    (exceptions.ProxyError, "the proxy failed"),
    (exceptions.SSLError, "TLS failed"),
    (exceptions.IncompleteRead, "the answer broke off"),
    (exceptions.ProtocolError, "the connection broke"),
    (exceptions.LocationValueError, "the host's name cannot be one"),
    (ValueError, "the answer is malformed"),
    (OverflowError, "the answer is malformed"),
)


def _in_words(error: Exception, clock: Clock) -> str:
    words = next((words for kind, words in _WORDS if isinstance(error, kind)), type(error).__name__)
    if not _is_late(error) or isinstance(error, exceptions.EmptyPoolError):
        return f"{words} ({_innermost(error)})"
    return f"{words if isinstance(error, exceptions.TimeoutError) else 'no progress in time'} ({clock.limits})"


def _is_late(error: Exception) -> bool:
    if isinstance(error, exceptions.NewConnectionError):
        return False
    late = (exceptions.TimeoutError, exceptions.EmptyPoolError, TimeoutError)
    return isinstance(error, late) or any(isinstance(link, TimeoutError) for link in (*error.args, error.__cause__))


def _innermost(error: BaseException) -> str:
    """What the operating system or TLS said, without the layers around it."""
    while True:
        inner = error.__cause__ or next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        if inner is None or inner is error:
            return str(error).rpartition(": ")[2] if isinstance(error, exceptions.HTTPError) else str(error)
        error = inner
