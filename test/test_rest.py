import gzip
import io
import socket
import ssl
import threading
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
import urllib3
from scripted_server import Reply, ScriptedServer, scripted_server, unused_port

from coactive import (
    ApiClient,
    ApiConnectionError,
    ApiDecodeError,
    ApiException,
    ApiValueError,
    Configuration,
    NotFoundException,
)
from coactive.apis import SimilaritySearchApi

OK: dict[str, Any] = {"data": []}


def search(configuration: Configuration) -> Any:
    with ApiClient(configuration) as client:
        return SimilaritySearchApi(client).get_similar_images("e", b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize(
    ("reply", "words", "cause"),
    [
        (Reply(raw=b""), "the connection broke (Remote end closed", urllib3.exceptions.ProtocolError),
        (Reply(raw=b"SSH-2.0-server\r\n"), "the connection broke (SSH-2.0-server", urllib3.exceptions.ProtocolError),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), "broke", urllib3.exceptions.ProtocolError),
        (
            Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
            "broke",
            urllib3.exceptions.ProtocolError,
        ),
        (
            Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"),
            "broke",
            urllib3.exceptions.ProtocolError,
        ),
        (
            Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200),
            "the connection broke (",
            urllib3.exceptions.ProtocolError,
        ),
    ],
    ids=["nothing", "no HTTP", "too short", "broken chunk", "no chunk", "too many headers"],
)
def test_a_broken_answer_is_an_api_exception_with_the_cause(
    server: ScriptedServer, reply: Reply, words: str, cause: type[Exception]
) -> None:
    server.reply(reply)
    with pytest.raises(ApiException) as caught:
        search(server.configuration(retries=False))
    assert (caught.value.status, caught.value.body, caught.value.data, dict(caught.value.headers)) == (
        0,
        None,
        None,
        {},
    )
    assert str(caught.value).startswith(f"no answer from {server.host}: ")
    assert words in str(caught.value)
    assert isinstance(caught.value.__cause__, cause)


def test_a_refused_connection_is_an_api_exception_that_says_so() -> None:
    host = f"http://127.0.0.1:{unused_port()}"
    with pytest.raises(ApiException) as caught:
        search(Configuration(host, access_token="id:secret", retries=False))
    assert str(caught.value).startswith(f"no answer from {host}: cannot connect (")
    assert "refused" in str(caught.value)
    assert caught.value.status == 0
    assert isinstance(caught.value.__cause__, urllib3.exceptions.NewConnectionError)


def test_the_traceback_of_a_refused_connection_is_short() -> None:
    configuration = Configuration(f"http://127.0.0.1:{unused_port()}", access_token="a:b", retries=False)
    with pytest.raises(ApiException) as caught:
        search(configuration)
    shown = "".join(traceback.format_exception(caught.value))
    assert "ConnectionRefusedError: [Errno 111]" in shown
    assert len([line for line in shown.splitlines() if "/urllib3/" in line]) == 0


def test_an_unknown_name_is_an_api_exception_that_says_so() -> None:
    with pytest.raises(ApiException) as caught:
        search(Configuration("https://nowhere.invalid", access_token="id:secret", retries=False))
    assert str(caught.value).startswith("no answer from https://nowhere.invalid: the host's name is not known (")
    assert isinstance(caught.value.__cause__, urllib3.exceptions.NameResolutionError)


def test_a_name_that_cannot_be_one_is_an_api_exception_and_not_tried_again() -> None:
    with pytest.raises(ApiException, match="the host's name cannot be one") as caught:
        search(Configuration(f"https://{'a' * 64}.example", access_token="id:secret", retries=1_000))
    assert caught.value.status == 0


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_answer_is_unpacked(server: ScriptedServer, encoding: str, compress: Any) -> None:
    server.reply(Reply(body=compress(b'{"data": []}'), headers={"Content-Encoding": encoding}))
    assert search(server.configuration()) == OK


