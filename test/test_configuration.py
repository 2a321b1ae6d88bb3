import copy
import logging
import pickle
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_server import TOKEN, ScriptedServer, scripted_server

import coactive
from coactive import ApiClient, ApiTypeError, ApiValueError, Configuration
from coactive.apis import SimilaritySearchApi


def search(configuration: Configuration) -> object:
    with ApiClient(configuration) as client:
        return SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug")


@pytest.fixture
def default() -> Iterator[None]:
    yield
    Configuration.set_default(None)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("coactive")
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.mark.parametrize("host", [None, ""])
def test_no_host_or_an_empty_one_means_the_vendors(host: str | None) -> None:
    assert Configuration(host).host == "https://app.coactive.ai"


def test_the_host_comes_from_the_environment_and_an_argument_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COACTIVE_HOST", "https://env.example")
    assert Configuration().host == "https://env.example"
    assert Configuration("").host == "https://env.example"
    assert Configuration("https://arg.example").host == "https://arg.example"


def test_a_bad_host_in_the_environment_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COACTIVE_HOST", "env.example")
    with pytest.raises(
        ApiValueError, match=r"^COACTIVE_HOST: expected an address .* got 'env.example': it lacks https://"
    ):
        Configuration()


@pytest.mark.parametrize("end", ["", "/", "//"])
@pytest.mark.parametrize("base", ["", "/base/path"])
def test_a_slash_at_the_end_of_the_host_changes_no_url(server: ScriptedServer, base: str, end: str) -> None:
    search(server.configuration(host=f"{server.host}{base}{end}"))
    path = "/api/v0/similarity-search/similarity-search/embeddings/e/grouped-search/text?query=mug"
    assert server.seen[0].target == f"{base}{path}"


@pytest.mark.parametrize(
    "host",
    [
        "app.coactive.ai",
        "//app.coactive.ai",
        "ftp://app.coactive.ai",
        "https://",
        "https://:443",
        "https://app.coactive.ai:0",
        "https://app.coactive.ai:99999",
        "https://app.coactive.ai:port",
        "https://[::1",
        "https://app coactive.ai",
        "https://app.coactive.ai\n",
        "https://app.coactive.ai\x7f",
        " ",
    ],
)
def test_a_host_that_is_no_address_is_refused_and_shown(host: str) -> None:
    with pytest.raises(ApiValueError) as caught:
        Configuration(host)
    assert str(caught.value).startswith(f"host: expected an address such as 'https://app.coactive.ai', got {host!r}: ")


@pytest.mark.parametrize("host", ["https://app.coactive.ai?a=1", "https://app.coactive.ai/base#top"])
def test_a_host_with_a_query_or_a_fragment_is_refused(host: str) -> None:
    with pytest.raises(ApiValueError, match=r"^host: an address ends before '\?' and '#', got 'https"):
        Configuration(host)


def test_a_host_with_credentials_is_refused_and_they_are_not_shown() -> None:
    with pytest.raises(ApiValueError, match=r"^host: an address cannot hold a user's name") as caught:
        Configuration("https://somebody:hunter2@app.coactive.ai")
    assert "hunter2" not in str(caught.value)


def test_a_host_that_is_no_str_is_a_type_error() -> None:
    with pytest.raises(ApiTypeError, match=r"^host: expected a str, got int$"):
        Configuration(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "host", ["http://app.coactive.ai", "HTTP://10.0.0.1", "http://localhost.evil.example", "http://127.0.0.1.example"]
)
def test_plain_http_beyond_loopback_is_refused_and_can_be_allowed(host: str) -> None:
    with pytest.raises(
        ApiValueError, match=r"^host: .* would send the token over plain http.*allow_insecure_http=True$"
    ):
        Configuration(host)
    assert Configuration(host, allow_insecure_http=True).host == host


@pytest.mark.parametrize(
    "name", ["127.0.0.1:8000", "127.8.9.10", "localhost", "LOCALHOST:1", "[::1]:80", "api.localhost"]
)
def test_plain_http_to_loopback_is_fine(name: str) -> None:
    assert Configuration(f"http://{name}").host == f"http://{name}"


def test_a_host_set_later_is_checked_and_counts_from_the_next_call_on(server: ScriptedServer) -> None:
    configuration = server.configuration()
    with scripted_server() as other, ApiClient(configuration) as client:
        api = SimilaritySearchApi(client)
        api.search_images_by_text_grouped("e", "first")
        configuration.host = other.host
        api.search_images_by_text_grouped("e", "second")
        with pytest.raises(ApiValueError, match="plain http"):
            configuration.host = "http://app.coactive.ai"
        api.search_images_by_text_grouped("e", "third")
        assert [seen.target.partition("=")[2] for seen in server.seen] == ["first"]
        assert [seen.target.partition("=")[2] for seen in other.seen] == ["second", "third"]


