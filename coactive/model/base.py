"""What a model is: the decoded JSON object itself, with the fields that the schema names typed.

A model's `__dict__` is the JSON object that came, so that reading a field costs nothing, and fields that the
schema does not name stay readable. Only times and nested models are converted: a time when it is first read, nested
models at once, by readers worked out once a class.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from coactive.exceptions import ApiAttributeError, ApiKeyError, ApiTypeError, nearest

if TYPE_CHECKING:
    from typing import Self

Convert = Callable[[Any], Any]

_HIDDEN = "_hidden"
"""Where a model keeps the fields that are named like its methods."""


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


@dataclass_transform(kw_only_default=False)
class Model:
    """A JSON object with typed fields; its fields are the class's annotations.

    Fields that the schema does not name are kept: read them as attributes, by `model["name"]`, `in` and
    `.get()`. A field named like a method of this class is reached by `model["name"]`. An optional field
    that did not come reads None. Equal models have equal JSON.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _required: ClassVar[tuple[str, ...]] = ()
    _reserved: ClassVar[frozenset[str]] = frozenset()
    _times: ClassVar[frozenset[str]] = frozenset()
    _read_all: ClassVar[Convert | None] = None

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(name for name in cls.__annotations__ if not name.startswith("_"))
        cls._required = tuple(name for name in cls._fields if not hasattr(cls, name))
        cls._reserved = frozenset(dir(cls)).difference(cls._fields) | {_HIDDEN}
        cls._times = frozenset(name for name in cls._fields if _is_time(cls.__annotations__[name]))
        for name in cls._times:
            setattr(cls, name, _Time(name))
        cls._read_all = None
        cls.__match_args__ = cls._fields  # type: ignore[attr-defined, misc]

    def __init__(self, /, *args: Any, **fields: Any) -> None:
        """Make one by hand, from the fields in order or by name; names beyond the schema are kept.

        Raises:
            ApiTypeError: a required field is missing, or one came twice.
        """
        given = dict(zip(self._fields, args, strict=False))
        twice = sorted(given.keys() & fields.keys())
        missing = [name for name in self._required if name not in given and name not in fields]
        if len(args) > len(self._fields) or twice or missing:
            raise ApiTypeError(f"{type(self).__name__}: {_misfit(self._fields, len(args), twice, missing)}")
        self.__dict__ = _with_hidden(self._reserved, given | fields)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The model of a decoded JSON object, which stays as it is.

        Raises:
            ApiTypeError: the object cannot be what the schema says; the message names the place.
        """
        try:
            return cls.adopt(copy.deepcopy(dict(data) if isinstance(data, Mapping) else data))
        except Misfit as misfit:
            raise ApiTypeError(misfit.problem, misfit.path) from None

    @classmethod
    def adopt(cls, data: Any) -> Self:
        """The model whose `__dict__` becomes `data` itself: for decoded JSON that nobody else holds.

        Raises:
            Misfit: the object cannot be what the schema says.
        """
        try:
            model: Self = cls.adopt_all([data])[0]
        except Misfit as misfit:
            del misfit.path[0]
            raise
        return model

    @classmethod
    def adopt_all(cls, items: list[Any]) -> list[Any]:
        """The models of a list of objects, each as `adopt` makes it; the list itself, which then holds them.

        Raises:
            Misfit: one of them cannot be what the schema says.
        """
        if cls._read_all is None:
            cls._read_all = _reader_of(cls)
        models: list[Any] = cls._read_all(items)
        return models

    def to_dict(self) -> dict[str, Any]:
        """The JSON object: equal to what came, times written in ISO 8601 as the same instant."""
        return {name: to_json(value) for name, value in self._items()}

    def to_str(self) -> str:
        """The JSON object as Python writes it, over several lines."""
        from pprint import pformat

        return pformat(self.to_dict())

    def get(self, name: str, default: Any = None) -> Any:
        """The field `name`, or `default` where the answer did not have it."""
        return self[name] if name in self._stored(name) else default

    def _items(self) -> Iterator[tuple[str, Any]]:
        for name, value in self.__dict__.items():
            if name != _HIDDEN:
                yield name, getattr(self, name) if name in self._times else value
        yield from self.__dict__.get(_HIDDEN, {}).items()

    def _stored(self, name: object) -> dict[str, Any]:
        fields = self.__dict__
        return fields.get(_HIDDEN, {}) if name in self._reserved else fields

    def __getitem__(self, name: str) -> Any:
        fields = self._stored(name)
        if name in fields:
            return getattr(self, name) if name in self._times else fields[name]
        if name in self._fields and name not in self._required:
            return getattr(type(self), name)
        raise ApiKeyError(f"{type(self).__name__} has no field {name!r}{nearest(name, self._fields)}")

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._reserved:
            self.__dict__.setdefault(_HIDDEN, {})[name] = value
        else:
            self.__dict__[name] = value

    def __contains__(self, name: object) -> bool:
        """Whether the answer had the field."""
        return name in self._stored(name)

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if type(other) is type(self) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable, like the dict that it is
    __iter__ = None  # a dict's keys, or the list in it? `to_dict()` says which

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._items())})"

    if not TYPE_CHECKING:  # pragma: no branch - a typo is for type checkers to find, too

        def __getattr__(self, name: str) -> Any:
            raise ApiAttributeError(f"{type(self).__name__} has no field {name!r}{nearest(name, self._fields)}")


def to_json(value: Any) -> Any:
    """A model, or plain values that hold models and times, as JSON values."""
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {name: to_json(item) for name, item in value.items()}
    return value


def converter(hint: Any) -> Convert | None:
    """What turns JSON into a type and refuses a structure that cannot be it; None: there is nothing to do."""
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return converter(kinds[0]) if len(kinds) == 1 else None
    if get_origin(hint) is list:
        (item,) = get_args(hint)
        return _list_of(item.adopt_all) if _is_model(item) else _list_of(None)
    if get_origin(hint) is dict:
        return _read_object
    return hint.adopt if _is_model(hint) else None


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Model)


def _is_time(hint: Any) -> bool:
    return hint is datetime or datetime in get_args(hint)


def _reader_of(model: type[Model]) -> Convert:
    """What turns a list of objects into models, in place; all that is the same for each is looked up before."""
    hints = get_type_hints(model)
    converters = [(name, convert) for name in model._fields if (convert := converter(hints[name])) is not None]
    required, reserved = frozenset(model._required), model._reserved
    new, is_plain = object.__new__, reserved.isdisjoint

    def read_all(items: list[Any]) -> list[Any]:
        at = 0
        try:
            for at, data in enumerate(items):
                if type(data) is not dict or (required and not data.keys() >= required):
                    raise _misfit_of(data, model)
                for name, convert in converters:
                    if (value := data.get(name)) is not None or name in required:
                        try:
                            data[name] = convert(value)
                        except Misfit as misfit:
                            raise misfit.inside(name) from None
                items[at] = made = new(model)
                made.__dict__ = data if is_plain(data) else _with_hidden(reserved, data)
        except Misfit as misfit:
            raise misfit.inside(at) from None
        return items

    return read_all


def _misfit_of(data: Any, model: type[Model]) -> Misfit:
    if type(data) is not dict:
        return Misfit(f"expected an object, got {_json_type(data)}")
    missing = next(name for name in model._required if name not in data)
    return Misfit(f"the field {missing!r} is missing")


def _list_of(read_all: Convert | None) -> Convert:
    def read(value: Any) -> Any:
        if type(value) is not list:
            raise Misfit(f"expected a list, got {_json_type(value)}")
        return value if read_all is None else read_all(value)

    return read


class _Time:
    """A field that is a time: as it came, until it is first read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, model: Model | None, owner: type[Model]) -> Any:
        value = None if model is None else model.__dict__.get(self._name)
        if model is not None and type(value) is str:
            model.__dict__[self._name] = value = _read_time(value)
        return value

    def __set__(self, model: Model, value: Any) -> None:
        model.__dict__[self._name] = value

    def __delete__(self, model: Model) -> None:
        del model.__dict__[self._name]


def _read_object(value: Any) -> Any:
    if type(value) is not dict:
        raise Misfit(f"expected an object, got {_json_type(value)}")
    return value


def _read_time(value: Any) -> Any:
    """A date and time of ISO 8601 as a `datetime`, aware where it names a zone; anything else as it came."""
    if type(value) is not str or len(value) <= len("2026-01-02"):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        from dateutil.parser import isoparse

        try:
            return isoparse(value)
        except (ValueError, OverflowError):
            return value


def _with_hidden(reserved: frozenset[str], fields: dict[str, Any]) -> dict[str, Any]:
    hidden = {name: fields[name] for name in fields if name in reserved}
    seen = {name: value for name, value in fields.items() if name not in reserved}
    return seen | {_HIDDEN: hidden} if hidden else seen


def _misfit(fields: tuple[str, ...], given: int, twice: list[str], missing: list[str]) -> str:
    if missing:
        return f"missing {', '.join(missing)}"
    return f"{', '.join(twice)} given twice" if twice else f"takes {len(fields)} fields, {given} given"


def _json_type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", NoneType: "null"}
    return names.get(type(value), "a number")