def test_a_broken_compression_is_a_decode_error_and_not_tried_again(server: ScriptedServer) -> None:
    server.reply(Reply(200, body=b"no gzip", headers={"Content-Encoding": "gzip", "X-Request-ID": "r-1"}))
    with pytest.raises(ApiDecodeError, match="its content encoding is broken: ") as caught:
        search(server.configuration())
    assert (caught.value.status, caught.value.request_id, caught.value.body) == (200, "r-1", "")
    assert isinstance(caught.value.__cause__, urllib3.exceptions.DecodeError)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, body=b"no gzip", headers={"Content-Encoding": "gzip", "X-Request-ID": "r-1"}),
        Reply(raw=b"HTTP/1.1 404 Not Found\r\nX-Request-ID: r-1\r\nContent-Length: 9\r\n\r\n{"),
    ],
)
def test_a_status_that_came_counts_though_its_body_is_broken(server: ScriptedServer, reply: Reply) -> None:
    server.reply(reply)
    with pytest.raises(NotFoundException) as caught:
        search(server.configuration())
    first, *_, last = str(caught.value).splitlines()
    assert (first, last, caught.value.body) == ("404 Not Found", "Request ID: r-1", "")
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [100, 102, 103])
def test_informational_answers_before_the_one_that_counts_are_skipped(server: ScriptedServer, status: int) -> None:
    early = f"HTTP/1.1 {status} Early\r\nLink: <x>; rel=preload\r\n\r\n".encode()
    server.reply(Reply(raw=2 * early + b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n" + b'{"data": []}'))
    assert search(server.configuration(retries=False)) == OK


def test_a_storm_of_informational_answers_ends(server: ScriptedServer) -> None:
    server.reply(Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 101))
    with pytest.raises(ApiConnectionError, match="more than 100 answers of status 1xx"):
        search(server.configuration(retries=False))


def gzipped(size: int) -> Reply:
    return Reply(body=gzip.compress(b"[" + b" " * (size - 2) + b"]"), headers={"Content-Encoding": "gzip"})


def chunked(size: int) -> Reply:
    body = b"[" + b" " * (size - 2) + b"]"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Reply(raw=head + f"{size:x}\r\n".encode() + body + b"\r\n0\r\n\r\n")


def plain(size: int) -> Reply:
    return Reply(body=b"[" + b" " * (size - 2) + b"]")


@pytest.mark.parametrize("make", [plain, chunked, gzipped])
def test_a_response_is_taken_up_to_its_largest_size_and_not_tried_again_beyond(
    server: ScriptedServer, make: Callable[[int], Reply]
) -> None:
    configuration = server.configuration(max_response_bytes=500_000)
    server.reply(make(500_000))
    assert search(configuration) == []
    server.reply(make(500_001))
    with pytest.raises(ApiDecodeError) as caught:
        search(configuration)
    assert str(caught.value) == "200 OK: the response is larger than max_response_bytes, 500,000"
    assert (caught.value.status, caught.value.tries, len(server.seen)) == (200, 1, 2)
    configuration.max_response_bytes = None
    assert search(configuration) == []


def test_an_error_larger_than_the_largest_response_keeps_its_status(server: ScriptedServer) -> None:
    server.reply(Reply(404, b"x" * 1_001))
    with pytest.raises(NotFoundException) as caught:
        search(server.configuration(max_response_bytes=1_000))
    assert caught.value.body == ""


def test_one_connection_serves_calls_one_after_another_whatever_their_status(server: ScriptedServer) -> None:
    server.reply(Reply(), Reply.json({"detail": "no"}, 404), Reply(status=204, body=b""), Reply())
    with ApiClient(server.configuration()) as client:
        api = SimilaritySearchApi(client)
        statuses = []
        for _ in range(4):
            try:
                statuses.append(api.get_similar_images.raw("e", b"\x89PNG").status)
            except ApiException as error:
                statuses.append(error.status)
    assert statuses == [200, 404, 204, 200]
    assert server.connections == 1


def test_a_broken_answer_does_not_cost_the_client_a_connection(server: ScriptedServer) -> None:
    broken = Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
    unreadable = Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"})
    server.reply(broken, unreadable, broken, unreadable, Reply())
    with ApiClient(server.configuration(connection_pool_maxsize=1, retries=False, total_timeout=20)) as client:
        api = SimilaritySearchApi(client)
        for _ in range(4):
            with pytest.raises(ApiException):
                api.get_similar_images("e", b"\x89PNG")
        assert api.get_similar_images("e", b"\x89PNG") == OK


class Shortened(io.BytesIO):
    """Has lost its bytes by the time that they are sent."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size) if size is not None and 0 <= size <= 32 else b""


def test_a_file_that_fails_while_it_is_sent_is_the_callers_error_and_costs_no_connection(
    server: ScriptedServer,
) -> None:
    with ApiClient(server.configuration(connection_pool_maxsize=1, total_timeout=20)) as client:
        api = SimilaritySearchApi(client)
        for _ in range(2):
            with pytest.raises(ApiValueError, match="^file: "):
                api.get_similar_images("e", Shortened(b"\x89PNG" * 9))
        assert api.get_similar_images("e", b"\x89PNG") == OK


@contextmanager
def tls_server(certificate: trustme.LeafCert, clients: trustme.CA | None = None) -> Iterator[ScriptedServer]:
    """A scripted server with a certificate; `clients`: what must have signed its clients' own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        clients.configure_trust(context)
    with scripted_server(context) as scripted:
        yield scripted


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="module")
def secure(authority: trustme.CA) -> Iterator[ScriptedServer]:
    with tls_server(authority.issue_cert("127.0.0.1")) as server:
        yield server


