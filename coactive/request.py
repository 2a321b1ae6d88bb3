"""One call as data: what is sent, and what is expected back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypedDict, TypeVar
from urllib.parse import quote

from coactive.exceptions import ApiTypeError, ApiValueError
from coactive.image_file import upload
from coactive.multipart import MultipartForm
from coactive.parameters import Parameter, encode, misfit
from coactive.timeout import RequestTimeout, Timeouts

T = TypeVar("T")


class RequestOptions(TypedDict, total=False):
    """What every operation takes beside its own arguments.

    Attributes:
        _request_timeout: this call's patience in seconds: a number is the total, a pair is connect and read,
            urllib3's Timeout is taken as it is, None switches every limit off.
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


class Request(Generic[T]):
    """One call: a pure value made from an operation's arguments, all of them checked.

    Attributes:
        method: of HTTP.
        path: with its parameters filled in, percent-encoded.
        query: the parameters behind the question mark, by name.
        form: the multipart form, None for a request without a body.
        returns: the model that a good answer holds; None: whatever JSON it is.
        options: the options that were given.
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
        self._check_options()
        self._check_types([*in_path, *query, *form])
        self.path = path.format_map({given.name: _segment(given) for given in in_path})
        self.query = _texts(query)
        texts = _texts(form)
        self.form = MultipartForm(texts, file.name, upload(file.value)) if file else None

    def _check_options(self) -> None:
        for name in self.options:
            if name not in GENERATED_OPTIONS and name not in RequestOptions.__annotations__:
                raise ApiTypeError(f"unexpected keyword argument {name!r}{self._nearest(name)}")
        Timeouts().override(self.options.get("_request_timeout", ...))

    def _nearest(self, name: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(name, [*self.parameters, *RequestOptions.__annotations__], 1)
        return f"; did you mean {near[0]!r}?" if near else ""

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


def _segment(given: Parameter) -> str:
    text = encode(given)
    if text in ("", ".", ".."):
        raise ApiValueError(f"{given.name}: {text!r} cannot name anything; give the id as the service wrote it")
    return quote(text, safe="")
