"""Whom to trust, and what to show: the TLS context of a client's connections."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coactive.exceptions import ApiValueError

if TYPE_CHECKING:
    from coactive.configuration import Configuration


def context(configuration: Configuration) -> ssl.SSLContext:
    """One for all connections of a client: reading the authorities takes longer than a call.

    Raises:
        ApiValueError: a file or text of certificates cannot be used, or a setting does not go with `ssl_context`; the
            message names the setting.
    """
    if configuration.ssl_context:
        return _given(configuration.ssl_context, configuration)
    made = _trusting(configuration.ssl_ca_cert)
    if expected_name(configuration) is not None or not configuration.verify_ssl:
        made.check_hostname = False  # urllib3 compares another name itself
    if not configuration.verify_ssl:
        made.verify_mode = ssl.CERT_NONE
    cert_file, key_file = configuration.cert_file, configuration.key_file
    if cert_file:
        with _unusable(f"cert_file: {os.fspath(cert_file)!r}"):
            made.load_cert_chain(cert_file, key_file or None, password="")
    elif key_file:
        raise ApiValueError("key_file: it needs cert_file")
    return made


def _given(context: ssl.SSLContext, configuration: Configuration) -> ssl.SSLContext:
    """The user's own, which is used as it is."""
    if not configuration.verify_ssl:
        raise ApiValueError("verify_ssl: False does not go with ssl_context; set its verify_mode")
    if configuration.assert_hostname is not None:
        raise ApiValueError("assert_hostname: it does not go with ssl_context, whose check_hostname it would change")
    for name in ("cert_file", "key_file"):
        if getattr(configuration, name):
            raise ApiValueError(f"{name}: it does not go with ssl_context; load it by load_cert_chain() of that")
    return context


def expected_name(configuration: Configuration) -> str | bool | None:
    """The name the certificate must have; None: the host's, False: any."""
    return None if configuration.assert_hostname is True else configuration.assert_hostname


def _trusting(authorities: str | os.PathLike[str] | None) -> ssl.SSLContext:
    name = "ssl_ca_cert"
    if not authorities:
        name, authorities = "SSL_CERT_FILE", os.environ.get("SSL_CERT_FILE")
    if isinstance(authorities, str) and "-----BEGIN" in authorities:
        with _unusable(f"{name}: the text"):
            return ssl.create_default_context(cadata=authorities)
    if authorities:
        with _unusable(f"{name}: {os.fspath(authorities)!r}"):
            return ssl.create_default_context(cafile=authorities)
    from certifi import where

    return ssl.create_default_context(cafile=where())


@contextmanager
def _unusable(what: str) -> Iterator[None]:
    """Turn what the TLS library says of a file or text into an error of ours."""
    try:
        yield
    except (OSError, ValueError, TypeError) as error:
        raise ApiValueError(f"{what} cannot be used: {getattr(error, 'strerror', None) or error}") from error