def over_tls(server: ScriptedServer, name: str = "127.0.0.1", **settings: Any) -> Configuration:
    return server.configuration(host=f"https://{name}:{server.port}", **settings)


def test_a_certificate_that_is_not_trusted_ends_the_call_without_another_try(secure: ScriptedServer) -> None:
    before = secure.connections
    with pytest.raises(ApiException, match=r": TLS failed \(.*certificate verify failed") as caught:
        search(over_tls(secure, retries=1_000))
    assert caught.value.status == 0
    assert isinstance(caught.value.__cause__, urllib3.exceptions.SSLError)
    assert secure.connections == before


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "Https"])
def test_the_settings_of_tls_count_however_the_scheme_is_written(
    secure: ScriptedServer, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))  # what counts where there are no settings
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    host = f"{scheme}://127.0.0.1:{secure.port}"
    search(secure.configuration(host=host, ssl_ca_cert=ca_file))
    before = len(secure.seen)
    with pytest.raises(ApiException, match="TLS failed"):
        search(secure.configuration(host=host, ssl_ca_cert=tmp_path / "other.pem", retries=0))
    assert len(secure.seen) == before


def test_a_tls_connection_that_ends_under_an_upload_is_tried_again(
    server: ScriptedServer, authority: trustme.CA, ca_file: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    connections: list[None] = []

    def serve() -> None:
        while len(connections) < 2:
            connection, _ = listener.accept()
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(10)
                connections.append(None)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        host = f"https://127.0.0.1:{listener.getsockname()[1]}"
        configuration = server.configuration(host=host, ssl_ca_cert=ca_file, retries=1)
        with ApiClient(configuration) as client, pytest.raises(ApiException) as caught:
            SimilaritySearchApi(client).get_similar_images("e", bytes(4_000_000))
        thread.join(10)
    assert (caught.value.status, len(connections)) == (0, 2)


def test_an_authority_can_be_given_as_a_path_or_as_pem_text(secure: ScriptedServer, ca_file: Path) -> None:
    for authorities in (ca_file, str(ca_file), ca_file.read_text()):
        assert search(over_tls(secure, ssl_ca_cert=authorities)) == OK


def test_the_authority_can_come_from_the_environment_and_an_argument_wins(
    secure: ScriptedServer, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    assert search(over_tls(secure)) == OK
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with pytest.raises(ApiException, match="TLS failed"):
        search(over_tls(secure, ssl_ca_cert=other))


def test_a_context_of_ones_own_is_used_as_it_is(secure: ScriptedServer, ca_file: Path) -> None:
    context = ssl.create_default_context(cadata=ca_file.read_text())
    assert search(over_tls(secure, ssl_context=context, ssl_ca_cert="/no/such/file")) == OK
    with pytest.raises(ApiConnectionError, match="TLS failed"):
        search(over_tls(secure, ssl_context=ssl.create_default_context(), ssl_ca_cert=ca_file))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"verify_ssl": False}, "verify_ssl: False does not go with ssl_context; set its verify_mode"),
        (
            {"assert_hostname": False},
            "assert_hostname: it does not go with ssl_context, whose check_hostname it would change",
        ),
        ({"cert_file": "c"}, "cert_file: it does not go with ssl_context; load it by load_cert_chain() of that"),
        ({"key_file": "k"}, "key_file: it does not go with ssl_context; load it by load_cert_chain() of that"),
    ],
)
def test_settings_that_a_context_of_ones_own_would_hide_are_refused(
    secure: ScriptedServer, settings: dict[str, Any], message: str
) -> None:
    before = secure.connections
    with pytest.raises(ApiValueError) as caught:
        search(over_tls(secure, ssl_context=ssl.create_default_context(), **settings))
    assert (str(caught.value), secure.connections) == (message, before)


