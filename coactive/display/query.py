"""What was searched by, as it is shown beside what was found."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from coactive.display.figure import img
from coactive.display.html import Html, element
from coactive.display.thumbnail import query_picture
from coactive.exceptions import ApiTypeError, OpenApiException
from coactive.image_file import ImageFile, upload
from coactive.upload import Upload

_MOST_BYTES = 64 * 2**20
"""Of an image that is read to be shown."""


class Query(NamedTuple):
    """What was searched by: an image, a phrase, or both.

    Attributes:
        file: the name of the image; None: there was none.
        picture: the image as a `data:` address; None: it cannot be shown, or is still to be read.
        path: where the image is read from when it is shown.
        phrase: the words; None: there were none.
    """

    file: str | None = None
    picture: str | None = None
    path: str | None = None
    phrase: str | None = None

    def __str__(self) -> str:
        return " and ".join(filter(None, [self.file and f"like {self.file}", self.phrase and f"for “{self.phrase}”"]))


def query_of(file: ImageFile | None, phrase: str | None) -> Query | None:
    """What a caller says was searched by; None: nothing was said.

    Raises:
        ApiTypeError: `file` is none of the types that an image can come in, or `query` no str.
        ApiValueError: the image cannot be read.
    """
    if not isinstance(phrase, str | None):
        raise ApiTypeError(f"query: expected a str or None, got {type(phrase).__name__}")
    if file is None:
        return None if phrase is None else Query(phrase=phrase)
    with closing(upload(file)) as image:
        return Query(image.filename, _picture(image), None, phrase)


def remembered(file: str | None = None, query: str | None = None) -> Query | None:
    """What an answer remembers of its call: a path and a phrase."""
    return Query(file and Path(file).name, None, file, query) if file or query else None


def box(query: Query) -> Html:
    """What was searched by, to stand beside what was found."""
    address = query.picture or (query.path and _picture_at(query.path))
    return element(
        "div",
        element("div", "Searched by", class_="coactive-label"),
        element("div", img(address, query.file or ""), class_="coactive-picture") if address else None,
        element("div", query.file) if query.file else None,
        element("div", f"“{query.phrase}”") if query.phrase else None,
        class_="coactive-query",
    )


def _picture_at(path: str) -> str | None:
    """The picture of an image that may be gone by now."""
    try:
        with closing(upload(path)) as image:
            return _picture(image)
    except OpenApiException:
        return None


def _picture(image: Upload) -> str | None:
    return query_picture(b"".join(image)) if image.length <= _MOST_BYTES else None
