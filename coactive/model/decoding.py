"""Turning decoded JSON into models, by readers worked out once a class."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from coactive.model.base import Model

Convert = Callable[[Any], Any]


class Misfit(Exception):  # noqa: N818 - becomes one of the public exceptions
    """JSON that cannot be what the schema says, and the way to the place, from the outside in."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str | int] = []

    def inside(self, step: str | int) -> Misfit:
        """The same, seen from one level further out."""
        self.path.insert(0, step)
        return self


@cache
def converter(hint: Any) -> Convert:
    """What turns decoded JSON, which nobody else holds, into a type.

    It raises `Misfit` for a structure that cannot be that type; what is no model, list or dict stays as it is.
    """
    shape, convert = _shape(hint)

    def read(value: Any) -> Any:
        if shape and type(value) is not shape:
            raise _of_another_type(value, shape)
        return convert(value) if convert else value

    return read


@cache
def _reader(model: type[Model]) -> Convert:
    """What turns a list of objects into models, in place: each object becomes the `__dict__` of its model.

    A search may find tens of thousands: what is the same for each is looked up before, and nothing is called for one
    that need not be.
    """
    (checks, others), new = _checks(model), object.__new__

    def read_all(items: list[Any]) -> list[Any]:
        at = 0
        try:
            for at, data in enumerate(items):
                if type(data) is not dict or (others and not data.keys() >= others):
                    raise _misfit(model, data)
                for name, shape, convert, needed in checks:
                    value = data.get(name)
                    if type(value) is not shape and (needed or value is not None):
                        raise _misfit(model, data, name, shape)
                    if convert and value is not None:
                        data[name] = _inside(name, convert, value)
                items[at] = made = new(model)
                made.__dict__ = data
        except Misfit as misfit:
            raise misfit.inside(at) from None
        return items

    return read_all


def _checks(model: type[Model]) -> tuple[list[tuple[str, Any, Convert | None, bool]], frozenset[str]]:
    """The fields of which more than a scalar is expected, with what, and the others that must be there."""
    shapes = {name: _shape(hint) for name, hint in get_type_hints(model).items() if name in model._fields}
    checks = [(name, *shape, name in model._required) for name, shape in shapes.items() if shape[0]]
    return checks, frozenset(name for name in model._required if not shapes[name][0])


def _inside(name: str, convert: Convert, value: Any) -> Any:
    try:
        return convert(value)
    except Misfit as misfit:
        raise misfit.inside(name) from None


def _shape(hint: Any) -> tuple[Any, Convert | None]:
    """The JSON type that a type is made of, None for any, and what makes it, None for nothing to be done."""
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return _shape(kinds[0]) if len(kinds) == 1 else (None, None)
    if get_origin(hint) is list:
        (item,) = get_args(hint)
        return list, (lambda values: _reader(item)(values)) if _is_model(item) else None
    if get_origin(hint) is dict:
        return dict, None
    return (dict, lambda value: _one(hint, value)) if _is_model(hint) else (None, None)


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Model)


def _one(model: Any, data: Any) -> Any:
    try:
        return _reader(model)([data])[0]
    except Misfit as misfit:
        del misfit.path[0]
        raise


def _misfit(model: type[Model], data: Any, name: str = "", shape: type = dict) -> Misfit:
    """Why an object is no such model; with a name, because of the shape that the field does not have."""
    if type(data) is not dict:
        return _of_another_type(data, dict)
    missing = [name for name in model._required if name not in data]
    if missing:
        return Misfit(f"the field {missing[0]!r} is missing")
    return _of_another_type(data[name], shape).inside(name)


def _of_another_type(value: Any, expected: type) -> Misfit:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", NoneType: "null"}
    return Misfit(f"expected {names[expected]}, got {names.get(type(value), 'a number')}")