def test_without_verification_any_certificate_will_do_and_urllib3_warns(secure: ScriptedServer) -> None:
    with pytest.warns(urllib3.exceptions.InsecureRequestWarning):
        assert search(over_tls(secure, verify_ssl=False)) == OK


def test_a_service_that_speaks_no_tls_is_an_api_exception(server: ScriptedServer) -> None:
    with pytest.raises(ApiException, match="TLS failed") as caught:
        search(over_tls(server, retries=1_000))
    assert caught.value.status == 0


@pytest.mark.parametrize("expected", [None, True, "other.example"])
def test_a_certificate_for_another_name_is_refused(
    secure: ScriptedServer, ca_file: Path, expected: str | bool | None
) -> None:
    with pytest.raises(ApiException, match="TLS failed"):
        search(over_tls(secure, "localhost", ssl_ca_cert=ca_file, assert_hostname=expected))


@pytest.mark.parametrize("expected", ["127.0.0.1", False])
def test_another_name_can_be_expected_in_the_certificate_or_any(
    secure: ScriptedServer, ca_file: Path, expected: str | bool
) -> None:
    assert search(over_tls(secure, "localhost", ssl_ca_cert=ca_file, assert_hostname=expected)) == OK


def test_a_client_certificate_is_shown_where_one_is_asked_for(
    authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    mine = authority.issue_cert("me@example.org")
    cert, key, both = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "both.pem"
    mine.cert_chain_pems[0].write_to_path(str(cert))
    mine.private_key_pem.write_to_path(str(key))
    mine.private_key_and_cert_chain_pem.write_to_path(str(both))
    with tls_server(authority.issue_cert("127.0.0.1"), authority) as server:
        assert search(over_tls(server, ssl_ca_cert=ca_file, cert_file=cert, key_file=key)) == OK
        assert search(over_tls(server, ssl_ca_cert=ca_file, cert_file=str(both))) == OK
        with pytest.raises(ApiException) as caught:
            search(over_tls(server, ssl_ca_cert=ca_file, retries=False))
        assert caught.value.status == 0
        assert len(server.seen) == 2


def encrypted_key(folder: Path) -> str:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(trustme.CA().issue_cert("a").private_key_pem.bytes(), None)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"a password"),
    )
    (folder / "encrypted.pem").write_bytes(text)
    return str(folder / "encrypted.pem")


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("ssl_ca_cert", "absent", r"^ssl_ca_cert: '.*absent' cannot be used: No such file or directory$"),
        ("ssl_ca_cert", "text", r"^ssl_ca_cert: '.*text' cannot be used: .*certificate"),
        ("ssl_ca_cert", "", r"^ssl_ca_cert: '.*' cannot be used: "),
        ("cert_file", "absent", r"^cert_file: '.*absent' cannot be used: No such file or directory$"),
        ("cert_file", "text", r"^cert_file: '.*text' cannot be used: "),
        ("key_file", "text", r"^key_file: it needs cert_file$"),
    ],
)
def test_a_file_for_tls_that_cannot_be_used_is_named_before_the_network(
    secure: ScriptedServer, tmp_path: Path, setting: str, value: str, message: str
) -> None:
    (tmp_path / "text").write_text("no certificate")
    before = secure.connections
    with pytest.raises(ApiValueError, match=message):
        search(secure.configuration(host=f"https://127.0.0.1:{secure.port}", **{setting: tmp_path / value}))
    assert secure.connections == before


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(
    secure: ScriptedServer, authority: trustme.CA, tmp_path: Path
) -> None:
    cert = tmp_path / "cert.pem"
    authority.issue_cert("me@example.org").cert_chain_pems[0].write_to_path(str(cert))
    with pytest.raises(ApiValueError, match=r"^cert_file: '.*cert\.pem' cannot be used: "):
        search(over_tls(secure, cert_file=cert, key_file=encrypted_key(tmp_path)))


