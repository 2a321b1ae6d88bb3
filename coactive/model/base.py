"""What a model is: the decoded JSON object itself, with the fields that the schema names typed.

A model's `__dict__` is the JSON object that came, so that reading a field costs nothing, and fields that the
schema does not name stay readable. Only nested models and times are converted: models by `coactive.model.decoding`, a
time when it is first read.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform, get_args

from coactive.exceptions import ApiAttributeError, ApiKeyError, ApiTypeError, nearest
from coactive.model.members import Method, Time

if TYPE_CHECKING:
    from typing import Self


@dataclass_transform(kw_only_default=False)
class Model:
    """A JSON object with typed fields; its fields are the class's annotations.

    Fields that the schema does not name are kept: read them as attributes, by `model["name"]`, `in` and
    `.get()`. A field named like a method of this class is reached by `model["name"]`. An optional field
    that did not come reads None. Equal models have equal JSON.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _required: ClassVar[tuple[str, ...]] = ()
    _times: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(name for name in cls.__annotations__ if not name.startswith("_"))
        cls._required = tuple(name for name in cls._fields if not hasattr(cls, name))
        cls._times = frozenset(name for name in cls._fields if _is_time(cls.__annotations__[name]))
        for name in cls._times:
            setattr(cls, name, Time(name))
        _keep_methods(cls)
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
        self.__dict__ = given | fields

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The model of a decoded JSON object, which stays as it is.

        Raises:
            ApiTypeError: the object cannot be what the schema says; the message names the place.
        """
        from coactive.model.decoding import Misfit, converter

        kind: Any = cls
        try:
            model: Self = converter(kind)(copy.deepcopy(dict(data) if isinstance(data, Mapping) else data))
        except Misfit as misfit:
            raise ApiTypeError(misfit.problem, misfit.path) from None
        return model

    def to_dict(self) -> dict[str, Any]:
        """The JSON object: equal to what came, times written in ISO 8601 as the same instant."""
        return {name: to_json(value) for name, value in self._items()}

    def to_str(self) -> str:
        """The JSON object as Python writes it, over several lines."""
        from pprint import pformat

        return pformat(self.to_dict())

    def get(self, name: str, default: Any = None) -> Any:
        """The field `name`, or `default` where the answer did not have it."""
        return self[name] if name in self.__dict__ else default

    def _items(self) -> Iterator[tuple[str, Any]]:
        return ((name, self[name]) for name in self.__dict__)

    def __getitem__(self, name: str) -> Any:
        kind, fields = type(self), self.__dict__
        if name in fields:
            return getattr(self, name) if name in kind._times else fields[name]
        if name in kind._fields and name not in kind._required:
            return getattr(kind, name)
        raise ApiKeyError(f"{kind.__name__} has no field {name!r}{nearest(name, kind._fields)}")

    def __setitem__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __contains__(self, name: object) -> bool:
        """Whether the answer had the field."""
        return name in self.__dict__

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if type(other) is type(self) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable, like the dict that it is
    __iter__ = None  # a dict's keys, or the list in it? `to_dict()` says which

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._items())})"

    if not TYPE_CHECKING:  # pragma: no branch - a typo is for type checkers to find, too

        def __getattr__(self, name: str) -> Any:
            raise _no_attribute(self, name)


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


def _is_time(hint: Any) -> bool:
    return hint is datetime or datetime in get_args(hint)


def _keep_methods(kind: type[Model]) -> None:
    for name, member in list(vars(kind).items()):
        if isinstance(member, FunctionType | classmethod) and not name.startswith("__"):
            setattr(kind, name, Method(name, member))


_keep_methods(Model)
for _name in ("__reduce__", "__reduce_ex__", "__getstate__"):  # what copy and pickle ask an instance for
    setattr(Model, _name, Method(_name, getattr(object, _name)))


def _misfit(fields: tuple[str, ...], given: int, twice: list[str], missing: list[str]) -> str:
    if missing:
        return f"missing {', '.join(missing)}"
    return f"{', '.join(twice)} given twice" if twice else f"takes {len(fields)} fields, {given} given"


def _no_attribute(model: Model, name: str) -> ApiAttributeError:
    kind = type(model)
    return ApiAttributeError(f"{kind.__name__} has no field {name!r}{nearest(name, kind._fields)}")
