"""Counts are exact at any time, and no writer waits for another because of them."""

from __future__ import annotations

import random
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from core.tests.threads import in_thread
from products import services
from products.models import Product, ProductDocument, Tally, Variant, WordTally
from products.selectors import conditions, counting, statements
from products.services import tallies
from products.tests.factories import make_category, make_product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIST = "/api/v1/products"
WORDS = ("lamp", "lamps", "lampshade", "oak", "oaken", "tall", "teapot", "the")


def listed(client: Client, **query: Any) -> Any:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def names(client: Client, **query: Any) -> list[str]:
    return [row["name"] for row in listed(client, **query)["results"]]


def scalar(statement: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


@pytest.fixture(autouse=True)
def _by_buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have prices counted by their buckets in a small shop, too."""
    monkeypatch.setattr(counting, "SMALL", 0)
    statements.statement_of.cache_clear()
    yield
    statements.statement_of.cache_clear()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Have so many rows walked; pages passed by parts from the first on, and parts made of a few products."""
    monkeypatch.setattr(counting, "_NEAR", 1)
    monkeypatch.setattr(tallies, "_SIZES", {"loose": 2, "least": 3, "parts": 500})

    def walk(rows: int) -> None:
        monkeypatch.setattr(statements, "_WALK", rows)
        statements.statement_of.cache_clear()

    statements.statement_of.cache_clear()
    yield walk
    statements.statement_of.cache_clear()


class Shop:
    """Products that change at random."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        top = [make_category(f"Top {n}", slug=f"top-{n}") for n in range(2)]
        self.categories = [*top, *(make_category(f"Sub {n}", slug=f"sub-{n}", parent=top[n % 2]) for n in range(3))]
        self.products = [self.make(n) for n in range(14)]

    def make(self, number: int) -> Product:
        words = self.chance.sample(WORDS, 2)
        return make_product(
            f"{words[0]} {number}",
            sku=f"SKU{number}",
            category=self.chance.choice(self.categories),
            tags=self.chance.sample(["a", "b", "b", "c"], 2),
            description=words[1],
            price_minor=self.chance.choice([0, 1, 127, 128, 129, 999, 1000, 50_000, 1_000_000]),
            is_available=self.chance.random() < 0.6,
        )

    def change(self) -> None:
        product, now = self.chance.choice(self.products), timezone.now()
        variant = Variant.all_objects.get(product=product)
        is_living = Product.objects.filter(pk=product.pk).exists()
        match self.chance.randrange(6):
            case 0 if is_living:
                services.delete_product(product_id=product.pk, at=now)
            case 0:
                services.restore_product(product_id=product.pk, at=now)
            case 1 if is_living:
                changes = {
                    "category": str(self.chance.choice(self.categories).pk),
                    "tags": self.chance.sample(["a", "b", "c"], self.chance.randrange(3)),
                }
                services.update_product(product_id=product.pk, changes=changes, at=now)
            case 2 if is_living:
                name = f"{self.chance.choice(WORDS)} {self.chance.choice(WORDS)}"
                services.update_product(product_id=product.pk, changes={"name": name}, at=now)
            case 3 if is_living:
                services.change_prices_by_percent(percent=Decimal(7), product_ids=[product.pk], at=now)
            case 4:
                with transaction.atomic():
                    services.set_availability(available={variant.pk: self.chance.random() < 0.5})
            case 5:
                services.gather_tallies()

    def compare(self, client: Client) -> None:
        """Compare what is counted with a count of what is shown."""
        shown = [orjson.loads(document) for document in ProductDocument.objects.values_list("document", flat=True)]
        for stock in ({}, {"in_stock": "true"}, {"in_stock": "false"}):
            rows = [row for row in shown if not stock or row["in_stock"] is (stock["in_stock"] == "true")]
            for category in self.categories:
                below = [row for row in rows if category.slug in row["category"]["path"].split("/")]
                assert listed(client, category=category.slug, **stock)["count"] == len(below)
            for tag in "abcd":
                assert listed(client, tag=tag, **stock)["count"] == sum(tag in row["tags"] for row in rows)
            assert listed(client, **stock)["count"] == len(rows)
            self.compare_prices(client, rows, stock)
        for word in WORDS:
            pages = [listed(client, search=word, sort=sort) for sort in ("relevance", "price")]
            assert [page["count"] for page in pages] == [len(page["results"]) for page in pages]

    def compare_prices(self, client: Client, rows: list[Any], stock: dict[str, str]) -> None:
        prices = [Decimal(row["price"]["amount"]) for row in rows]
        for _ in range(4):
            low, high = (Decimal(self.chance.choice([0, 1, 100, 128, 130, 999, 60_000])) / 100 for _ in range(2))
            assert listed(client, min_price=low, **stock)["count"] == sum(low <= price for price in prices)
            assert listed(client, max_price=high, **stock)["count"] == sum(price <= high for price in prices)
            between = sum(low <= price <= high for price in prices)
            assert listed(client, min_price=low, max_price=high, **stock)["count"] == between


@pytest.mark.django_db
class TestTallies:
    @pytest.mark.parametrize("seed", range(2))
    def test_are_what_a_count_by_hand_gives_after_any_changes(self, client: Client, seed: int) -> None:
        shop = Shop(seed)
        shop.compare(client)

        for _ in range(6):
            for _ in range(8):
                shop.change()
            shop.compare(client)

    def test_a_bucket_has_the_prices_from_where_it_begins_until_the_next_does(self) -> None:
        wrong = scalar(
            """
            SELECT count(*) FROM (
                SELECT price, products_price_bucket(price) AS bucket FROM (
                    SELECT generate_series(0, 5000)::bigint AS price
                     UNION ALL SELECT (2::numeric ^ n + step)::bigint
                      FROM generate_series(3, 60) n, (VALUES (-1), (0), (1)) s (step)) p) b
             WHERE products_price_bucket_begins(bucket) > price OR price >= products_price_bucket_begins(bucket + 1)
            """
        )

        assert wrong == 0
        assert scalar("SELECT products_price_bucket(200000) - products_price_bucket(100000)") == 64

    def test_are_gathered_to_one_row_for_each_kind_and_no_row_of_nothing(self) -> None:
        products = [make_product(f"Lamp {n}", tags=["a"]) for n in range(3)]
        gone = make_product("Oak", tags=["b"])
        services.delete_product(product_id=gone.pk, at=timezone.now())

        services.gather_tallies()

        kept = Tally.objects.filter(label="a").values_list("products", "free")
        assert list(kept) == [(len(products), len(products))]
        assert not Tally.objects.filter(label="b").exists()
        assert list(WordTally.objects.filter(word="lamp").values_list("products", flat=True)) == [3]
        assert not WordTally.objects.filter(word="oak").exists()


@pytest.mark.django_db
class TestPages:
    def test_far_pages_are_the_same_whichever_way_they_are_passed(
        self, client: Client, few: Callable[[int], None]
    ) -> None:
        products = [make_product(f"Lamp {number}") for number in range(20)]
        services.gather_tallies()
        assert Tally.objects.filter(kind="n").count() > 2
        services.delete_product(product_id=products[17].pk, at=timezone.now())
        services.delete_product(product_id=products[3].pk, at=timezone.now())
        make_product("Lamp 20")

        pages = [names(client, page=page, size=2) for page in range(1, 12)]

        left = [number for number in reversed(range(21)) if number not in (3, 17)]
        assert [name for page in pages for name in page] == [f"Lamp {number}" for number in left]

    @pytest.mark.parametrize("sort", ["newest", "price", "-price", "name"])
    @pytest.mark.parametrize("query", [{"tag": "a"}, {"category": "lamps", "in_stock": "true"}, {"min_price": "1"}])
    def test_a_page_is_the_same_whether_it_is_met_or_looked_for(
        self, client: Client, few: Callable[[int], None], sort: str, query: dict[str, str]
    ) -> None:
        lamps = make_category(slug="lamps")
        for number in range(30):
            tags = ["a"] if number % 7 else []
            price, is_free = 100 + number % 5, number % 7 > 0
            make_product(f"Lamp {number}", category=lamps, tags=tags, price_minor=price, is_available=is_free)
        ways = []

        for walk in (5000, 0):
            few(walk)
            first = listed(client, **query, sort=sort, size=10, cursor="")
            second = listed(client, **query, sort=sort, size=10, cursor=first["next_cursor"])
            ways.append((first, second, names(client, **query, sort=sort, size=10, page=2)))

        assert ways[0] == ways[1]
        assert [row["name"] for row in ways[0][1]["results"]] == ways[0][2]


@pytest.mark.django_db
class TestWords:
    def test_the_last_word_may_be_the_beginning_of_one_however_many_begin_so(self, client: Client) -> None:
        for number, word in enumerate(("teapot", "teaspoon", "teal", "tea's", "oak")):
            make_product(f"Blue {word}", description="\\ quoted'word", sku=f"N{number}")
        found = ["Blue tea's", "Blue teal", "Blue teapot", "Blue teaspoon"]

        for _ in range(2):
            assert sorted(names(client, search="tea")) == found
            assert sorted(names(client, search="blue tea")) == found
            assert names(client, search="tea blue") == ["Blue tea's"]
            assert names(client, search="blue xylophone") == []
            assert len(names(client, search="the blue")) == len(found) + 1
            found.append(make_product("Blue vase", description=" ".join(f"tea{n}" for n in range(60))).name)

    @pytest.mark.parametrize("search", ["oak tall te", "tall te", "the te", "te", "oak sku", "lamp the te", "none te"])
    def test_finds_the_same_whether_the_index_is_asked_for_all_words_or_for_those_before_the_last(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, search: str
    ) -> None:
        for number, words in enumerate(
            ("oak tall teapot", "oak tall", "tall teal", "oak lamp", "lamp tea", "tall tex")
        ):
            make_product(words, sku=f"SKU{number}")
        ways = []

        for many, few in ((8, 5000), (0, 5000), (0, 2), (0, -1)):
            monkeypatch.setattr(conditions, "_MANY_WORDS", many)
            monkeypatch.setattr(statements, "_FEW_ROWS", few)
            statements.statement_of.cache_clear()
            found = listed(client, search=search)
            ways.append((found["count"], [row["name"] for row in found["results"]]))

        assert ways == ways[:1] * len(ways)

    def test_counts_by_word_where_it_is_one_and_no_sku(self, client: Client) -> None:
        make_product("Oak", sku="LAMP")
        for number in range(3):
            make_product(f"Lamp {number}")

        assert listed(client, search="lamp")["count"] == 4
        assert listed(client, search="lamp", size=1)["results"][0]["name"] == "Oak"
        assert listed(client, search="LAM")["count"] == 4
        assert listed(client, search="oak lamp")["count"] == 1


@pytest.mark.django_db(transaction=True)
class TestWriters:
    def test_wait_for_nobody_and_are_counted_once_they_commit(self, client: Client) -> None:
        category, elsewhere = make_category(slug="lamps"), make_category(slug="others")
        sold_out, gone, *others = (make_product(f"Lamp {n}", category=category) for n in range(5))
        services.gather_tallies()
        begun, may_end = threading.Event(), threading.Event()

        def take_away_slowly() -> None:
            with transaction.atomic():
                services.set_availability(available={sold_out.variants.get().pk: False})
                ProductDocument.objects.filter(product=gone).delete()
                begun.set()
                assert may_end.wait(60)

        def counts() -> tuple[int, int]:
            """All there are, and those that are free."""
            return tuple(listed(client, category="lamps", **more)["count"] for more in ({}, {"in_stock": "true"}))

        thread = threading.Thread(target=in_thread, args=(take_away_slowly,))
        thread.start()
        try:
            assert begun.wait(60)
            before = counts()
            with transaction.atomic():
                services.set_availability(available={others[0].variants.get().pk: False})
            now, changes = timezone.now(), {"category": str(elsewhere.pk)}
            services.delete_product(product_id=others[1].pk, at=now)
            services.update_product(product_id=others[2].pk, changes=changes, at=now)
            services.gather_tallies()
            between = counts()
        finally:
            may_end.set()
            thread.join()

        assert (before, between, counts()) == ((5, 5), (3, 2), (2, 0))
        services.gather_tallies()
        assert counts() == (2, 0)
