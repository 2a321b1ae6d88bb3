"""The table: each fault, and how a call has to end when a server has it."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from coactive import (
    ApiConnectionError,
    ApiDecodeError,
    ApiException,
    ApiTimeoutError,
    BadRequestException,
    ForbiddenException,
    NotFoundException,
    RedirectException,
    ServiceException,
    TooManyRequestsException,
    UnauthorizedException,
    UnprocessableEntityException,
)
from faults.behaviours import (
    ANSWER,
    GOOD,
    LENGTH,
    MEBIBYTE,
    STALE,
    WHOLE,
    answer,
    answer_and_leave_the_upload,
    answer_before_the_upload,
    answer_twice,
    bomb,
    broken_gzip,
    chunk,
    chunked,
    close,
    close_at_once,
    close_in_the_handshake,
    cut,
    drip,
    drip_a_handshake,
    drip_to_connect,
    endlessly,
    good,
    head,
    idle_then,
    keep,
    never,
    never_connect,
    never_speak,
    raw,
    read_upload,
    refuse_the_client,
    reset,
    reset_at_once,
    reset_before_the_request,
    reset_in_the_handshake,
    reset_in_the_upload,
    speak_no_tls,
    to_connect,
    zipped,
)
from faults.server import Behaviour

UNGROUPED = ("get_similar_images",)
"""Hands on whatever JSON it gets."""

TEXT = ("search_images_by_text_grouped",)
"""Uploads nothing."""

UPLOADS = (*UNGROUPED, "get_similar_images_grouped", "get_similar_images_grouped_semantic")
GROUPED = (*UPLOADS[1:], *TEXT)
OPERATIONS = (*UPLOADS, *TEXT)

PROXY_PASSWORD = "proxy-password"
PROXY_USER = f"user:{PROXY_PASSWORD}"
PROXY_AUTHORIZATION = b"Basic " + b64encode(PROXY_USER.encode())


@dataclass(frozen=True)
class Fault:
    """A row: what a server does, to whom it matters, and how each call ends.

    Attributes:
        name: what the server does, in words.
        script: what the server does in its exchanges; the last item holds for ever.
        end: the exact class of the exception, or the exact answer.
        status: of the exception.
        tries: how often the request was sent, as the exception has it and the server saw it.
        seen: exchanges that the server saw, where they are not tries times calls.
        retry_after: of the exception.
        tls: the certificate that the server shows; None: plain http.
        proxy: the user and password of the proxy that the call goes through; None: there is no proxy.
        certificate: whether the client shows one.
        settings: of the `Configuration`; there is one retry unless they say otherwise.
        timeout: `_request_timeout`.
        calls: how many to make, one after another on one client.
        upload: bytes of the file; 0: a small picture.
        send_buffer: bytes that the client's socket takes at a time; 0: as many as it likes.
        lookups: the addresses of the host's name, each time that it is looked up; the last ones hold for ever.
        swallows: connections to these addresses neither stand nor fail.
        operations: those that the fault can happen to.
        within: seconds that all calls together may take: those needed, and many more for a busy machine.
    """

    name: str
    script: tuple[Behaviour, ...]
    end: Any
    status: int = 0
    tries: int = 1
    seen: int | None = None
    retry_after: Any = None
    tls: str | None = None
    proxy: str | None = None
    certificate: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    calls: int = 1
    upload: int = 0
    send_buffer: int = 0
    lookups: tuple[tuple[str, ...], ...] = ()
    swallows: bool = False
    operations: tuple[str, ...] = OPERATIONS
    within: float = 10.0


def kind(**common: Any) -> Callable[..., Fault]:
    """What makes rows that have some columns in common."""

    def row(name: str, *script: Behaviour, **columns: Any) -> Fault:
        return Fault(name, script, **{**common, **columns})

    return row


answered = kind(end=ANSWER)
"""It does no harm."""

lost = kind(end=ApiConnectionError, tries=2)
"""There is no usable response, and the next try may get one."""

hopeless = kind(end=ApiConnectionError)
"""There is no usable response, and the next try would get none."""

late = kind(end=ApiTimeoutError)
"""There is no response before the time is over, so that none is left for another try."""

unreadable = kind(end=ApiDecodeError, status=200)
"""There is a response, which is of no use."""

redirected = kind(end=RedirectException)
missing = kind(end=NotFoundException, status=404)
too_large = kind(end=ApiException, status=413)


def over_tls(rows: Iterable[Fault]) -> list[Fault]:
    return [replace(fault, name=f"{fault.name}, TLS", tls="good") for fault in rows]


BIG = 30_000_000
"""More bytes than the buffers between client and server take."""

TWO_SECONDS: dict[str, Any] = {"timeout": 2.0, "within": 5.0}
SHORTLY: dict[str, Any] = {"settings": {"total_timeout": 0.8}}
A_MOMENT_A_PIECE: dict[str, Any] = {"end": ApiTimeoutError, "settings": {"read_timeout": 0.6}}
A_MOMENT_TO_CONNECT: dict[str, Any] = {"end": ApiTimeoutError, "settings": {"connect_timeout": 0.6}}
TEN_MEBIBYTES: dict[str, Any] = {"settings": {"max_response_bytes": 10 * MEBIBYTE}}
NO_RETRY: dict[str, Any] = {"calls": 2, "settings": {"retries": False}}

BREAKS = [
    lost("resets before the request", reset_before_the_request),
    lost("resets after the request", raw(then=reset)),
    lost("resets in the headers", raw(b"HTTP/1.1 200 OK\r\nContent-Type: app", then=reset)),
    lost("resets in the body", raw(head(LENGTH), GOOD[:9], then=reset)),
    lost("resets in the upload", reset_in_the_upload, upload=BIG, operations=UPLOADS),
    lost("closes without an answer", raw()),
    lost("closes in the status line", raw(b"HTTP/1.1 200")),
    lost("closes in the headers", raw(b"HTTP/1.1 200 OK\r\nContent-Type: app")),
    lost("closes after the headers", raw(head(LENGTH))),
    lost("closes in the body", raw(head(LENGTH), GOOD[:9])),
    lost("cuts the connection in the body", raw(head(LENGTH), GOOD[:9], then=cut)),
    unreadable("closes in a body of unknown length", raw(head(), GOOD[:9])),
    answered("closes after a body of unknown length", raw(head(), GOOD)),
]

IDLE = [
    answered("closes idle connections", idle_then(close), good, **NO_RETRY),
    answered("cuts idle connections", idle_then(cut), good, **NO_RETRY),
    answered("resets idle connections", idle_then(reset), good, **NO_RETRY),
    answered("answers a second time, unasked", answer_twice, good, calls=2),
    answered("closes an old connection at the next request", good, close_at_once, good, calls=2, seen=3),
    answered("resets an old connection at the next request", good, reset_at_once, good, calls=2, seen=3),
]

SLOW = [
    late("never answers", never, **SHORTLY),
    lost("never answers a try", never, **A_MOMENT_A_PIECE),
    late("drips headers", drip(b"", WHOLE), **TWO_SECONDS),
    late("drips the body", drip(head(LENGTH), GOOD), **TWO_SECONDS),
    late("reads the upload at a crawl", read_upload(1), upload=BIG, operations=UPLOADS, **TWO_SECONDS),
    late("reads nothing of the upload", read_upload(0.001), upload=BIG, operations=UPLOADS, **SHORTLY),
    late("reads the upload steadily, too slowly", read_upload(1e6), upload=BIG, operations=UPLOADS, **SHORTLY),
    answered(
        "reads the upload at 20 KiB/s",
        read_upload(20 * 1024),
        upload=100 * 1024,
        send_buffer=4096,
        operations=UPLOADS,
        settings={"read_timeout": 3.0},
    ),
]

LENGTHS = [
    lost("Content-Length too long", raw(head(b"Content-Length: 999"), GOOD)),
    lost(
        "Content-Length too long, and waits",
        raw(head(b"Content-Length: 999"), GOOD, then=keep),
        **A_MOMENT_A_PIECE,
    ),
    lost("Content-Length of 1 TiB", raw(head(b"Content-Length: %d" % 2**40), GOOD)),
    lost("Content-Length beyond any", raw(head(b"Content-Length: %d" % 2**80), GOOD)),
    lost(
        "Content-Length beyond any, without a limit",
        raw(head(b"Content-Length: %d" % 2**80), GOOD),
        settings={"max_response_bytes": None},
    ),
    unreadable("Content-Length too short", raw(head(b"Content-Length: 9"), GOOD, then=keep)),
    unreadable("Content-Length 0", raw(head(b"Content-Length: 0"), GOOD, then=keep), operations=GROUPED),
    answered("Content-Length too short for what follows", raw(WHOLE, STALE, then=keep), good, calls=2),
    lost("two different Content-Lengths", raw(head(LENGTH, b"Content-Length: 9"), GOOD)),
    answered("Content-Length twice", raw(head(LENGTH, LENGTH), GOOD)),
    answered("Content-Length is no number", raw(head(b"Content-Length: many"), GOOD)),
    answered("Content-Length is negative", raw(head(b"Content-Length: -9"), GOOD)),
]

CHUNKS = [
    answered(
        "chunks with extensions and a trailer", chunked(b"%x;a=b\r\n" % len(GOOD), GOOD, b"\r\n0\r\nT: t\r\n\r\n")
    ),
    lost("a chunk without a length", chunked(b"zz\r\n", GOOD)),
    lost("a chunk whose length repeats the token", chunked(b"{authorization}\r\n", GOOD)),
    lost("a chunk that breaks off", chunked(chunk(GOOD)[:9])),
    lost("no last chunk", chunked(chunk(GOOD))),
    lost("a chunk longer than it says", chunked(b"9\r\n", GOOD, b"\r\n0\r\n\r\n")),
    lost("a chunk of -9 bytes", chunked(b"-9\r\n", GOOD, b"\r\n0\r\n\r\n")),
    lost("a chunk of -1 bytes", chunked(b"-1\r\n", GOOD, b"\r\n0\r\n\r\n")),
    lost("a chunk of 1 TiB", chunked(b"%x\r\n" % 2**40, GOOD)),
    lost("a chunk beyond any", chunked(b"%x\r\n" % 2**80, GOOD)),
    lost("a chunk whose length has no end", endlessly(head(b"Transfer-Encoding: chunked"), b"0" * 4096)),
]

SIZES = [
    unreadable("a gzip bomb", bomb(50), **TEN_MEBIBYTES),
    unreadable("a gzip bomb in gzip", bomb(50, layers=2), **TEN_MEBIBYTES),
    unreadable("gzip in gzip in gzip", bomb(1, layers=9)),
    unreadable("a gzip bomb against the default", bomb(320), within=60),
    missing("a gzip bomb as an error", bomb(50, status=404), **TEN_MEBIBYTES),
    unreadable("a body without end", endlessly(head(), b" " * 65536), **TEN_MEBIBYTES),
    unreadable(
        "chunks without end", endlessly(head(b"Transfer-Encoding: chunked"), chunk(b" " * 4096)), **TEN_MEBIBYTES
    ),
    missing("an error without end", endlessly(head(status=b"404 Not Found"), b" " * 65536), **TEN_MEBIBYTES),
]

BODIES = [
    unreadable("no gzip", zipped(GOOD)),
    unreadable("broken gzip", zipped(broken_gzip())),
    unreadable("gzip that breaks off", zipped(gzip.compress(GOOD)[:-30])),
    unreadable("invalid JSON", answer(b'{"data": [{]}')),
    unreadable("JSON that breaks off", answer(GOOD[:9])),
    unreadable("JSON too deep", answer(b"[" * 100_000)),
    unreadable("a number too long", answer(b"9" * 100_000)),
    unreadable("HTML", answer(b"<html>{authorization}</html>", media_type=b"text/html")),
    unreadable("binary", answer(bytes(range(256)), media_type=b"application/octet-stream")),
    unreadable("no UTF-8", answer(GOOD.replace(b"mugs", b"m\xfcgs"))),
    unreadable("the wrong charset", answer(media_type=b"application/json; charset=utf-16")),
    answered("a charset that is a compression", answer(media_type=b"application/json; charset=zlib")),
    answered("a charset from str to str", answer(media_type=b"application/json; charset=rot13")),
    answered("a charset that nobody knows", answer(media_type=b"application/json; charset=x-{authorization}")),
    answered("another media type", answer(media_type=b"text/html")),
    answered("other JSON", answer(b'{"data": 5}'), end={"data": 5}, operations=UNGROUPED),
    unreadable("other JSON", answer(b'{"data": 5}'), operations=GROUPED),
    unreadable("other JSON that repeats the token", answer(b'{"data": "{authorization}"}'), operations=GROUPED),
    answered("an empty body", answer(b""), end=None, operations=UNGROUPED),
    unreadable("an empty body", answer(b""), operations=GROUPED),
    answered("204", raw(head(status=b"204 No Content")), end=None, operations=UNGROUPED),
    unreadable("204", raw(head(status=b"204 No Content")), status=204, operations=GROUPED),
]

HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n"

HEADERS = [
    answered("100 first", raw(b"HTTP/1.1 100 Continue\r\n\r\n", WHOLE)),
    answered("102 first", raw(b"HTTP/1.1 102 Processing\r\n\r\n", WHOLE)),
    answered("103 first", raw(HINT, WHOLE)),
    answered("1xx fifty times", raw(HINT * 50, WHOLE)),
    lost("1xx without end", endlessly(b"", HINT)),
    answered("big headers", raw(head(*[b"X-%d: " % n + b"x" * 1000 for n in range(50)], LENGTH), GOOD)),
    lost("a header too long", raw(head(b"X: " + b"x" * 100_000, LENGTH), GOOD)),
    lost("too many headers", raw(head(*[b"X: x"] * 200, LENGTH), GOOD)),
    lost("headers without end", endlessly(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n")),
    lost("a header without end", endlessly(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4096)),
    answered("a header that is none and repeats the token", raw(head(LENGTH, b"{authorization}"), GOOD)),
    lost("no HTTP", raw(b"SSH-2.0-server\r\n")),
    lost("binary, no HTTP", raw(bytes(range(256)))),
    lost("HTTP/2", raw(b"HTTP/2.0 200 OK\r\n\r\n")),
    lost("no HTTP, and repeats the token", raw(b"Authorization: {authorization}\r\n\r\n")),
    lost("a version of HTTP that repeats the token", raw(b"HTTP/{authorization} 200 OK\r\n\r\n")),
    lost("a status that repeats the token", raw(b"HTTP/1.1 {authorization}\r\n\r\n")),
]

REPEATED = b'{"detail": "{authorization}"}'
AWAY = b"Location: {elsewhere}/?token={authorization}"

REDIRECTS = [
    *(
        redirected(f"{status} to another host", answer(REPEATED, AWAY, status=status), status=status)
        for status in (301, 302, 303, 307, 308)
    ),
    redirected("302 to the same host", answer(b"", b"Location: /other", status=302), status=302),
    redirected("302 to nowhere", answer(b"", status=302), status=302),
    redirected("304", raw(head(status=b"304 Not Modified")), status=304),
]

CLASSES = {
    400: BadRequestException,
    401: UnauthorizedException,
    403: ForbiddenException,
    404: NotFoundException,
    422: UnprocessableEntityException,
    429: TooManyRequestsException,
}
TRANSIENT = (408, 429, 500, 502, 503, 504)
STATUSES = (
    *(*range(400, 419), *range(421, 427), 428, 429, 431, 451),
    *(*range(500, 509), 510, 511, 520, 529, 599),
)


def refused(name: str, status: int, *headers: bytes, body: bytes = REPEATED, **columns: Any) -> Fault:
    """The response is an error, and repeats the token."""
    row = kind(
        end=CLASSES.get(status, ServiceException if status >= 500 else ApiException),
        status=status,
        tries=2 if status in TRANSIENT else 1,
    )
    return row(name, answer(body, b"X-Request-ID: {authorization}", *headers, status=status), **columns)


SOON, LATER = b"Retry-After: 0", b"Retry-After: 120"
ON_A_DATE, IN_THE_PAST = b"Retry-After: Fri, 31 Dec 2999 23:59:59 GMT", b"Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"

ERRORS = [
    *(refused(f"{status}", status) for status in STATUSES),
    *(refused(f"{status} with Retry-After", status, SOON, retry_after=0.0) for status in STATUSES),
    *(refused(f"{status} with a long Retry-After", status, LATER, tries=1, retry_after=120.0) for status in TRANSIENT),
    refused("429 until a date", 429, ON_A_DATE, tries=1, retry_after=pytest.approx(3e10, rel=0.1)),
    refused("429 until a date in the past", 429, IN_THE_PAST, retry_after=0.0),
    refused("429 with nonsense in Retry-After", 429, b"Retry-After: soon"),
    refused("429 for longer than there is time", 429, b"Retry-After: 9", tries=1, retry_after=9.0, **SHORTLY),
    refused("429 with retry-after-ms", 429, b"retry-after-ms: 1", retry_after=0.001),
    refused("429 with a long retry-after-ms", 429, b"retry-after-ms: 120000", tries=1, retry_after=120.0),
    refused("401 in HTML", 401, body=b"<html>{authorization}</html>"),
    refused("401 in binary", 401, body=bytes(range(256)) + b"{authorization}"),
    refused("404 without a body", 404, body=b""),
    refused(
        "422 in detail", 422, body=b'{"detail": [{"loc": ["{authorization}"], "msg": "{authorization}", "type": ""}]}'
    ),
    missing("a reason that repeats the token", raw(head(status=b"404 {authorization}"))),
    missing("404 that breaks off", raw(head(LENGTH, status=b"404 Not Found"))),
    missing("404 in broken gzip", answer(GOOD, b"Content-Encoding: gzip", status=404)),
    too_large("413 before the upload", answer_before_the_upload, upload=BIG, operations=UPLOADS),
    too_large("413 and closes before the upload", answer_and_leave_the_upload, upload=BIG, operations=UPLOADS),
]

CERTIFICATES = [
    *(
        hopeless(f"a certificate, {kind}", good, tls=kind)
        for kind in ("expired", "not yet valid", "self-signed", "of an unknown authority", "for another host")
    ),
    hopeless("asks for a client's certificate", refuse_the_client, tls="asks for the client's"),
    hopeless("asks for a client's certificate, TLS 1.2", refuse_the_client, tls="asks for the client's, TLS 1.2"),
    answered("gets a client's certificate", good, tls="asks for the client's", certificate=True),
]

HANDSHAKES = [
    lost("drips the handshake", drip_a_handshake, tls="good", **A_MOMENT_TO_CONNECT),
    lost("never begins the handshake", never_speak, tls="good", **A_MOMENT_TO_CONNECT),
    lost("resets the handshake", reset_in_the_handshake, tls="good"),
    lost("closes the handshake", close_in_the_handshake, tls="good"),
    hopeless("speaks no TLS", speak_no_tls, tls="good"),
]

CONNECTS = [
    lost("refuses the connection", good, seen=0, lookups=(("::1",),)),
    lost("has a name that nobody knows", good, seen=0, lookups=((),)),
    answered("refuses at one of its addresses", good, lookups=(("::1", "127.0.0.1"),)),
    late(
        "swallows the SYN at three addresses",
        good,
        seen=0,
        lookups=(("127.1", "127.0.1", "127.0.0.1"),),
        swallows=True,
        settings={"connect_timeout": 1.0, "retries": False},
    ),
]


def through_a_proxy(fault: Fault) -> Fault:
    return replace(fault, tls=fault.tls or "good", proxy=PROXY_USER if fault.proxy is None else fault.proxy)


PROXIES = [
    through_a_proxy(fault)
    for fault in (
        answered("a proxy with credentials", good),
        hopeless("a proxy that gets no credentials", good, proxy=""),
        hopeless("a proxy that gets others", good, proxy=f"other:{PROXY_PASSWORD}"),
        hopeless("a proxy that repeats the credentials", to_connect(b"HTTP/1.1 407 {authorization}\r\n\r\n")),
        hopeless("a proxy that forbids it", to_connect(b"HTTP/1.1 403 Forbidden\r\n\r\n")),
        lost("a proxy that fails", to_connect(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")),
        lost("a proxy that resets CONNECT", to_connect(b"", then=reset)),
        lost("a proxy that closes at CONNECT", to_connect(b"")),
        lost("a proxy that speaks no HTTP", to_connect(b"SSH-2.0-server {authorization}\r\n")),
        lost("a proxy that resets after CONNECT", reset_in_the_handshake),
        late("a proxy that drips its answer", drip_to_connect, **SHORTLY),
        late("a proxy that never answers", never_connect, **SHORTLY),
        lost("a proxy that refuses the connection", good, seen=0, lookups=(("::1",),)),
        lost("a reset behind a proxy", raw(then=reset)),
        refused("503 behind a proxy", 503, SOON, retry_after=0.0),
        hopeless("a certificate for another host behind a proxy", good, tls="for another host"),
    )
]

FAULTS = [
    *(*BREAKS, *IDLE, *SLOW, *over_tls([*BREAKS, *IDLE, *SLOW])),
    *(*LENGTHS, *CHUNKS, *SIZES, *BODIES, *HEADERS, *REDIRECTS, *ERRORS),
    *(*CERTIFICATES, *HANDSHAKES, *CONNECTS, *PROXIES),
]
