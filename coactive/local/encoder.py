"""What turns an image into an embedding: the built-in descriptor, or a callable of the user's own, by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from threading import Lock
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from coactive.local import descriptor
from coactive.local.image_file import ENOUGH
from coactive.local.pixels import in_colour, on_white, upright

Embedding = NDArray[np.float32]

OWN_SIDE = 512
"""A JPEG's pixels a side, at least, that a user's own encoder gets; many models look at 224 to 448."""

SAMPLE_PHRASE = "a red mug"


@dataclass(frozen=True)
class Encoder:
    """Turns images into embeddings: float32 vectors of one length, all of length 1 but where there is nothing to see.

    `name` stands for what it computes: what one encoder made, another one of that name can be compared with. `side`
    is how many pixels a side of a larger JPEG it needs at least. `encode` takes an image of any mode and size;
    `encode_phrase` takes words to the same space, and is None where the encoder knows images only.
    """

    name: str
    side: int
    encode: Callable[[Image.Image], Embedding]
    encode_phrase: Callable[[str], Embedding] | None = None


BUILT_IN = Encoder(descriptor.NAME, ENOUGH, descriptor.encode)


def encoder_named(name: str | None) -> Encoder:
    """The encoder of a name: the built-in one's, or None, or `module:callable`, which is imported and tried.

    The callable gets a PIL image (RGB, upright, on white) and returns a vector: anything that NumPy reads as one row
    of numbers. If it takes a str as well, phrases are searched by it. It is called by one thread at a time. Raises
    TypeError and ValueError that say what is wrong with the name or with what the callable returns.
    """
    if name is None or name == BUILT_IN.name:
        return BUILT_IN
    own = _Own(name, _imported(name))
    own.encode(Image.new("RGB", (OWN_SIDE, OWN_SIDE), "red"))
    return Encoder(name, OWN_SIDE, own.encode, own.encode_phrase if own.knows_phrases() else None)


def _imported(name: object) -> Callable[[Any], Any]:
    if not isinstance(name, str):
        raise TypeError(f"encoder: expected a str or None, got {type(name).__name__}; it is named as 'module:callable'")
    module, _, attribute = name.partition(":")
    if not module or not attribute or module.startswith("."):
        raise ValueError(f"encoder: {name!r} is neither {BUILT_IN.name!r}, the built-in one, nor module:callable")
    loaded = _loaded(module)
    try:
        found = attrgetter(attribute)(loaded)
    except AttributeError as problem:
        raise ValueError(f"encoder: the module {module!r} has no {attribute!r}") from problem
    if not callable(found):
        raise ValueError(f"encoder: {name} is not callable, it is of type {type(found).__name__}")
    return found  # type: ignore[no-any-return]


def _loaded(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name is None or not f"{module}.".startswith(f"{problem.name}."):
            says = f"encoder: the module {module!r} imports one that is not installed: {problem.name}"
            raise ModuleNotFoundError(says, name=problem.name) from problem
        hint = f"; write it without .py: {module[:-3]}:..." if module.endswith(".py") else ""
        raise ValueError(f"encoder: no module named {problem.name!r} can be imported from here{hint}") from problem
    except Exception as problem:
        raise ValueError(f"encoder: importing {module!r} raised {type(problem).__name__}: {problem}") from problem


class EncoderError(ValueError):
    """A user's own encoder failed, or returned what is no embedding; the message names it."""


class _Own:
    """A user's callable, held to what an encoder promises."""

    def __init__(self, name: str, function: Callable[[Any], Any]) -> None:
        self._name = name
        self._function = function
        self._length = 0
        # Models keep state, and use all cores by themselves.
        self._one_at_a_time = Lock()

    def encode(self, image: Image.Image) -> Embedding:
        return self._vector(upright(on_white(in_colour(image)), image), "an image")

    def encode_phrase(self, phrase: str) -> Embedding:
        return self._vector(phrase, "a phrase")

    def knows_phrases(self) -> bool:
        """Whether the callable takes a phrase; raises EncoderError where that is not to the space of its images."""
        try:
            answer = self._asked(SAMPLE_PHRASE)
        # Whatever a function for images raises when it gets a str.
        except Exception:
            return False
        if answer is None:
            return False
        self._checked(answer, "a phrase")
        return True

    def _vector(self, given: Image.Image | str, what: str) -> Embedding:
        try:
            answer = self._asked(given)
        except Exception as problem:
            raise EncoderError(f"encoder: {self._name} raised {type(problem).__name__}: {problem}") from problem
        return self._checked(answer, what)

    def _asked(self, given: Image.Image | str) -> Any:
        with self._one_at_a_time:
            return self._function(given)

    def _checked(self, answer: Any, what: str) -> Embedding:
        """The answer as an embedding; raises EncoderError where it is none for `what`, or not as long as the first."""
        if answer is None:
            self._refuse("None, not a vector; is its `return` missing?")
        try:
            vector = np.asarray(answer, dtype=np.float64)
        except Exception as problem:
            self._refuse(f"{type(answer).__name__}, which is no vector of numbers: {problem}", problem)
        if vector.ndim == 2 and len(vector) == 1:
            vector = vector[0]
        if vector.ndim != 1 or not vector.size:
            self._refuse(f"an array of shape {vector.shape}, not one vector")
        if not np.isfinite(vector).all():
            self._refuse("numbers that are not finite")
        if vector.size != (self._length or vector.size):
            self._refuse(f"{vector.size:,} numbers for {what} and {self._length:,} for an image: not the same space")
        self._length = vector.size
        return (vector / (np.linalg.norm(vector) or 1)).astype(np.float32)

    def _refuse(self, returned: str, cause: Exception | None = None) -> NoReturn:
        raise EncoderError(f"encoder: {self._name} returned {returned}") from cause
