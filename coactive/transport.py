"""Sending a request until there is a good response: tokens, tries, and the waits between them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from threading import TIMEOUT_MAX, Event
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar

from coactive import answer, login, retry
from coactive.authorization import Caller
from coactive.clock import Clock
from coactive.exceptions import ApiException
from coactive.hooks import show_end, show_request
from coactive.response import RawResponse
from coactive.rest import Rest
from coactive.timeout import Timeouts
from coactive.tokens import Tokens
from coactive.wire import HttpRequest, on_the_wire, with_token

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from coactive.configuration import Configuration
    from coactive.credentials import ClientCredentials, Secret
    from coactive.hooks import Hooks
    from coactive.request import Request

    Renew: TypeAlias = Callable[[Secret], Secret | None]
    """Gives a token in the place of one that the service refused; None: there is no other."""

R = TypeVar("R", "RawResponse", "BaseHTTPResponse")

logger = logging.getLogger("coactive")


class Transport:
    """What the calls of one client share in one process: connections, tokens, and the budget of retries.

    Args:
        configuration: where the service is, who is calling, how patient to be.
        connections: how many there may be at a time.
        hooks: see each request and what came of it.
    """

    def __init__(self, configuration: Configuration, connections: int, hooks: Hooks) -> None:
        self._configuration = configuration
        self._hooks = hooks
        self._rest = Rest(configuration, connections)
        self._tokens = Tokens()
        self._budget = retry.Budget()
        self._closed = Event()

    def send(
        self, request: Request[Any], headers: Mapping[str, str], receive: Callable[[Rest, HttpRequest], R]
    ) -> tuple[HttpRequest, R]:
        """Send a request until there is a good response, or no further try.

        Args:
            request: what an operation made of its arguments.
            headers: to send with it, and with a login if there must be one.
            receive: sends it once, `whole` or `unread`.

        Returns:
            What went over the wire at last, and its response.

        Raises:
            ApiException: the last try ended without a good response.
            ApiTypeError, ApiValueError: the request cannot be sent.
        """
        clock = Clock(Timeouts.of(self._configuration).override(request.options.get("_request_timeout", ...)))
        caller = Caller(self._configuration.host, self._configuration.access_token)
        log_in = partial(self._log_in, caller.host, headers, clock)
        token = partial(self._tokens.current, caller, clock, log_in)
        wire = on_the_wire(request, caller, headers, clock, token)
        return self._send(wire, partial(self._tokens.another, caller, clock, log_in), receive)

    def close(self) -> None:
        """Close the connections; calls that wait before another try end with their last failure."""
        self._closed.set()
        self._rest.close()

    def _log_in(
        self, host: str, headers: Mapping[str, str], clock: Clock, credentials: ClientCredentials
    ) -> login.Grant:
        request = login.request(host, credentials, headers, clock)
        return login.grant(self._send(request, None, whole)[1])

    def _send(
        self, wire: HttpRequest, renew: Renew | None, receive: Callable[[Rest, HttpRequest], R]
    ) -> tuple[HttpRequest, R]:
        attempts = retry.attempts(self._configuration.retries, wire.method, wire.url, self._budget)
        tries = 0
        while True:
            tries += 1
            ended = self._try_once(wire, tries, receive)
            if not isinstance(ended, ApiException):
                self._budget.earn()
                return wire, ended
            if renew and ended.status == 401 and wire.token and (another := renew(wire.token)):
                logger.info("%s; trying again with another token", _first_line(ended))
                renew, wire = None, with_token(wire, another)
            elif not self._wait(ended, attempts.delay(ended), wire.clock):
                try:
                    raise ended
                finally:
                    del ended  # its traceback holds this frame

    def _try_once(self, wire: HttpRequest, attempt: int, receive: Callable[[Rest, HttpRequest], R]) -> R | ApiException:
        """A good response, or the failure that there is instead; what a hook raises is neither."""
        sent, exchange = show_request(self._hooks, wire, attempt)
        ended: R | ApiException
        try:
            ended = receive(self._rest, sent)
        except ApiException as error:
            ended = error.with_traceback(None)  # its frames hold the response, and this one holds it
        except Exception:
            raise
        except BaseException:
            self._rest.begin_anew()
            raise
        if isinstance(ended, (RawResponse, ApiException)):
            ended.tries = attempt
        show_end(self._hooks, exchange, ended, wire.secrets)
        return ended

    def _wait(self, failure: ApiException, delay: float | None, clock: Clock) -> bool:
        """Sleep until the next try; whether there is one."""
        left = clock.left
        if delay is None or delay >= (TIMEOUT_MAX if left is None else left):
            return False
        logger.info("%s; trying again in %.2f s", _first_line(failure), delay)
        return not self._closed.wait(delay)


def _first_line(failure: ApiException) -> str:
    return str(failure).partition("\n")[0]


def whole(rest: Rest, wire: HttpRequest) -> RawResponse:
    """Send a request once and read its good response; any other one, or none, is an ApiException."""
    response = rest.open(wire, read=True)
    return rest.read(response, wire) if _is_good(response) else _refuse(rest, response, wire)


def unread(rest: Rest, wire: HttpRequest) -> BaseHTTPResponse:
    """Send a request once and leave its good response, which no total time ends, to the caller; else as `whole`."""
    response = rest.open(wire, read=False)
    if not _is_good(response):
        _refuse(rest, response, wire)
    wire.clock.lift_total()
    return response


def _is_good(response: BaseHTTPResponse) -> bool:
    return 200 <= response.status < 300


def _refuse(rest: Rest, response: BaseHTTPResponse, wire: HttpRequest) -> NoReturn:
    """Raise what a status that is no success means, also where its body breaks off."""
    try:
        read = rest.read(response, wire)
    except ApiException:
        read = RawResponse(response.status, response.reason, response.headers, b"")
    raise answer.failure(read, wire)
