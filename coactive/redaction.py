"""Making the secrets of a request unreadable in what is shown of its end, should the service repeat one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from urllib3 import HTTPHeaderDict

from coactive.response import RawResponse

_LONG_SECRET = 16
"""From this length on a client secret is hidden alone too; a short one could be part of any word."""


def of_text(text: str, secrets: Sequence[str]) -> str:
    """The text with three stars for each secret."""
    for spelling in _spellings(secrets):
        text = text.replace(spelling, "***")
    return text


def of_response(response: RawResponse, secrets: Sequence[str]) -> RawResponse:
    """The response with three stars for each secret, in its reason, headers and body."""
    data, reason = _of_bytes(response.data, secrets), response.reason and of_text(response.reason, secrets)
    return RawResponse(response.status, reason, of_headers(response.headers, secrets), data, tries=response.tries)


def of_headers(headers: Mapping[str, str], secrets: Sequence[str]) -> HTTPHeaderDict:
    """A copy of the headers with three stars for each secret in their values."""
    hidden = HTTPHeaderDict(headers)
    for name in headers:
        hidden[name] = of_text(headers[name], secrets)
    return hidden


def of_json(value: Any, secrets: Sequence[str]) -> Any:
    """Plain values with three stars for each secret in their texts: a body may be written in any charset."""
    if isinstance(value, str):
        return of_text(value, secrets)
    if isinstance(value, list):
        return [of_json(item, secrets) for item in value]
    if isinstance(value, dict):
        return {of_text(name, secrets): of_json(item, secrets) for name, item in value.items()}
    return value


def of_error(error: BaseException, secrets: Sequence[str]) -> BaseException:
    """The error itself, with three stars for each secret in its texts and in those of all behind it.

    It loses its frames too, of which a traceback would show many, and the connections and pools that it holds, which
    know the secrets.
    """
    link: BaseException | None = error
    while link:
        link.__traceback__ = None
        link.args = tuple(_of_value(value, secrets) for value in link.args)
        link.__dict__.update({name: _of_value(value, secrets) for name, value in link.__dict__.items()})
        link = link.__cause__ or link.__context__
    return error


def _of_value(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, BaseException):
        return of_error(value, secrets)
    if isinstance(value, str):
        return of_text(value, secrets)
    if isinstance(value, bytes):
        return _of_bytes(value, secrets)
    return value if isinstance(value, int | float) else None


def _of_bytes(data: bytes, secrets: Sequence[str]) -> bytes:
    for spelling in _spellings(secrets):
        data = data.replace(spelling.encode(), b"***")
    return data


def _spellings(secrets: Sequence[str]) -> Iterator[str]:
    """Each secret, and the part behind its colon, as it is and as JSON, Python or a URL may escape it."""
    parts = [secret.partition(":")[2] for secret in secrets]
    texts = [*filter(None, secrets), *(part for part in parts if len(part) >= _LONG_SECRET)]
    for text in sorted(texts, key=len, reverse=True):  # one may be a part of another
        escaped = json.dumps(text)[1:-1]
        shown = repr(text.encode("utf-8", "replace"))[2:-1]
        yield from dict.fromkeys((text, escaped, escaped.replace("/", "\\/"), shown, quote(text), quote(text, safe="")))
