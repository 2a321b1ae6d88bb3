"""One call as data: what is sent, and what is expected back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypedDict, TypeVar
from urllib.parse import quote

from coactive.exceptions import ApiTypeError, ApiValueError, nearest
from coactive.image_file import upload
from coactive.multipart import MultipartForm
from coactive.parameters import Parameter, encode, misfit
from coactive.timeout import RequestTimeout, Timeouts

T = TypeVar("T")


class RequestOptions(TypedDict, total=False):
    """What every operation takes beside its own arguments.

    Attributes:
        _request_timeout: this call's time limits in seconds, as `coactive.timeout.RequestTimeout` explains them.
    """

    _request_timeout: RequestTimeout


GENERATED_OPTIONS = frozenset(
    {
        "_check_input_type",
        "_check_return_type",
        "_content_type",
        "_host_index",
        "_request_auths",
        "_spec_property_naming",
    }
)
"""Options of generated clients that every operation takes at run time."""

ANSWER_OPTIONS = frozenset({"async_req", "_return_http_data_only", "_preload_content"})
"""Those that change what a call returns; typed code has the other ways to run an operation instead."""


class Request(Generic[T]):
    """One call: a pure value made from an operation's arguments, all of them checked.

    Attributes:
        method: of HTTP.
        path: with its parameters filled in, percent-encoded.
        query: the parameters behind the question mark, by name.
        in_path: the parameters in the path, by name.
        form: the multipart form, None for a request without a body.
        returns: the model that a good answer holds; None: whatever JSON it is.
        options: the options that were given.
        asked: what is searched with, where that is a phrase or the path of a file, by the argument's name.
        parameters: the names of the operation's own arguments.
    """

    def __init__(
        self,
        method: str,
        path: str,
        *,
        returns: type[T] | None,
        in_path: Sequence[Parameter] = (),
        query: Sequence[Parameter] = (),
        form: Sequence[Parameter] = (),
        file: Parameter | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Check and encode the arguments; with a `file`, the request is a form of it and the `form` parts.

        Raises:
            ApiTypeError: an argument has the wrong type, or an option is unknown.
            ApiValueError: an argument cannot be sent.
        """
        self.method = method
        self.returns = returns
        self.options = options or {}
        self.parameters = [given.name for given in (*in_path, *query, *form, *([file] if file else ()))]
        if self.options:
            self._check_options()
        self._check_types([*in_path, *query, *form])
        self._encode(path, in_path, query, form, file)

    def _encode(
        self,
        path: str,
        in_path: Sequence[Parameter],
        query: Sequence[Parameter],
        form: Sequence[Parameter],
        file: Parameter | None,
    ) -> None:
        self.in_path = {given.name: _segment(given) for given in in_path}
        self.path = path.format_map({name: quote(value, safe="") for name, value in self.in_path.items()})
        self.query = _texts(query)
        self._texts = _texts(form)
        self.form = MultipartForm(self._texts, file.name, upload(file.value)) if file else None
        self.asked = {given.name: given.value for given in query if given.name == "query"} | _path_of(file)

    @property
    def texts(self) -> dict[str, str]:
        """Every parameter but the file, by name, as it is sent."""
        return self.in_path | dict(self.query) | dict(self._texts)

    def _check_options(self) -> None:
        for name in self.options:
            if name in ANSWER_OPTIONS:
                raise ApiTypeError(f"{name}: only for the plain call, not for .submit(), .with_http_info() and .raw()")
            if name not in GENERATED_OPTIONS and name not in RequestOptions.__annotations__:
                known = (*self.parameters, *RequestOptions.__annotations__)
                raise ApiTypeError(f"unexpected keyword argument {name!r}{nearest(name, known)}")
        Timeouts().override(self.options.get("_request_timeout", ...))

    def _check_types(self, parameters: Sequence[Parameter]) -> None:
        if self.options.get("_check_input_type", True):
            for given in parameters:
                if not given.fits:
                    raise misfit(given)

    def detach(self) -> Request[T]:
        """Part from the caller's own file, so that the call can be made later, in another thread."""
        if self.form:
            self.form.image = self.form.image.detached()
        return self

    def close(self) -> None:
        """Give up what was opened for the call."""
        if self.form:
            self.form.image.close()


def _texts(parameters: Sequence[Parameter]) -> list[tuple[str, str]]:
    """Those to be sent, in order: None is not."""
    return [(given.name, encode(given)) for given in parameters if given.value is not None]


def _path_of(file: Parameter | None) -> dict[str, str]:
    if file is None or not isinstance(file.value, str | os.PathLike):
        return {}
    return {file.name: os.path.abspath(os.fsdecode(file.value))}  # noqa: PTH100 - may be bytes


def _segment(given: Parameter) -> str:
    text = encode(given)
    if text in ("", ".", ".."):
        raise ApiValueError(f"{given.name}: {text!r} cannot name anything; give the id as the service wrote it")
    return text
