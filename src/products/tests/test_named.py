"""A word that very many have: those that are called so come first, then the newest, and few are looked at for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from core.pagination import encode_cursor
from core.tests.plans import STATISTICS, analyze, fill, visits
from products import services
from products.models import ProductDocument
from products.selectors import counting, named
from products.selectors.statements import statement_of
from products.services import tallies
from products.tests.factories import make_product

pytestmark = pytest.mark.django_db
LIST = "/api/v1/products"
MANY, LAMPS = 24_000, 6000
WAITING = ("document_search", "document_skus")
NONE = "'{}'"


def listed(client: Client, **query: Any) -> Any:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def names(page: Any) -> list[str]:
    return [row["name"] for row in page["results"]]


def walk(client: Client, **query: Any) -> list[str]:
    met, cursor = [], ""
    while cursor is not None:
        page = listed(client, **query, cursor=cursor)
        met += names(page)
        cursor = page.get("next_cursor")
    return met


Limits = Callable[..., None]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Limits]:
    """Have more than ``scored`` go by name; ``farthest`` of the newest are looked among, whose parts are small."""
    monkeypatch.setattr(tallies, "_SIZES", {"loose": 2, "least": 3, "parts": 500})

    def lower(*, scored: int = 3, farthest: int = named.FARTHEST, twice: int = 500) -> None:
        monkeypatch.setattr(counting, "SCORED", scored)
        monkeypatch.setattr(counting, "_TWICE", twice)
        monkeypatch.setattr(named, "FARTHEST", farthest)
        monkeypatch.setattr(named, "LARGE", 0)
        statement_of.cache_clear()

    yield lower
    statement_of.cache_clear()


def make_lamps() -> list[str]:
    """Return the names of those that have the word, as they are to come."""
    called, spoken_of = [], []
    for number in range(12):
        if number % 4 == 3:
            make_product(f"Table {number}", description="Fits below a lamp " * number)
            spoken_of.append(f"Table {number}")
        elif number % 4 == 2:
            make_product(f"Shade {number}", brand="Lamp")
            called.append(f"Shade {number}")
        else:
            make_product(f"Lamp {number}", description="lamp " * (12 - number))
            called.append(f"Lamp {number}")
        make_product(f"Chair {number}")
    return [*reversed(called), *reversed(spoken_of)]


class TestAWordOfMany:
    @pytest.mark.parametrize("farthest", [named.FARTHEST, 0])
    @pytest.mark.parametrize("size", [1, 2, 5, 20])
    def test_names_those_first_that_are_called_so_and_of_these_the_newest(
        self, client: Client, limits: Limits, farthest: int, size: int
    ) -> None:
        whole = make_lamps()
        services.gather_tallies()
        limits(farthest=farthest)

        pages = [listed(client, search="lamp", size=size, page=number) for number in range(1, 12 // size + 2)]

        assert [name for page in pages for name in names(page)] == whole
        assert {page["count"] for page in pages} == {12}
        assert walk(client, search="lamp", size=size) == whole

    def test_walks_on_as_it_began_where_fewer_or_far_more_have_it_meanwhile(
        self, client: Client, limits: Limits, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = make_lamps()
        limits()
        first = listed(client, search="lamp", size=3, cursor="")
        limits(scored=1000)
        by_fewer = names(listed(client, search="lamp", cursor=first["next_cursor"]))
        monkeypatch.setattr("products.selectors.statements.EXACT_COUNT_LIMIT", 5)
        monkeypatch.setattr(counting, "EXACT_COUNT_LIMIT", 5)
        limits()
        by_more = names(listed(client, search="lamp", cursor=first["next_cursor"]))

        assert names(first) + by_fewer == names(first) + by_more == whole

    @pytest.mark.parametrize("key", ["1.5e12", "8.9e15", "9.1e15", "1e200", "-1e200", "1e15"])
    def test_s26_takes_any_number_in_a_cursor(self, client: Client, limits: Limits, key: str) -> None:
        make_product("Lamp")
        limits(scored=0)
        cursor = encode_cursor(["relevance", key, "01a208dd-33f9-74e1-942c-90cf884d62e5"])

        assert listed(client, search="lamp", cursor=cursor)["count"] == 1

    def test_comes_behind_the_very_sku(self, client: Client, limits: Limits) -> None:
        make_product("Oak", sku="LAMP")
        whole = make_lamps()
        limits()

        assert names(listed(client, search="lamp"))[0] == "Oak"
        assert sorted(walk(client, search="lamp", size=2)) == sorted(["Oak", *whole])

    def test_shows_no_more_what_is_gone_and_at_once_what_is_new(self, client: Client, limits: Limits) -> None:
        whole = make_lamps()
        services.gather_tallies()
        limits()
        assert names(listed(client, search="lamp", size=1)) == whole[:1]

        newest = make_product("Newest lamp")

        page = listed(client, search="lamp", size=1)
        assert (names(page), page["count"]) == (["Newest lamp"], 13)
        services.delete_product(product_id=newest.pk, at=newest.created_at)
        page = listed(client, search="lamp", size=1)
        assert (names(page), page["count"]) == (whole[:1], 12)

    @pytest.mark.parametrize("statistics", STATISTICS[1:])
    def test_looks_at_some_of_the_newest_and_not_at_all_that_have_it(
        self, client: Client, statistics: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_shop(statistics)
        monkeypatch.setattr(named, "LARGE", 0)
        statement_of.cache_clear()

        with visits("products_productdocument") as seen:
            page = listed(client, search="lamp")

        assert (page["count"], len(page["results"])) == (LAMPS, 20)
        assert seen[0].rows < LAMPS / 2
        monkeypatch.setattr(named, "FARTHEST", 0)
        statement_of.cache_clear()
        with visits("products_productdocument") as looking_at_all:
            assert listed(client, search="lamp") == page
        statement_of.cache_clear()
        assert looking_at_all[0].rows > LAMPS


def fill_shop(statistics: str) -> None:
    """Lay down documents that a fourth of all have the word in their name; with statistics taken at that time."""
    market = ProductDocument.objects.get(product=make_product("Chair")).market_id
    columns = {
        "market_id": f"'{market}'",
        "document": '\'{"name": "Lamp"}\'',
        "category_ids": NONE,
        "tags": NONE,
        "skus": NONE,
        "published_at": "timestamptz '2026-03-01 12:00Z' - n * interval '1 second'",
        "search": f"(CASE WHEN n % {MANY // LAMPS} = 0 THEN '''lamp'':1A' ELSE '''chair'':1A' END)::tsvector",
    }
    fill(ProductDocument, MANY // 2, columns)
    if statistics == STATISTICS[1]:
        analyze(ProductDocument)
    fill(ProductDocument, MANY // 2, columns, first=MANY // 2 + 1)
    if statistics == STATISTICS[2]:
        analyze(ProductDocument)
    with connection.cursor() as cursor:
        cursor.execute("SELECT products_fill_tallies(), products_fill_word_tallies()")
        # As a vacuum would: what waits there makes an index look dear.
        # And to look at rows costs more than what indexes say, as it does where there are a hundred thousand and more.
        cursor.execute("SET LOCAL random_page_cost = 4; SET LOCAL enable_seqscan = off")
        cursor.execute("SELECT gin_clean_pending_list(i::regclass) FROM unnest(%s::text[]) i", [list(WAITING)])
    services.gather_tallies()


class TestCount:
    @pytest.mark.parametrize("twice", [500, 1])
    def test_of_several_words_with_one_beginning_counts_each_product_once(
        self, client: Client, limits: Limits, twice: int
    ) -> None:
        for number, words in enumerate(
            ("gold", "golden", "gold golden", "gold-plated", "gold-plated golden", "golden goldfish gold", "silver",
             "gold-black-x", "goldsmith.example", "goldfish's gold", "gold-plated.example")
        ):  # fmt: skip
            make_product(f"Ring {number}", description=words)
        limits(scored=0, twice=twice)

        for search in ("gold", "golde", "goldf", "gol", "gold-", "silver", "ring", "g", "golden"):
            page = listed(client, search=search)
            assert page["count"] == len(page["results"]), search
        assert listed(client, search="gold")["count"] == 10
