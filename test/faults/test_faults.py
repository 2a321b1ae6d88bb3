"""Each fault of the table with each operation that it can happen to."""

from __future__ import annotations

import logging
import pickle
import random
import socket
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from time import monotonic, sleep
from typing import Any
from unittest.mock import patch

import pytest

from coactive import ApiClient, ApiException, Configuration
from coactive.apis import SimilaritySearchApi
from faults.behaviours import ANSWER, good
from faults.certificates import Certificates
from faults.server import Server, serving, swallowing
from faults.table import FAULTS, PROXY_AUTHORIZATION, PROXY_PASSWORD, Fault

pytestmark = pytest.mark.heavy

SECRET = "a-very-secret-secret"
TOKEN = f"an-id:{SECRET}"
SECRETS = (
    *(SECRET, PROXY_PASSWORD),
    *(b64encode(f"{user}:{PROXY_PASSWORD}".encode()).decode() for user in ("user", "other")),
)

CALLS: dict[str, Callable[..., Any]] = {
    "get_similar_images": lambda api, file, **options: api.get_similar_images("e", file, **options),
    "get_similar_images_grouped": lambda api, file, **options: api.get_similar_images_grouped(
        "e", "sku", file, **options
    ).to_dict(),
    "get_similar_images_grouped_semantic": lambda api, file, **options: api.get_similar_images_grouped_semantic(
        "e", "sku", file, **options
    ).to_dict(),
    "search_images_by_text_grouped": lambda api, _, **options: api.search_images_by_text_grouped(
        "e", "mug", **options
    ).to_dict(),
}

CASES = [
    pytest.param(fault, operation, id=f"{fault.name}-{operation}") for fault in FAULTS for operation in fault.operations
]
PASSING = [case for case in CASES if isinstance(case.values[0], Fault) and case.values[0].tries > 1]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.fixture(autouse=True)
def _no_time_is_lost_before_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long the waits are is not what is tested here."""
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)


@pytest.mark.parametrize(("fault", "operation"), CASES)
def test_a_call_ends_as_the_table_says(
    fault: Fault,
    operation: str,
    certificates: Certificates,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    with against(fault, certificates) as (server, client):
        began = monotonic()
        ends = [end_of(operation, client, fault, server) for _ in range(fault.calls)]
        seconds = monotonic() - began
    request.node.user_properties.append(("seconds", round(seconds, 2)))  # record_property warns under xunit2
    assert [described(end) for end in ends] == [expected(fault)] * fault.calls
    assert server.seen == (fault.tries * fault.calls if fault.seen is None else fault.seen)
    assert server.seen_elsewhere == 0
    assert seconds < fault.within
    assert leaks(*ends, caplog) == []


@pytest.mark.parametrize(("fault", "operation"), PASSING)
def test_a_fault_that_passes_costs_one_try_and_the_call_succeeds(
    fault: Fault, operation: str, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    lookups = (*fault.lookups, ("127.0.0.1",)) if fault.lookups else ()
    passing = replace(fault, script=(*fault.script, good), lookups=lookups)
    with against(passing, certificates) as (server, client):
        answer = end_of(operation, client, passing, server)
    assert answer == ANSWER
    assert server.seen == (1 if lookups else 2)
    assert leaks(answer, caplog) == []


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_an_error_or_a_log_would_be_found(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    assert leaks(ApiException(500, "a reason"), caplog) == []
    assert leaks(ApiException(500, "a reason", explanation=secret))
    logging.getLogger("urllib3").debug("%s", secret)
    assert leaks(caplog)


@contextmanager
def against(fault: Fault, certificates: Certificates) -> Iterator[tuple[Server, ApiClient]]:
    """A server with the fault, and a client of it."""
    context = certificates.context(fault.tls) if fault.tls else None
    authorization = PROXY_AUTHORIZATION if fault.proxy is not None else None
    with ExitStack() as stack:
        server = stack.enter_context(serving(*fault.script, context=context, proxy=authorization))
        port = stack.enter_context(swallowing()) if fault.swallows else server.port
        if fault.lookups:
            stack.enter_context(patch.object(socket, "getaddrinfo", looked_up(fault.lookups)))
        if fault.send_buffer:
            stack.enter_context(patch.object(socket.socket, "connect", connecting(fault.send_buffer)))
        settings = {"retries": 1, "access_token": TOKEN, **where(fault, port), **fault.settings}
        if fault.tls:
            settings["ssl_ca_cert"] = certificates.trusted
        if fault.certificate:
            settings["cert_file"] = certificates.of_the_client
        client = stack.enter_context(ApiClient(Configuration(**settings)))
        yield server, client
    assert all(TOKEN.encode() in head for head in server.heads if not head.startswith(b"CONNECT "))
    assert not any(b"Bearer" in head for head in server.heads if head.startswith(b"CONNECT "))


def where(fault: Fault, port: int) -> dict[str, str]:
    """The settings that lead to the server."""
    address = f"{'localhost' if fault.lookups else '127.0.0.1'}:{port}"
    if fault.proxy is None:
        return {"host": f"{'https' if fault.tls else 'http'}://{address}"}
    return {"host": "https://service.test", "proxy": f"http://{fault.proxy}{'@' if fault.proxy else ''}{address}"}


def looked_up(lookups: tuple[tuple[str, ...], ...]) -> Callable[..., Any]:
    """A `getaddrinfo` that knows these addresses of localhost: one item each time, the last one for ever."""
    real, left = socket.getaddrinfo, list(lookups)

    def getaddrinfo(host: str, port: int, *args: Any) -> Any:
        if host != "localhost":
            return real(host, port, *args)
        names = left.pop(0) if len(left) > 1 else left[0]
        if not names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, port)) for name in names]

    return getaddrinfo


def connecting(send_buffer: int) -> Callable[[socket.socket, Any], None]:
    """A `connect` of sockets with a small buffer: over loopback it takes megabytes else, however slow the reader."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        real(self, address)

    return connect


