"""Phrases as people type them, each with the one product of the demo's catalogue that it means."""

from __future__ import annotations

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


def test_phrases_find_the_product_that_they_mean(demo: Service) -> None:
    with ApiClient(demo.configuration) as api_client:
        found = {phrase: first(SimilaritySearchApi(api_client), demo, phrase) for phrase in PHRASES}
    wrong = {phrase: f"{found[phrase]} instead of {sku}" for phrase, sku in PHRASES.items() if found[phrase] != sku}
    assert not wrong


def first(api: SimilaritySearchApi, demo: Service, phrase: str) -> str | None:
    groups = api.search_images_by_text_grouped(demo.embedding_id, phrase, group_by="sku").data
    return groups[0].group if groups else None