@pytest.mark.parametrize("end", ["", "é"])
def test_pem_text_that_holds_no_certificate_is_refused_before_the_network(secure: ScriptedServer, end: str) -> None:
    before = secure.connections
    with pytest.raises(ApiValueError, match=r"^ssl_ca_cert: the text cannot be used: "):
        search(over_tls(secure, ssl_ca_cert=f"-----BEGIN CERTIFICATE-----\nAAAA{end}"))
    assert secure.connections == before


def test_a_missing_file_that_the_environment_names_is_named_as_the_environments(
    secure: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "absent.pem")
    with pytest.raises(ApiValueError) as caught:
        search(over_tls(secure))
    assert str(caught.value) == "SSL_CERT_FILE: 'absent.pem' cannot be used: No such file or directory"


def test_tls_is_not_set_up_for_plain_http(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "absent.pem")
    assert search(server.configuration(ssl_ca_cert="absent.pem")) == OK


def test_closing_a_client_closes_its_sockets_though_the_exception_of_a_call_is_kept(server: ScriptedServer) -> None:
    ended = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for status in (b"404 Not Found", b"200 OK"):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 12\r\n\r\n" + b'{"data": []}')
            while connection.recv(65536):
                pass
        ended.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        client = ApiClient(server.configuration(host=f"http://127.0.0.1:{listener.getsockname()[1]}"))
        api = SimilaritySearchApi(client)
        with pytest.raises(NotFoundException) as kept:
            api.search_images_by_text_grouped("e", "mug")
        api.search_images_by_text_grouped("e", "mug")
        assert not ended.is_set()
        client.close()
        assert ended.wait(10)
        assert kept.value.tries == 1
        thread.join(10)


@pytest.mark.parametrize("size", [b"-1", b"-9", b"%x" % 2**80])
def test_a_chunk_of_an_absurd_size_is_a_broken_answer(server: ScriptedServer, size: bytes) -> None:
    server.reply(Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\n[]\r\n0\r\n\r\n"))
    with pytest.raises(ApiConnectionError):
        search(server.configuration(retries=False, max_response_bytes=None))


@pytest.mark.parametrize("length", [2**40, 2**80])
def test_no_memory_is_taken_on_the_word_of_a_header(server: ScriptedServer, length: int) -> None:
    server.reply(Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n[]" % length))
    with pytest.raises(ApiConnectionError, match="IncompleteRead"):
        search(server.configuration(retries=False, max_response_bytes=None))


def test_what_is_compressed_twice_is_refused(server: ScriptedServer) -> None:
    body = gzip.compress(gzip.compress(b"[]"))
    server.reply(Reply(body=body, headers={"Content-Encoding": "gzip, gzip"}))
    with pytest.raises(ApiDecodeError, match="^200 OK: the response is compressed more than once$"):
        search(server.configuration())


@pytest.mark.parametrize("head", [b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Ty"])
def test_a_head_that_breaks_off_is_a_broken_answer(server: ScriptedServer, head: bytes) -> None:
    server.reply(Reply(raw=head))
    with pytest.raises(ApiConnectionError, match="the answer broke off within its head"):
        search(server.configuration(retries=False))
