"""What a test of a page's looks measures: whether texts can be read, and whether anything is too wide."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from playwright.sync_api import Locator

ARTIFACTS = os.environ.get("COACTIVE_ARTIFACTS")
"""The folder that screenshots are kept in; None: in none."""

READABLE = 4.5
"""The least contrast that WCAG 2.2 asks of text, at level AA."""


class Contrast(NamedTuple):
    """How much a text stands out from its ground, from 1 to 21."""

    ratio: float
    element: str


def contrasts_in(place: Locator) -> list[Contrast]:
    """The contrast of each text that a place shows, the lowest first."""
    return sorted(Contrast(*found) for found in place.evaluate(_CONTRASTS))


def too_wide_in(place: Locator) -> list[str]:
    """The elements that are wider than they have room, as HTML; code may scroll."""
    found: list[str] = place.evaluate(_TOO_WIDE)
    return found


_TOO_WIDE = """place => [place, ...place.querySelectorAll("*:not(pre *)")]
    .filter(it => it.getClientRects().length && getComputedStyle(it).overflowX === "visible")
    .filter(it => it.scrollWidth > Math.max(it.clientWidth, 1) && getComputedStyle(it).display !== "inline"
        || it.getBoundingClientRect().right > place.getBoundingClientRect().right + 1)
    .map(it => it.outerHTML.slice(0, 200))"""

_CONTRASTS = """place => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number)
    const alpha = colour => numbers(colour)[3] ?? 1
    const over = (top, part, ground) => top.slice(0, 3).map((it, at) => it * part + ground[at] * (1 - part))
    const ancestors = it => it ? [...ancestors(it.parentElement), it] : []
    const ground = it => ancestors(it).map(getComputedStyle).map(style => style.backgroundColor)
        .reduce((below, colour) => over(numbers(colour), alpha(colour), below), [255, 255, 255])
    const opacity = it => ancestors(it).map(above => Number(getComputedStyle(above).opacity)).reduce((a, b) => a * b)
    const light = colour => colour.map(it => it / 255)
        .map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
        .reduce((sum, it, at) => sum + it * [0.2126, 0.7152, 0.0722][at], 0)
    const texts = [...place.querySelectorAll("*")].filter(it => it.tagName !== "STYLE"
        && [...it.childNodes].some(child => child.nodeType === 3 && child.data.trim()))
    return texts.map(it => {
        const colour = getComputedStyle(it).color
        const lights = [light(over(numbers(colour), alpha(colour) * opacity(it), ground(it))), light(ground(it))]
        return [(Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05), it.outerHTML.slice(0, 200)]
    })
}"""
