"""Where the service is, who is calling, and which timeouts apply."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from coactive import credentials, retry
from coactive.credentials import AccessToken
from coactive.debug_log import log_to_stderr
from coactive.exceptions import ApiTypeError, ApiValueError
from coactive.host import DEFAULT_HOST, checked_host
from coactive.timeout import CONNECT, READ, TOTAL, seconds
from coactive.version import VERSION

if TYPE_CHECKING:
    from urllib3 import Retry

MAX_RESPONSE_BYTES = 256 * 2**20


class Configuration:
    """How to reach the service; arguments win over the environment.

    `host`, `access_token`, `retries`, `max_response_bytes` and the timeouts may be changed at any time and count from
    the next call on; the rest is read when an `ApiClient` makes its first connection.

    Args:
        host: the origin, with a base path if there is one; None or empty: COACTIVE_HOST, else
            https://app.coactive.ai. Plain http is for loopback, or with `allow_insecure_http`.
        access_token: `f"{CLIENT_ID}:{CLIENT_SECRET}"`, or a callable that returns the current token, or
            `ClientCredentials` to exchange for one. None: COACTIVE_ACCESS_TOKEN, else COACTIVE_CLIENT_ID and
            COACTIVE_CLIENT_SECRET.
        verify_ssl: whether the service must show a certificate that is trusted.
        ssl_context: an `ssl.SSLContext` to use as it is, in the place of `ssl_ca_cert`, `cert_file` and `key_file`.
        ssl_ca_cert: the CA certificates to trust: a file's path or PEM text. None: SSL_CERT_FILE, else certifi's.
        cert_file, key_file: a client certificate and its key, as paths.
        assert_hostname: the name to expect in the certificate instead of the host's; False: any.
        proxy: an address such as "http://proxy:3128"; None: HTTPS_PROXY and HTTP_PROXY count, but for loopback;
            "": no proxy.
        no_proxy: hosts to reach without the proxy, separated by commas; None: NO_PROXY counts.
        proxy_headers: headers for the proxy alone.
        connection_pool_maxsize: connections at a time; None: the client's `pool_threads`.
        retries: retries after a transient failure: a number (None: 2), False, or a urllib3 `Retry`.
        connect_timeout: seconds to wait for a connection (5); None: no timeout. So the next two.
        read_timeout: seconds between two pieces of the response (60).
        total_timeout: seconds for the call with its retries (120).
        max_response_bytes: the largest response to take, its compression undone (256 MiB); None: any.
        allow_insecure_http: whether the token may go over plain http beyond loopback.
        pickle_secrets: whether pickling keeps the token; else it is read anew from the environment. A callable is
            always kept.
        debug: whether each call is written to stderr, by the logger `coactive`; the token never is.

    Raises:
        ApiTypeError, ApiValueError: a setting is invalid, here or when it is set later; the message names it.
    """

    _default: ClassVar[Configuration | None] = None

    def __init__(
        self,
        host: str | None = None,
        *,
        access_token: AccessToken | None = None,
        verify_ssl: bool = True,
        ssl_context: ssl.SSLContext | None = None,
        ssl_ca_cert: str | os.PathLike[str] | None = None,
        cert_file: str | os.PathLike[str] | None = None,
        key_file: str | os.PathLike[str] | None = None,
        assert_hostname: str | bool | None = None,
        proxy: str | None = None,
        no_proxy: str | None = None,
        proxy_headers: dict[str, str] | None = None,
        connection_pool_maxsize: int | None = None,
        retries: int | Retry | None = None,
        connect_timeout: float | None = CONNECT,
        read_timeout: float | None = READ,
        total_timeout: float | None = TOTAL,
        max_response_bytes: int | None = MAX_RESPONSE_BYTES,
        allow_insecure_http: bool = False,
        pickle_secrets: bool = False,
        debug: bool = False,
    ) -> None:
        self.allow_insecure_http = allow_insecure_http
        self.host = host
        self.access_token = credentials.from_environment() if access_token is None else access_token
        self.pickle_secrets = pickle_secrets
        self.verify_ssl = verify_ssl
        self.ssl_context = ssl_context
        self.ssl_ca_cert = ssl_ca_cert
        self.cert_file = cert_file
        self.key_file = key_file
        self.assert_hostname = assert_hostname
        self.proxy = proxy
        self.no_proxy = no_proxy
        self.proxy_headers = proxy_headers
        self.connection_pool_maxsize = connection_pool_maxsize
        self.retries = retries
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.total_timeout = total_timeout
        self.max_response_bytes = max_response_bytes
        self._debug = debug
        if debug:  # else another configuration may have switched it on
            log_to_stderr(True)

    def __setattr__(self, name: str, value: Any) -> None:
        """Check a setting whenever it is set."""
        super().__setattr__(name, _CHECKS[name](name, value) if name in _CHECKS else value)

    @property
    def host(self) -> str:
        """The origin with its base path, without a slash at the end."""
        return self._host

    @host.setter
    def host(self, host: str | None) -> None:
        given = os.environ.get("COACTIVE_HOST") if not host else None
        name = "COACTIVE_HOST" if given else "host"
        self._host = checked_host(name, host or given or DEFAULT_HOST, self.allow_insecure_http)

    @property
    def debug(self) -> bool:
        """Whether each call is written to stderr."""
        return self._debug

    @debug.setter
    def debug(self, debug: bool) -> None:
        self._debug = debug
        log_to_stderr(debug)

    @classmethod
    def set_default(cls, default: Configuration | None) -> None:
        """Make a copy of `default` what an `ApiClient()` without a configuration uses; None: as at first."""
        cls._default = None if default is None else default.__copy__()

    @classmethod
    def get_default_copy(cls) -> Configuration:
        """A copy of what `set_default` was given, else a new Configuration."""
        return cls() if cls._default is None else cls._default.__copy__()

    def auth_settings(self) -> dict[str, dict[str, str]]:
        """The header that carries the token, as generated clients describe it; empty without a token.

        Its `value` is the secret itself. `ClientCredentials` are none: only a client exchanges them.
        """
        given = self.access_token
        if given is None or isinstance(given, credentials.ClientCredentials):
            return {}
        token = credentials.checked_token(given() if callable(given) else given)
        value = credentials.Secret(f"Bearer {token}")
        return {"HTTPBearer": {"type": "bearer", "in": "header", "key": "Authorization", "value": value}}

    def to_debug_report(self) -> str:
        """What a report of a bug should say; without the token."""
        import platform

        from urllib3._version import __version__ as urllib3_version

        return (
            "Python SDK Debug Report:\n"
            f"OS: {platform.platform()}\n"
            f"Python Version: {platform.python_version()}\n"
            f"SDK Package Version: {VERSION}\n"
            f"urllib3 Version: {urllib3_version}\n"
            f"Host: {self.host}\n"
            f"Access token: {'set' if self.access_token else 'not set'}"
        )

    def __copy__(self) -> Configuration:
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new.proxy_headers = self.proxy_headers  # a copy, as whenever it is set
        return new

    def __deepcopy__(self, memo: dict[int, Any]) -> Configuration:
        return self.__copy__()

    def __getstate__(self) -> dict[str, Any]:
        if self.ssl_context:
            raise ApiTypeError("ssl_context: it cannot be pickled; files and PEM text in ssl_ca_cert and cert_file can")
        if self.pickle_secrets:
            return self.__dict__.copy()
        return self.__dict__ | {"access_token": credentials.without_secrets(self.access_token)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.access_token is None:
            self.access_token = credentials.from_environment()

    def __repr__(self) -> str:
        token = "set" if getattr(self, "access_token", None) else "not set"
        return f"Configuration(host={getattr(self, '_host', None)!r}, access_token=<{token}>)"


def _of_kind(expected: str, *kinds: type) -> Callable[[str, Any], Any]:
    def check(name: str, value: Any) -> Any:
        if value is not None and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            raise ApiTypeError(f"{name}: expected {expected} or None, got {type(value).__name__}")
        return value

    return check


def _checked_token(name: str, value: Any) -> Any:
    return credentials.Secret(value) if isinstance(value, str) else value


def _checked_headers(name: str, value: Any) -> dict[str, str] | None:
    return dict(_of_kind("a dict", dict)(name, value)) if value else None


def _checked_size(name: str, value: Any) -> int | None:
    size: int | None = _of_kind("an int", int)(name, value)
    if size is not None and size < 1:
        raise ApiValueError(f"{name}: expected 1 or more, got {size}")
    return size


_PATH = _of_kind("a str or a path", str, os.PathLike)
_TEXT = _of_kind("a str", str)
_CHECKS: Mapping[str, Callable[[str, Any], Any]] = MappingProxyType(
    {
        "access_token": _checked_token,
        "ssl_context": _of_kind("an ssl.SSLContext", ssl.SSLContext),
        "ssl_ca_cert": _PATH,
        "cert_file": _PATH,
        "key_file": _PATH,
        "assert_hostname": _of_kind("a str or a bool", str, bool),
        "proxy": _TEXT,
        "no_proxy": _TEXT,
        "proxy_headers": _checked_headers,
        "connection_pool_maxsize": _checked_size,
        "retries": lambda _, value: retry.checked(value),
        "connect_timeout": seconds,
        "read_timeout": seconds,
        "total_timeout": seconds,
        "max_response_bytes": _checked_size,
    }
)
