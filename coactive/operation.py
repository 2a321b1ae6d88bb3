"""The ways to run one endpoint: call it, get a future, await it, see the raw answer.

An endpoint is a method that makes a `Request` from its arguments. `@operation` makes it callable:

    api.search(...)                   the answer
    api.search.submit(...)            a future of it, which can be awaited
    api.search.with_http_info(...)    the answer with status and headers
    api.search.raw(...)               the answer unread
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast

from coactive.request import ANSWER_OPTIONS

if TYPE_CHECKING:
    from inspect import Signature

    from coactive.api_client import ApiClient
    from coactive.future import ApiFuture
    from coactive.request import Request
    from coactive.response import ApiResponse, RawResponse


class Api(Protocol):
    """What has operations: a group of them, with what carries their calls."""

    api_client: ApiClient


S = TypeVar("S", bound=Api)
P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


def operation(build: Callable[Concatenate[S, P], Request[T]]) -> Operation[P, T]:
    """Make an endpoint out of the method that makes its request."""
    return Operation(build)


class Operation(Generic[P, T]):
    """One endpoint; signature and docstring are those of the method that makes its request."""

    def __init__(self, build: Callable[..., Request[T]], owner: Api | None = None) -> None:
        self.__wrapped__ = build
        self.__doc__ = build.__doc__
        self.__module__ = build.__module__
        self._owner = owner

    def __get__(self, owner: Api | None, owner_type: type | None = None) -> Operation[P, T]:
        """The operation of one Api object; one that has its object stays, as a bound method does."""
        return self if owner is None or self._owner is not None else Operation(self.__wrapped__, owner)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Make the call and wait for what it returns."""
        if self._owner is None:
            if not args:
                raise TypeError(f"{self.__qualname__}() is called on an object, as api.{self.__name__}()")
            owner, *rest = cast("Any", args)
            bound: Operation[..., T] = Operation(self.__wrapped__, owner)
            return bound(*rest, **kwargs)
        if not ANSWER_OPTIONS.isdisjoint(kwargs):
            return cast("T", self._call_as_generated(args, dict(kwargs)))
        return self._run(self._client._call, args, kwargs).data

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> ApiFuture[T]:
        """Make the call in the background: a future at once, which can also be awaited.

        At most `pool_threads` of a client's calls run at a time. What the arguments held is kept: an open file
        may be closed, or read on, as soon as this returns. Errors in the arguments are raised here.
        """
        call = self._client._call
        return self._submit(lambda request: call(request).data, args, kwargs)

    def with_http_info(self, *args: P.args, **kwargs: P.kwargs) -> ApiResponse[T]:
        """Make the call and wait for what it returns, with status and headers."""
        return self._run(self._client._call, args, kwargs)

    def raw(self, *args: P.args, **kwargs: P.kwargs) -> RawResponse:
        """Make the call and wait for the answer as it comes, neither read into a model nor checked.

        A status that is no success is an exception here too.
        """
        return self._run(self._client._fetch, args, kwargs)

    @property
    def _client(self) -> ApiClient:
        return cast("Api", self._owner).api_client

    def _request(self, args: Any, kwargs: Any) -> Request[T]:
        return self.__wrapped__(self._owner, *args, **kwargs)

    def _run(self, send: Callable[[Request[T]], R], args: Any, kwargs: Any) -> R:
        request = self._request(args, kwargs)
        try:
            return send(request)
        finally:
            request.close()

    def _submit(self, send: Callable[[Request[T]], R], args: Any, kwargs: Any) -> ApiFuture[R]:
        request = self._request(args, kwargs)
        try:
            request.detach()
            future = self._client._submit(lambda: send(request))
        except BaseException:
            request.close()
            raise
        future.add_done_callback(lambda _: request.close())
        return future

    def _call_as_generated(self, args: Any, options: dict[str, Any]) -> Any:
        later = options.pop("async_req", None)
        bare = options.pop("_return_http_data_only", None) is not False
        read = options.pop("_preload_content", None) is not False
        client = self._client

        def send(request: Request[T]) -> Any:
            if not read:
                return client._open(request)
            response = client._call(request)
            return response.data if bare else response

        return self._submit(send, args, options) if later else self._run(send, args, options)

    def __getattr__(self, name: str) -> Any:
        if name in ("__name__", "__qualname__"):
            return getattr(self.__wrapped__, name)
        if name == "__signature__":
            return self._signature()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _signature(self) -> Signature:
        from inspect import signature

        built = signature(self.__wrapped__)
        arguments = list(built.parameters.values())[0 if self._owner is None else 1 :]
        returns = built.return_annotation.removeprefix("Request[").removesuffix("]")
        return built.replace(parameters=arguments, return_annotation=returns)

    def __reduce__(self) -> str | tuple[Any, ...]:
        name: str = self.__wrapped__.__name__
        return self.__wrapped__.__qualname__ if self._owner is None else (getattr, (self._owner, name))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Operation):
            return NotImplemented
        return self.__wrapped__ is other.__wrapped__ and self._owner is other._owner

    def __hash__(self) -> int:
        return hash((self.__wrapped__, id(self._owner)))

    def __repr__(self) -> str:
        return f"<operation {self.__wrapped__.__qualname__}>"
