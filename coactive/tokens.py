"""The tokens of one client: asked of a callable, or granted to client credentials, by one thread at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from coactive.credentials import ClientCredentials, Secret, checked_token
from coactive.exceptions import ApiTimeoutError

if TYPE_CHECKING:
    from coactive.authorization import Caller
    from coactive.clock import Clock
    from coactive.login import Grant

    LogIn: TypeAlias = Callable[[ClientCredentials], Grant]


class Tokens:
    """What the `access_token` of a caller gives, now."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._granted: tuple[tuple[str, Secret], Grant] | None = None

    def current(self, caller: Caller, clock: Clock, log_in: LogIn) -> Secret:
        """The token to send.

        Args:
            caller: who is calling, and where.
            clock: what the call goes by.
            log_in: exchanges client credentials for a token, there.

        Raises:
            ApiTypeError, ApiValueError: there is none, or a header cannot carry it.
            ApiException: it was to be granted, and was not, or not in time.
        """
        given = caller.access_token
        if given is None or isinstance(given, str):
            return checked_token(given)
        with self._turn(clock):
            return self._ask(caller, log_in)

    def another(self, caller: Caller, clock: Clock, log_in: LogIn, refused: Secret) -> Secret | None:
        """A token in the place of one that the service refused; None: there is no other.

        Raises:
            As `current`.
        """
        if isinstance(caller.access_token, str):
            return None
        with self._turn(clock):
            if self._granted and self._granted[1].token == refused:
                self._granted = None
            token = self._ask(caller, log_in)
        return None if token == refused else token

    def _ask(self, caller: Caller, log_in: LogIn) -> Secret:
        given = caller.access_token
        if not isinstance(given, ClientCredentials):
            return checked_token(given() if callable(given) else given)
        key = caller.host, given._pair
        known, grant = self._granted or (None, None)
        if grant is None or known != key or monotonic() >= grant.renew_at:
            grant = log_in(given)
            self._granted = key, grant
        return grant.token

    @contextmanager
    def _turn(self, clock: Clock) -> Iterator[None]:
        left = clock.left
        if not self._lock.acquire(timeout=-1 if left is None else max(left, 0)):
            raise ApiTimeoutError(0, "no token in time", explanation=f"another call was getting one ({clock.limits})")
        try:
            yield
        finally:
            self._lock.release()
