"""What the servers of the table show to whom, and what a client shows to them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import trustme

NAMES = ("127.0.0.1", "localhost", "service.test")


class Certificates:
    """An authority that the client trusts, and a TLS context for each kind of server, by its name in the table."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._folder = folder

    @property
    def trusted(self) -> str:
        """The authority, as PEM text."""
        return self._authority.cert_pem.bytes().decode()

    @cached_property
    def of_the_client(self) -> Path:
        """A file with a certificate for the client, and its key."""
        path = self._folder / "client.pem"
        self._authority.issue_cert("me@example.org").private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    def context(self, kind: str) -> ssl.SSLContext:
        """For a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "self-signed":
            self._sign_itself(context)
        else:
            self._certificate(kind).configure_cert(context)
        if "asks for the client's" in kind:
            context.verify_mode = ssl.CERT_REQUIRED
            self._authority.configure_trust(context)
        if kind.endswith("TLS 1.2"):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _certificate(self, kind: str) -> trustme.LeafCert:
        today, year = datetime.now(UTC).replace(tzinfo=None), timedelta(365)
        if kind == "expired":
            return self._authority.issue_cert(*NAMES, not_before=today - year, not_after=today - timedelta(2))
        if kind == "not yet valid":
            return self._authority.issue_cert(*NAMES, not_before=today + timedelta(2), not_after=today + year)
        if kind == "for another host":
            return self._authority.issue_cert("other.test", "127.0.0.2")
        if kind == "of an unknown authority":
            return trustme.CA().issue_cert(*NAMES)
        return self._authority.issue_cert(*NAMES)

    def _sign_itself(self, context: ssl.SSLContext) -> None:
        itself = trustme.CA()
        path = self._folder / "self-signed.pem"
        path.write_bytes(itself.private_key_pem.bytes() + itself.cert_pem.bytes())
        context.load_cert_chain(path)