@pytest.mark.parametrize(
    ("environment", "token"),
    [
        ({}, None),
        ({"COACTIVE_CLIENT_ID": "id"}, None),
        ({"COACTIVE_CLIENT_SECRET": "secret"}, None),
        ({"COACTIVE_CLIENT_ID": "id", "COACTIVE_CLIENT_SECRET": ""}, None),
        ({"COACTIVE_CLIENT_ID": "id", "COACTIVE_CLIENT_SECRET": "secret"}, "id:secret"),
        ({"COACTIVE_ACCESS_TOKEN": "token"}, "token"),
        ({"COACTIVE_ACCESS_TOKEN": "token", "COACTIVE_CLIENT_ID": "id", "COACTIVE_CLIENT_SECRET": "secret"}, "token"),
        ({"COACTIVE_ACCESS_TOKEN": "", "COACTIVE_CLIENT_ID": "id", "COACTIVE_CLIENT_SECRET": "secret"}, "id:secret"),
    ],
)
def test_the_token_comes_from_the_environment_and_an_argument_wins(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], token: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Configuration().access_token == token
    assert Configuration(access_token="given").access_token == "given"


def test_an_empty_token_as_an_argument_is_not_replaced_from_the_environment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COACTIVE_ACCESS_TOKEN", "token")
    with pytest.raises(ApiValueError, match=r"^access_token: it is blank"):
        search(server.configuration(access_token=""))
    assert server.seen == []


def test_a_token_set_later_counts_from_the_next_call_on(server: ScriptedServer) -> None:
    configuration = server.configuration(access_token="first")
    with ApiClient(configuration) as client:
        api = SimilaritySearchApi(client)
        api.search_images_by_text_grouped("e", "mug")
        configuration.access_token = "second"
        api.search_images_by_text_grouped("e", "mug")
    assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("proxy", 5, "proxy: expected a str or None, got int"),
        ("no_proxy", ["a"], "no_proxy: expected a str or None, got list"),
        ("ssl_ca_cert", 5, "ssl_ca_cert: expected a str or a path or None, got int"),
        ("cert_file", b"a", "cert_file: expected a str or a path or None, got bytes"),
        ("key_file", 5, "key_file: expected a str or a path or None, got int"),
        ("connection_pool_maxsize", "5", "connection_pool_maxsize: expected an int or None, got str"),
        ("max_response_bytes", 1e6, "max_response_bytes: expected an int or None, got float"),
        ("ssl_context", "ca.pem", "ssl_context: expected an ssl.SSLContext or None, got str"),
        ("retries", "2", "retries: expected an int, False or a urllib3 Retry, got str"),
        ("retries", True, "retries: expected an int, False or a urllib3 Retry, got bool"),
        ("retries", 1.5, "retries: expected an int, False or a urllib3 Retry, got float"),
        ("connect_timeout", "5", "connect_timeout: expected seconds as a number, got str"),
        ("read_timeout", [5], "read_timeout: expected seconds as a number, got list"),
        ("total_timeout", True, "total_timeout: expected seconds as a number, got bool"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(setting: str, value: Any, message: str) -> None:
    with pytest.raises(ApiTypeError) as caught:
        Configuration(**{setting: value})
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "total_timeout"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_time_limit_must_be_positive_and_finite(name: str, value: Any) -> None:
    with pytest.raises(ApiValueError, match=rf"^{name}: expected more than 0 seconds \(None switches the limit off\)"):
        Configuration(**{name: value})


def test_time_limits_are_finite_without_being_asked_for() -> None:
    limits = Configuration()
    assert (limits.connect_timeout, limits.read_timeout, limits.total_timeout) == (5.0, 60.0, 120.0)


@pytest.mark.parametrize(
    ("name", "value"), [("retries", "2"), ("read_timeout", "5"), ("total_timeout", [1]), ("proxy", 5)]
)
def test_a_setting_changed_to_nonsense_later_is_refused_and_named(name: str, value: Any) -> None:
    configuration = Configuration()
    before = getattr(configuration, name)
    with pytest.raises(ApiTypeError, match=f"^{name}: expected "):
        setattr(configuration, name, value)
    assert getattr(configuration, name) == before


@pytest.mark.parametrize("size", [0, -1])
def test_less_than_one_connection_is_refused(size: int) -> None:
    with pytest.raises(ApiValueError, match=f"^connection_pool_maxsize: expected 1 or more, got {size}$"):
        Configuration(connection_pool_maxsize=size)


def test_debug_switched_off_again_writes_nothing_and_leaves_the_logger_as_it_was(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("coactive")
    before = (logger.level, list(logger.handlers))
    configuration = server.configuration(debug=True)
    search(configuration)
    assert "200" in capsys.readouterr().err
    configuration.debug = False
    search(configuration)
    assert capsys.readouterr().err == ""
    assert (logger.level, logger.handlers) == before


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("app.coactive.ai", "it lacks https:// or http:// at its beginning"),
        ("127.0.0.1:8000", "it lacks https:// or http:// at its beginning"),
        ("https://app.coactive.ai:99999", "Port out of range 0-65535"),
        ("https://", "it is no address"),
    ],
)
def test_a_bad_host_is_told_what_is_wrong_with_it(host: str, problem: str) -> None:
    with pytest.raises(ApiValueError, match=f": {problem}$"):
        Configuration(host)


