"""The kinds of field that a request has; each is read as it was sent, and may come once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_args

import fastapi
from fastapi import File, Form, Query
from pydantic import BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from starlette.datastructures import UploadFile

DEFAULT_LIMIT, LARGEST_LIMIT = 100, 1000

INTEGER = re.compile(r"-?[0-9]+")


@dataclass(frozen=True)
class _Only:
    """Makes a field of one value out of a list field: `Annotated[list[str], _Only(int), Form()]`.

    Of a form's field that is no list FastAPI takes an empty value for none, and of two values the last.
    """

    type: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        (kind,) = get_args(source)
        return core_schema.no_info_before_validator_function(partial(_only, kind), handler.generate_schema(self.type))


def _only(kind: type[str] | type[UploadFile], values: Any) -> Any:
    # Older versions of FastAPI have the default checked too.
    if not isinstance(values, list):
        return values
    if len(values) > 1:
        raise PydanticCustomError("too_many", "Field sent {times} times, expected once", {"times": len(values)})
    if not isinstance(values[0], kind):
        raise PydanticCustomError("wrong_kind", "Input should be text" if kind is str else "Input should be a file")
    return values[0]


def _digits(text: str | int) -> str | int:
    """The text of an integer; not what Python reads as one beside that: 1.0, 1_0, spaces, digits of other scripts."""
    if isinstance(text, str) and not INTEGER.fullmatch(text):
        raise PydanticCustomError("int_parsing", "Input should be a valid integer")
    return text


# To FastAPI each is a list; the endpoint, and so the type checker, gets the one value that is in it.
if TYPE_CHECKING:
    FormText: TypeAlias = str
    OptionalFormText: TypeAlias = str | None
    FormLimit: TypeAlias = int
    FormFile: TypeAlias = fastapi.UploadFile
    QueryText: TypeAlias = str
    OptionalQueryText: TypeAlias = str | None
    QueryLimit: TypeAlias = int
else:
    _Limit = Annotated[int, Field(ge=1, le=LARGEST_LIMIT), BeforeValidator(_digits)]
    FormText = OptionalFormText = Annotated[list[str], _Only(str), Form()]
    FormLimit = Annotated[list[str], _Only(_Limit), Form()]
    FormFile = Annotated[list[UploadFile], _Only(fastapi.UploadFile), File()]
    QueryText = OptionalQueryText = Annotated[list[str], _Only(str), Query()]
    QueryLimit = Annotated[list[str], _Only(_Limit), Query()]
