"""Phrases as people type them, each with the one product of the demo's catalogue that it means."""

from __future__ import annotations

import pytest

from coactive import ApiClient
from coactive.apis import SimilaritySearchApi
from coactive.local import Service

PHRASES = {
    # plurals
    "red mugs": "MUG-01",
    "pink plants": "PLANT-05",
    "PURPLE BAGS!": "BAG-04",
    "wall clocks, banded": "CLOCK-05",
    "umbrellas with yellow dots": "UMBRELLA-03",
    # typos
    "blu bottel": "BOTTLE-02",
    "strped lamp": "LAMP-05",
    "grean clock": "CLOCK-03",
    "cushoin cream": "CUSHION-03",
    "stripped shirrt": "SHIRT-03",
    # word order and little words
    "shoe, striped": "SHOE-01",
    "a chair that is orange": "CHAIR-04",
    "mug in yellow with dotted pattern": "MUG-04",
    # several columns
    "terracotta plant blue": "PLANT-02",
    "velvet black": "CUSHION-04",
    "teal cotton shirt": "SHIRT-04",
    "porcelain yelow": "VASE-04",
    # numbers
    "CHAIR-03": "CHAIR-03",
    "mug_05": "MUG-05",
    "lamp 52.00": "LAMP-03",
}
