"""HTML whose every text is escaped, because an element can be made in one way only."""

from __future__ import annotations

import html
import re
from typing import Any, TypeAlias

from coactive.display.style import STYLE

Content: TypeAlias = "Html | str | None"
"""What stands in an element: other elements, or text, which is escaped; None is nothing."""

_LONGEST = 300
"""Characters that are shown of one text."""

_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""What UTF-8 cannot carry, and control characters but for tabs and line ends."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *contents: Content, **attributes: str | None) -> Html:
    """An element around its contents; a `_` at the end of an attribute's name is dropped, others become `-`.

    An attribute of None is left out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name == "img":
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{together(*contents)}</{name}>")


def together(*contents: Content) -> Html:
    """Contents one after the other."""
    return Html("".join(it if isinstance(it, Html) else _escaped(_shortened(it)) for it in contents if it is not None))


def output(*contents: Content, label: str) -> Html:
    """What a cell of a notebook shows; it brings its style along."""
    return element("div", Html(STYLE), *contents, class_="coactive", role="group", aria_label=label)


def web_address(url: Any) -> str | None:
    """The address if a link may lead there: one of the web; no script, and no file of the reader's machine."""
    return url if isinstance(url, str) and re.match(r"https?://", url, re.IGNORECASE) else None


def picture_address(url: Any) -> str | None:
    """The address if a picture may come from there: one of the web, or the picture itself as a `data:` address."""
    embedded = isinstance(url, str) and url[:11].lower() == "data:image/"
    return url if embedded else web_address(url)


def _escaped(text: str) -> str:
    return html.escape(_UNSENDABLE.sub(_named, text), quote=True)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _named(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