@pytest.mark.usefixtures("default")
def test_a_client_without_a_configuration_uses_a_copy_of_the_default(server: ScriptedServer) -> None:
    configuration = server.configuration()
    Configuration.set_default(configuration)
    configuration.access_token = "changed-later"
    Configuration.get_default_copy().access_token = "changed-in-a-copy"
    with ApiClient() as client:
        SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug")
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.usefixtures("default")
def test_taking_the_default_back_leaves_a_new_configuration() -> None:
    Configuration.set_default(Configuration("https://other.example"))
    assert Configuration.get_default_copy().host == "https://other.example"
    Configuration.set_default(None)
    assert Configuration.get_default_copy().host == "https://app.coactive.ai"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_are_independent(duplicate: Any) -> None:
    first = Configuration(access_token=TOKEN, proxy_headers={"X-Team": "search"})
    second = duplicate(first)
    assert (second.host, second.access_token, second.proxy_headers) == (first.host, TOKEN, {"X-Team": "search"})
    second.host = "https://other.example"
    second.proxy_headers["X-Team"] = "other"
    assert (first.host, first.proxy_headers) == ("https://app.coactive.ai", {"X-Team": "search"})


def test_a_copy_without_proxy_headers_has_none() -> None:
    assert copy.copy(Configuration()).proxy_headers is None


def test_a_dict_that_was_given_may_change_without_effect() -> None:
    headers = {"X-Team": "search"}
    configuration = Configuration(proxy_headers=headers)
    headers["X-Team"] = "other"
    assert configuration.proxy_headers == {"X-Team": "search"}


def test_auth_settings_describe_the_header_as_generated_clients_do() -> None:
    settings = Configuration(access_token="id:secret").auth_settings()
    assert settings == {
        "HTTPBearer": {"type": "bearer", "in": "header", "key": "Authorization", "value": "Bearer id:secret"}
    }
    assert "secret" not in repr(settings)
    assert Configuration().auth_settings() == {}


def test_debug_report_names_the_versions_and_not_the_token() -> None:
    report = Configuration(access_token=TOKEN).to_debug_report().splitlines()
    assert report[0] == "Python SDK Debug Report:"
    assert f"SDK Package Version: {coactive.__version__}" in report
    assert "Host: https://app.coactive.ai" in report
    assert report[-1] == "Access token: set"
    assert TOKEN not in "\n".join(report)
    assert Configuration().to_debug_report().endswith("Access token: not set")


def test_repr_says_whether_there_is_a_token_and_not_which() -> None:
    assert repr(Configuration(access_token=TOKEN)) == (
        "Configuration(host='https://app.coactive.ai', access_token=<set>)"
    )
    assert repr(Configuration()) == "Configuration(host='https://app.coactive.ai', access_token=<not set>)"


def test_pickle_leaves_the_token_out_and_reads_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    pickled = pickle.dumps(Configuration("https://other.example", access_token=TOKEN, retries=5))
    assert TOKEN.encode() not in pickled
    assert pickle.loads(pickled).access_token is None
    monkeypatch.setenv("COACTIVE_ACCESS_TOKEN", "of-the-other-machine")
    read = pickle.loads(pickled)
    assert (read.host, read.retries, read.access_token) == ("https://other.example", 5, "of-the-other-machine")


def test_pickle_keeps_the_token_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COACTIVE_ACCESS_TOKEN", "of-the-other-machine")
    assert pickle.loads(pickle.dumps(Configuration(access_token=TOKEN, pickle_secrets=True))).access_token == TOKEN


def test_a_context_for_tls_is_not_pickled_and_the_error_says_what_is() -> None:
    configuration = Configuration(ssl_context=ssl.create_default_context())
    assert copy.deepcopy(configuration).ssl_context is configuration.ssl_context
    with pytest.raises(ApiTypeError, match="^ssl_context: it cannot be pickled; files and PEM text in ssl_ca_cert"):
        pickle.dumps(configuration)


def current_token() -> str:
    return "asked-for"


def test_pickle_keeps_a_callable_that_gives_the_token() -> None:
    assert pickle.loads(pickle.dumps(Configuration(access_token=current_token))).access_token is current_token


def test_debug_writes_each_call_to_stderr_once_and_without_the_token(
    server: ScriptedServer, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    server.configuration(debug=True)
    configuration = server.configuration(debug=True)
    assert configuration.debug is True
    search(configuration)
    written = capsys.readouterr().err.splitlines()
    assert len(written) == 1
    assert written[0].startswith(f"GET {server.host}/api/v0/")
    assert ": 200 after 0." in written[0]
    assert TOKEN not in written[0]


def test_without_debug_nothing_is_written_and_no_handler_is_added(
    server: ScriptedServer, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(logger.handlers), logger.level
    configuration = server.configuration()
    assert configuration.debug is False
    search(configuration)
    assert (list(logger.handlers), logger.level) == before
    assert capsys.readouterr() == ("", "")


def test_another_configuration_leaves_the_log_of_one_that_debugs(
    server: ScriptedServer, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = server.configuration(debug=True)
    Configuration()
    search(configuration)
    assert len(capsys.readouterr().err.splitlines()) == 1
    configuration.debug = False
    search(configuration)
    assert capsys.readouterr().err == ""
