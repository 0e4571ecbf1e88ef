"""What a search finds, and in which order: the same by PostgreSQL and by OpenSearch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from markets.tests.factories import make_market
from products.tests.factories import make_category, make_product
from products.tests.searching import follow, remove_indexes, rows_of, searched_by

pytestmark = pytest.mark.django_db
LIST = "/api/v1/products"

Names = Callable[..., list[str]]


@pytest.fixture(params=["postgresql", "opensearch"])
def names(request: Any, client: Client, settings: Settings) -> Iterator[Names]:
    """Search, and return the names found; both engines have heard of all that is there."""
    if request.param == "postgresql":
        yield lambda **query: rows_of(client.get(LIST, query))
        return
    with searched_by(request.getfixturevalue("opensearch_url"), settings) as counted:
        make_market()

        def ask(**query: Any) -> list[str]:
            follow()
            counted.answered()
            found = rows_of(client.get(LIST, query))
            assert counted.answered() == "opensearch"
            return found

        yield ask
        remove_indexes()


@pytest.mark.parametrize(
    "words",
    ["cafe", "CAFÉ", "Tables", "table", "terr", "acme", "weatherproof", "tab-77", "TAB-77", "cafe tab",
     "the cafe table", "table for the cafe", "weather", "terrace weatherproofing"],
)  # fmt: skip
def test_finds_by_name_tag_brand_description_and_sku(names: Names, words: str) -> None:
    make_product("Café table", sku="TAB-77", tags=["terrace"], brand="Acme", description="Weatherproof")
    make_product("Lamp")

    assert names(search=words) == ["Café table"]


@pytest.mark.parametrize("words", ["bicycle", "cafe bicycle", "tab-78", "ta-77", "the", "77-tab", "lamp cafe"])
def test_finds_nothing_that_has_not_all_words(names: Names, words: str) -> None:
    make_product("Café table", sku="TAB-77")
    make_product("Lamp")

    assert names(search=words) == []


def test_an_exact_sku_comes_first(names: Names) -> None:
    make_product("Oak", sku="LAMP")
    make_product("Lamp lamp lamp", description="lamp lamp")

    assert names(search="lamp") == ["Oak", "Lamp lamp lamp"]


def test_a_word_of_the_name_counts_more_than_one_of_the_brand_and_that_more_than_one_of_the_description(
    names: Names,
) -> None:
    make_product("Lamp")
    make_product("Table", description="Fits below a lamp")
    make_product("Chair", brand="Lamp")

    assert names(search="lamp") == ["Lamp", "Chair", "Table"]


def test_of_the_same_rank_the_newest_comes_first(names: Names) -> None:
    for number in range(3):
        make_product(f"Lamp {number}")

    assert names(search="lamp") == ["Lamp 2", "Lamp 1", "Lamp 0"]


def test_filters_and_sorts_what_is_found(names: Names) -> None:
    lamps = make_category("Lamps", slug="lamps")
    make_product("Oak lamp", category=lamps, price_minor=300, tags=["a"])
    make_product("Elm lamp", category=lamps, price_minor=100, tags=["a"], is_available=False)
    make_product("Ash lamp", price_minor=200, tags=["b"])
    make_product("Chair", category=lamps, price_minor=100, tags=["a"])

    assert names(search="lamp", sort="price") == ["Elm lamp", "Ash lamp", "Oak lamp"]
    assert names(search="lamp", sort="-name", tag="a") == ["Oak lamp", "Elm lamp"]
    assert names(search="lamp", category="lamps", in_stock="true") == ["Oak lamp"]
    assert names(search="lamp", min_price="1.50", max_price="2.50") == ["Ash lamp"]
    assert names(search="lamp", rating="1") == []


@pytest.mark.parametrize(
    ("language", "name", "words"),
    [("de", "Gartenstühle", "gartenstuhl"), ("fr", "Tables de café", "table cafe"), ("el", "Λάμπα", "λάμπα"),
     ("xx", "Lampada", "lampada"), ("de", "Stuhl", "der stuhl")],
)  # fmt: skip
def test_knows_words_of_the_markets_language(names: Names, language: str, name: str, words: str) -> None:
    make_market("there", language=language, currency="EUR", countries=[])
    make_product(name, currency="EUR")

    assert names(search=words, market="there") == [name]


@pytest.mark.parametrize(
    "words", ["'", "\\", "!&|()", ":*", "½", "<->", "%", "😀", "*", "?", "~", "/.*/", "a^9", "x AND"]
)
def test_s26_takes_any_words(names: Names, words: str) -> None:
    make_product("Lamp")

    assert names(search=words) == []


@pytest.mark.parametrize("sort", ["newest", "price", "-price", "name", "-name", "rating", "relevance"])
def test_pages_meet_each_product_once(names: Names, sort: str, client: Client) -> None:
    for number in range(7):
        make_product(f"Lamp {number % 3}", price_minor=100 * (number % 2), description="lamp" * (number % 2))
    whole = names(search="lamp", sort=sort)
    asked: dict[str, Any] = {"search": "lamp", "sort": sort, "size": 2}

    walked: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(LIST, {**asked, "cursor": cursor}).json()
        walked += [row["id"] for row in page["results"]]
        cursor = page.get("next_cursor")
    paged = [
        row["id"] for number in (1, 2, 3, 4) for row in client.get(LIST, {**asked, "page": number}).json()["results"]
    ]

    assert walked == paged
    assert len(set(walked)) == len(whole) == 7
    assert client.get(LIST, {**asked, "page": 2}).json()["count"] == 7
