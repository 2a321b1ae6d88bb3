"""What a model's class has under a name beside the field of that name in the instance's `__dict__`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from coactive.exceptions import ApiAttributeError

if TYPE_CHECKING:
    from coactive.model.base import Model


class _Member:
    """A data descriptor: Python asks it before it looks into the instance's `__dict__`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __set__(self, model: Model, value: Any) -> None:
        model.__dict__[self._name] = value

    def __delete__(self, model: Model) -> None:
        if self._name not in model.__dict__:
            raise ApiAttributeError(f"{type(model).__name__} has no field {self._name!r} to delete")
        del model.__dict__[self._name]


class Method(_Member):
    """A method that a field of its name does not hide; the field is `model["name"]`."""

    def __init__(self, name: str, function: Any) -> None:
        super().__init__(name)
        self.__wrapped__ = function

    def __get__(self, model: Model | None, owner: type[Model]) -> Callable[..., Any]:
        bound: Callable[..., Any] = self.__wrapped__.__get__(model, owner)
        return bound


class Time(_Member):
    """A field that is a time: as it came, until it is first read."""

    def __get__(self, model: Model | None, owner: type[Model]) -> Any:
        value = None if model is None else model.__dict__.get(self._name)
        if model is not None and type(value) is str:
            model.__dict__[self._name] = value = _read_time(value)
        return value


def _read_time(value: str) -> Any:
    """A date and time of ISO 8601 as a `datetime`, aware where it names a zone; anything else as it came."""
    if len(value) <= len("2026-01-02"):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        from dateutil.parser import isoparse

        try:
            return isoparse(value)
        except (ValueError, OverflowError):
            return value
