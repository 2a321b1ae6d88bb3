"""The arguments of an operation: what type each must have, and how it is written on the wire."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

from coactive.exceptions import ApiTypeError, ApiValueError

if TYPE_CHECKING:
    from coactive.image_file import ImageFile


class Parameter(NamedTuple):
    """An argument under its name.

    Attributes:
        name: in Python and on the wire alike.
        value: None is not sent.
        expected: what the operation takes, in words.
        fits: whether the value is that.
    """

    name: str
    value: Any
    expected: str = "a value"
    fits: bool = True


def text(name: str, value: str) -> Parameter:
    """A required str."""
    return Parameter(name, value, "a str", isinstance(value, str))


def optional_text(name: str, value: str | None) -> Parameter:
    """A str or None."""
    return Parameter(name, value, "a str or None", value is None or isinstance(value, str))


def optional_integer(name: str, value: int | None) -> Parameter:
    """An int, of numpy's kinds too, or None; a bool is neither."""
    if value is None or isinstance(value, bool):
        return Parameter(name, value, "an int or None", value is None)
    try:
        return Parameter(name, operator.index(value), "an int or None")
    except TypeError:
        return Parameter(name, value, "an int or None", False)


def image(name: str, value: ImageFile) -> Parameter:
    """An image, of any kind that `coactive.image_file` takes."""
    return Parameter(name, value)


def encode(parameter: Parameter) -> str:
    """A value as text: a str as it is, a bool as `true` or `false`, a number as Python writes it.

    Raises:
        ApiTypeError: it is no scalar.
        ApiValueError: it is text that UTF-8 cannot carry.
    """
    value = parameter.value
    if getattr(value, "shape", None) == ():
        value = value.item()  # numpy's scalars
    if isinstance(value, str):
        return _checked_text(parameter.name, str.__str__(value))  # of a member of an Enum its value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value)
    raise misfit(parameter)


def _checked_text(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ApiValueError(f"{name}: UTF-8 cannot carry it ({error.reason})") from None
    return text


def misfit(parameter: Parameter) -> ApiTypeError:
    """The error for an argument of the wrong type."""
    name, value, expected, _ = parameter
    return ApiTypeError(f"{name}: expected {expected}, got {'None' if value is None else type(value).__name__}")
