"""What the tests share: a stand-in with the demo's catalogue, and a server that answers what it is told to."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator

import pytest
from PIL import Image
from scripted_server import Reply, ScriptedServer, scripted_server

import coactive
import coactive.local
from coactive.apis import SimilaritySearchApi


@pytest.fixture(autouse=True)
def _environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on what the machine's environment says of hosts, tokens and proxies."""
    for name in list(os.environ):
        if name.startswith("COACTIVE_") or name.upper() in {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"}:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def service() -> Iterator[coactive.local.Service]:
    """The stand-in, with the demo's catalogue."""
    with coactive.local.running() as running:
        yield running


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server that answers what it is told to; an empty search result if nothing else."""
    with scripted_server() as running:
        yield running


@pytest.fixture
def held(server: ScriptedServer) -> Iterator[threading.Event]:
    """The server answers when this is set."""
    hold = threading.Event()
    server.reply(Reply(hold=hold))
    yield hold
    hold.set()


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[coactive.ApiClient]:
    """A client of `server` that does not retry."""
    with coactive.ApiClient(server.configuration(retries=False)) as api_client:
        yield api_client


@pytest.fixture
def api(client: coactive.ApiClient) -> SimilaritySearchApi:
    """The searches of `client`."""
    return SimilaritySearchApi(client)


@pytest.fixture(scope="session")
def png() -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (24, 16), "teal").save(buffer, "PNG")
    return buffer.getvalue()
