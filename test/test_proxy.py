import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trustme
import urllib3
from scripted_server import TOKEN, ScriptedServer, scripted_server, unused_port

from coactive import ApiClient, ApiException, ApiValueError, Configuration
from coactive.apis import SimilaritySearchApi
from coactive.proxy import proxy_for

PLAIN = "http://service.test"
BASIC = "Basic " + base64.b64encode(b"user:p@ss").decode()


def search(host: str, **settings: Any) -> Any:
    given: dict[str, Any] = {"retries": False, "access_token": TOKEN, "allow_insecure_http": True, **settings}
    with ApiClient(Configuration(host, **given)) as client:
        return SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug").to_dict()


@contextmanager
def tls_server(authority: trustme.CA, name: str) -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    with scripted_server(context) as scripted:
        yield scripted


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while block := source.recv(65536):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def tunnel(port: int, answer: bytes = b"200 OK") -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that takes one CONNECT, to wherever it is, through to `port` of loopback; and what it was asked."""
    asked: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 " + answer + b"\r\n\r\n")
            if answer.startswith(b"200"):
                with socket.create_connection(("127.0.0.1", port)) as target:
                    back = threading.Thread(target=pump, args=(target, connection), daemon=True)
                    back.start()
                    pump(connection, target)
                    back.join(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        thread.join(10)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_a_plain_http_call_goes_through_the_proxy_with_the_whole_address(server: ScriptedServer) -> None:
    assert search(f"{PLAIN}:8000/base", proxy=server.host) == {"data": []}
    assert server.seen[0].target.startswith(f"{PLAIN}:8000/base/api/v0/")
    assert server.seen[0].headers["Host"] == "service.test:8000"
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert "Proxy-Authorization" not in server.seen[0].headers


def test_a_proxy_without_a_scheme_is_an_http_proxy(server: ScriptedServer) -> None:
    assert search(PLAIN, proxy=f"127.0.0.1:{server.port}") == {"data": []}


def test_credentials_in_the_proxys_address_are_decoded_and_sent_to_it(server: ScriptedServer) -> None:
    search(PLAIN, proxy=f"http://user:p%40ss@127.0.0.1:{server.port}", proxy_headers={"X-Team": "search"})
    assert server.seen[0].headers["Proxy-Authorization"] == BASIC
    assert server.seen[0].headers["X-Team"] == "search"


def test_proxy_headers_win_over_the_credentials_in_the_address(server: ScriptedServer) -> None:
    search(PLAIN, proxy=f"http://user:pass@127.0.0.1:{server.port}", proxy_headers={"Proxy-Authorization": "Other x"})
    assert [value for name, value in server.seen[0].headers.items() if name.lower() == "proxy-authorization"] == [
        "Other x"
    ]


def test_an_https_call_is_tunnelled_and_its_token_hidden_from_the_proxy(authority: trustme.CA) -> None:
    with tls_server(authority, "service.test") as target, tunnel(target.port) as (proxy, asked):
        answer = search(
            "https://service.test",
            proxy=proxy.replace("//", "//user:p%40ss@"),
            proxy_headers={"X-Team": "search"},
            ssl_ca_cert=authority.cert_pem.bytes().decode(),
        )
        assert answer == {"data": []}
        assert asked[0].startswith(b"CONNECT service.test:443 HTTP/1.")
        assert b"\r\nX-Team: search\r\n" in asked[0]
        assert f"\r\nProxy-Authorization: {BASIC}\r\n".encode() in asked[0]
        assert b"Bearer" not in asked[0]
        assert target.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
        assert not {"X-Team", "Proxy-Authorization"} & set(target.seen[0].headers)


def test_a_proxy_can_itself_be_reached_by_tls(authority: trustme.CA) -> None:
    with tls_server(authority, "127.0.0.1") as proxy:
        address = f"https://127.0.0.1:{proxy.port}"
        assert search(PLAIN, proxy=address, ssl_ca_cert=authority.cert_pem.bytes().decode()) == {"data": []}
        with pytest.raises(ApiException, match="TLS failed|the proxy failed"):
            search(PLAIN, proxy=address.upper(), ssl_ca_cert=trustme.CA().cert_pem.bytes().decode(), retries=0)
        assert search(PLAIN, proxy=address.upper(), ssl_ca_cert=authority.cert_pem.bytes().decode()) == {"data": []}
        with pytest.raises(ApiException, match=r"the proxy failed .*certificate verify failed"):
            search(PLAIN, proxy=address)
        with pytest.raises(ApiValueError, match=r"^ssl_ca_cert: 'absent' cannot be used: "):
            search(PLAIN, proxy=address, ssl_ca_cert="absent")
        assert {seen.target.split("/api")[0] for seen in proxy.seen} == {PLAIN}


@pytest.mark.parametrize("answer", [b"403 Forbidden", b"407 Proxy Authentication Required"])
def test_a_proxy_that_refuses_to_tunnel_is_named_as_what_failed(answer: bytes) -> None:
    with tunnel(0, answer) as (proxy, _), pytest.raises(ApiException) as caught:
        search("https://service.test", proxy=proxy)
    assert caught.value.status == 0
    assert str(caught.value) == (
        f"no answer from https://service.test: the proxy failed (Tunnel connection failed: {answer.decode()})"
    )
    assert isinstance(caught.value.__cause__, urllib3.exceptions.ProxyError)


def test_a_proxy_that_nobody_serves_is_named_as_what_failed() -> None:
    with pytest.raises(ApiException, match=r"^no answer from http://service\.test: the proxy failed \(") as caught:
        search(PLAIN, proxy=f"http://127.0.0.1:{unused_port()}")
    assert caught.value.status == 0


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://user:hunter2@127.0.0.1",
        "ftp://user:hunter2@127.0.0.1",
        "http://",
        "://",
        "http://[hunter2",
        "http://ж:hunter2@h",
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_and_its_credentials_are_not_shown(proxy: str) -> None:
    with pytest.raises(ApiValueError) as caught:
        search(PLAIN, proxy=proxy)
    start = "proxy: expected an address such as 'http://proxy:3128'; this one cannot be used ("
    assert str(caught.value).startswith(start)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
def test_the_environments_proxy_is_used_beyond_loopback(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, server.host)
    assert search(PLAIN) == {"data": []}
    assert server.seen[0].target.startswith(f"{PLAIN}/api/v0/")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_environments_proxy_is_never_used_for_loopback(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with scripted_server() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.host)
        assert search(f"http://{name}:{server.port}") == {"data": []}
        assert (len(server.seen), len(proxy.seen)) == (1, 0)


def test_an_explicit_proxy_is_used_even_for_loopback(server: ScriptedServer) -> None:
    with scripted_server() as proxy:
        search(server.host, proxy=proxy.host)
        assert (len(server.seen), len(proxy.seen)) == (0, 1)


def test_an_explicit_proxy_wins_over_the_environments(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_server() as other:
        monkeypatch.setenv("HTTP_PROXY", other.host)
        search(PLAIN, proxy=server.host)
        assert (len(server.seen), len(other.seen)) == (1, 0)


def test_a_host_in_no_proxy_is_reached_directly(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_server() as proxy:
        search(server.host, proxy=proxy.host, no_proxy="127.0.0.0/8")
        monkeypatch.setenv("NO_PROXY", f"example.org, 127.0.0.1:{server.port}")
        search(server.host, proxy=proxy.host)
        search(server.host, proxy=proxy.host, no_proxy="")
        assert [seen.target.split("/api")[0] for seen in server.seen] == ["", ""]
        assert [seen.target.split("/api")[0] for seen in proxy.seen] == [server.host]


ORIGINS = {"https": "https://app.coactive.ai", "http": "http://app.coactive.ai"}


@pytest.mark.parametrize(
    ("scheme", "environment", "proxy"),
    [
        ("https", {}, None),
        ("https", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https", {"https_proxy": "http://p:1"}, "http://p:1"),
        ("https", {"https_proxy": "http://p:1", "HTTPS_PROXY": "http://p:2"}, "http://p:1"),
        ("https", {"https_proxy": "", "HTTPS_PROXY": "http://p:2"}, "http://p:2"),
        ("https", {"HTTPS_PROXY": "p:1"}, "http://p:1"),
        ("https", {"HTTP_PROXY": "http://p:1"}, None),
        ("http", {"HTTPS_PROXY": "http://p:1"}, None),
        ("http", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("https", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "coactive.ai"}, None),
        ("https", {"HTTPS_PROXY": "http://p:1", "no_proxy": "coactive.ai"}, None),
    ],
)
def test_the_environment_names_a_proxy_for_each_scheme(
    monkeypatch: pytest.MonkeyPatch, scheme: str, environment: dict[str, str], proxy: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(ORIGINS[scheme], None, None) == proxy


def test_explicit_settings_win_over_the_environments_and_an_empty_one_switches_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = ORIGINS["https"]
    monkeypatch.setenv("HTTPS_PROXY", "http://environment:1")
    assert proxy_for(host, "http://given:1", None) == "http://given:1"
    assert proxy_for(host, "", None) is None
    monkeypatch.setenv("NO_PROXY", "coactive.ai")
    assert proxy_for(host, None, "example.org") == "http://environment:1"
    assert proxy_for(host, None, "") == "http://environment:1"
    assert proxy_for(host, "http://given:1", None) is None


@pytest.mark.parametrize(
    ("host", "no_proxy", "direct"),
    [
        ("https://app.coactive.ai", "app.coactive.ai", True),
        ("https://app.coactive.ai", "coactive.ai", True),
        ("https://app.coactive.ai", ".coactive.ai", True),
        ("https://app.coactive.ai", "*.coactive.ai", True),
        ("https://app.coactive.ai", " example.org ,, Coactive.AI ", True),
        ("https://APP.coactive.ai", "app.coactive.ai", True),
        ("https://app.coactive.ai", "*", True),
        ("https://app.coactive.ai", "", False),
        ("https://app.coactive.ai", ",", False),
        ("https://app.coactive.ai", "active.ai", False),
        ("https://app.coactive.ai", "app.coactive.ai.example.org", False),
        ("https://app.coactive.ai", "coactive.ai:443", True),
        ("https://app.coactive.ai", "coactive.ai:80", False),
        ("https://app.coactive.ai", "coactive.ai:port", False),
        ("https://app.coactive.ai", "coactive.ai:²", False),
        ("http://app.coactive.ai", "coactive.ai:80", True),
        ("https://app.coactive.ai:8443", "coactive.ai:8443", True),
        ("https://app.coactive.ai:8443", "coactive.ai:443", False),
        ("https://app.coactive.ai", "10.0.0.0/8", False),
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://10.1.2.3", "10.1.2.3:443", True),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "10.1.2.99/24", True),
        ("https://10.1.2.3", "10.2.0.0/16", False),
        ("https://10.1.2.3", "10.0.0.0/99", False),
        ("https://10.1.2.3", "2001:db8::/32", False),
        ("https://[2001:db8::1]", "2001:db8::/32", True),
        ("https://[2001:db8::1]", "2001:db8::1", True),
        ("https://[2001:db8::1]", "[2001:db8::1]", True),
        ("https://[2001:db8::1]", "[2001:db8::1]:443", True),
        ("https://[2001:db8::1]", "[2001:db8::1]:80", False),
        ("https://[2001:db8::1]", "2001:db8::2", False),
    ],
)
def test_no_proxy_holds_domains_addresses_networks_and_ports(host: str, no_proxy: str, direct: bool) -> None:
    assert proxy_for(host, "http://p:1", no_proxy) == (None if direct else "http://p:1")