def end_of(operation: str, client: ApiClient, fault: Fault, server: Server) -> Any:
    """What a call returns or raises; when this returns, the server has done what it does after its answer."""
    options = {} if fault.timeout is None else {"_request_timeout": fault.timeout}
    file = b"\x89PNG\r\n\x1a\n" + bytes(fault.upload)
    try:
        return CALLS[operation](SimilaritySearchApi(client), file, **options)
    except ApiException as error:
        return error
    finally:
        patience = monotonic() + 10
        while fault.calls > 1 and server.busy and monotonic() < patience:
            sleep(0.01)


def described(end: Any) -> Any:
    """An exception by what the table says of it; an answer as it is."""
    if isinstance(end, ApiException):
        return type(end), end.status, end.tries, end.retry_after
    return end


def expected(fault: Fault) -> Any:
    """What `described` gives where a call ends as the table says."""
    if isinstance(fault.end, type):
        return fault.end, fault.status, fault.tries, fault.retry_after
    return fault.end


def leaks(*shown: Any) -> list[str]:
    """The lines with a secret in what a program could show of exceptions and logs."""
    lines = [line for item in shown for text in texts(item) for line in text.splitlines()]
    return [line for line in lines if any(secret in line for secret in SECRETS)]


def texts(shown: Any) -> Iterator[str]:
    if isinstance(shown, pytest.LogCaptureFixture):
        yield shown.text
        yield from (str(record.__dict__) for record in shown.records)
    elif isinstance(shown, ApiException):
        yield from (str(shown), repr(shown), "".join(traceback.format_exception(shown)))
        yield from (str(shown.__dict__), str(shown.body), str(dict(shown.headers)), str(shown.explanation))
        yield pickle.dumps(shown).decode("latin-1")
