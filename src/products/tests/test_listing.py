from __future__ import annotations

import random
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from core.ids import new_id
from core.pagination import encode_cursor
from markets.tests.factories import make_market
from products import services
from products.models import Product, ProductDocument
from products.selectors import counting, listing, statements
from products.selectors.statements import Asked, statement_of
from products.tests.factories import make_category, make_price, make_product, make_variant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db
LIST = "/api/v1/products"


def listed(client: Client, **query: Any) -> Any:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def names(client: Client, **query: Any) -> list[str]:
    return [row["name"] for row in listed(client, **query)["results"]]


def plan_of(filters: dict[str, Any], *, without: Sequence[str] = (), sort: str = "newest", how: str = "") -> str:
    """Return how PostgreSQL goes about a list where other ways are no choice, as where there is very much."""
    asked = Asked(
        filters=tuple(sorted(filters)),
        sort=sort,
        is_default_market=True,
        is_after=False,
        of_group=False,
        most=21,
        is_further=False,
    )
    with connection.cursor() as cursor:
        for way in without:
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {how} {statement_of(asked)}", {**filters, "size": 20})
        return "\n".join(row[0] for row in cursor.fetchall())


def make_many_documents() -> None:
    """Make as many documents as it takes for an index to be worth it: of no products, within this transaction only."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            """
            INSERT INTO products_productdocument SELECT (jsonb_populate_record(d, jsonb_build_object(
                'id', gen_random_uuid(), 'product_id', gen_random_uuid(), 'price_minor', n,
                'category_ids', ARRAY[gen_random_uuid(), gen_random_uuid(), gen_random_uuid()]))).*
              FROM products_productdocument d, generate_series(1, 3000) n
            """
        )
        cursor.execute("ANALYZE products_productdocument")


class Limits(Protocol):
    def __call__(self, **limits: int) -> None: ...


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Limits]:
    """Lower how much is counted, walked, or needed to be sure."""
    places = {
        "counted": [(module, "EXACT_COUNT_LIMIT") for module in (listing, statements, counting)],
        "walk": [(statements, "_WALK")],
        "surely": [(counting, "SURELY")],
    }

    def lower(**limits: int) -> None:
        for name, limit in limits.items():
            for module, constant in places[name]:
                monkeypatch.setattr(module, constant, limit)
        statement_of.cache_clear()

    yield lower
    statement_of.cache_clear()


class TestListDocuments:
    def test_is_one_statement_for_more_rows_than_a_page(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        category = make_category(slug="lamps")
        for number in range(25):
            make_product(f"Lamp {number}", category=category, tags=["a"])

        for query in ({}, {"category": "lamps"}, {"tag": "a", "in_stock": "true"}, {"search": "lamp"}, {"cursor": ""}):
            with django_assert_num_queries(1):
                page = listed(client, **query)
            assert (page["count"], len(page["results"])) == (25, 20)

    def test_lists_what_is_below_a_category(self, client: Client) -> None:
        top = make_category("Light", slug="light")
        make_product("Lamp", category=make_category("Lamps", parent=top))
        make_product("Chair")

        assert names(client, category="light") == ["Lamp"]

    def test_filters_by_tag_price_and_stock(self, client: Client) -> None:
        make_product("Cheap", price_minor=999, tags=["a"])
        make_product("Fair", price_minor=1000, tags=["a", "b"])
        make_product("Dear", price_minor=2000, tags=["b"], is_available=False)

        assert names(client, tag="b", sort="price") == ["Fair", "Dear"]
        assert names(client, min_price="10.00", sort="price") == ["Fair", "Dear"]
        assert names(client, max_price="10", sort="-price") == ["Fair", "Cheap"]
        assert names(client, in_stock="false") == ["Dear"]
        assert names(client, rating="0.5") == []

    @pytest.mark.parametrize(("currency", "asked", "minor"), [("JPY", "1500", 1500), ("KWD", "1.500", 1500)])
    def test_s23_prices_have_the_digits_of_the_markets_currency(
        self, client: Client, currency: str, asked: str, minor: int
    ) -> None:
        make_market("there", currency=currency, countries=[])
        make_product("Same", price_minor=minor, currency=currency)
        make_product("Dearer", price_minor=minor + 1, currency=currency)

        page = listed(client, market="there", max_price=asked)

        assert [row["price"] for row in page["results"]] == [{"amount": asked, "currency": currency}]

    def test_a_product_without_a_price_in_a_market_is_not_sold_there(self, client: Client) -> None:
        make_market("jp", currency="JPY", countries=["JP"])
        product = make_product("Lamp")

        assert names(client) == ["Lamp"]
        assert names(client, market="jp") == []
        assert client.get(f"{LIST}/{product.slug}", headers={"X-Market": "jp"}).status_code == 404

    def test_finds_by_name_tag_brand_description_and_sku(self, client: Client) -> None:
        make_product("Café table", sku="TAB-77", tags=["terrace"], brand="Acme", description="Weatherproof")
        make_product("Lamp")

        for words in ("cafe", "Tables", "terr", "acme", "weatherproof", "tab-77", "TAB-77", "cafe tab"):
            assert names(client, search=words) == ["Café table"], words
        assert names(client, search="bicycle") == []

    def test_an_exact_sku_comes_first(self, client: Client) -> None:
        make_product("Oak", sku="LAMP")
        make_product("Lamp lamp lamp", description="lamp lamp")

        assert names(client, search="lamp")[0] == "Oak"

    @pytest.mark.parametrize("sort", ["newest", "price", "-price", "name", "-name", "rating", "relevance"])
    def test_a_walk_by_cursor_meets_each_product_once(self, client: Client, sort: str) -> None:
        for number in range(7):
            make_product(f"Lamp {number % 3}", price_minor=100 * (number % 2))

        met: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = listed(client, cursor=cursor, size=2, sort=sort, search="lamp")
            met += [row["id"] for row in page["results"]]
            cursor = page.get("next_cursor")

        whole = listed(client, sort=sort, search="lamp")["results"]
        assert met == [row["id"] for row in whole]
        assert len(set(met)) == 7

    @pytest.mark.parametrize("walk", [5000, 2])
    @pytest.mark.parametrize("sort", ["newest", "price", "-price", "name", "-name", "rating"])
    def test_shows_the_same_where_more_is_found_than_is_counted(
        self, client: Client, limits: Limits, sort: str, walk: int
    ) -> None:
        for number in range(7):
            make_product(f"Lamp {number % 3}", price_minor=100 * (number % 2))
        asked = {"sort": sort, "search": "lamp", "in_stock": "true"}
        whole = [row["id"] for row in listed(client, **asked)["results"]]

        limits(counted=3, walk=walk)
        first = listed(client, **asked, size=3, cursor="")
        second = listed(client, **asked, size=3, cursor=first["next_cursor"])
        third = listed(client, **asked, size=3, page=3)

        assert [row["id"] for page in (first, second, third) for row in page["results"]] == whole
        assert (first["count"], first["count_is_estimate"], len(whole)) == (3, True, 7)

    @pytest.mark.parametrize("walk", [5000, 2])
    @pytest.mark.parametrize("by_number", [True, False])
    def test_so_many_go_by_time_rather_than_relevance_but_for_the_very_sku(
        self, client: Client, limits: Limits, walk: int, by_number: bool
    ) -> None:
        make_product("Oak", sku="LAMP")
        for number in range(7):
            make_product(f"Lamp {number}", description="lamp " * (7 - number))
        limits(counted=3, walk=walk)

        met, cursor = [], ""
        for page in range(1, 9):
            at = {"page": page} if by_number else {"cursor": cursor}
            found = listed(client, search="lamp", size=1, **at)
            met += [row["name"] for row in found["results"]]
            cursor = found.get("next_cursor")

        assert met == ["Oak", *(f"Lamp {number}" for number in reversed(range(7)))]
        assert cursor is None

    def test_goes_on_by_relevance_where_more_come_to_be_found_meanwhile(self, client: Client, limits: Limits) -> None:
        for number in range(5):
            make_product(f"Lamp {number}", description="lamp " * number)
        whole = names(client, search="lamp")
        first = listed(client, search="lamp", size=2, cursor="")

        limits(counted=3)
        rest = names(client, search="lamp", cursor=first["next_cursor"])

        assert whole == [row["name"] for row in first["results"]] + rest

    def test_believes_statistics_that_promise_many_more_than_are_counted(self, client: Client, limits: Limits) -> None:
        for number in range(30):
            make_product(f"Lamp {number}", tags=["a"], price_minor=100 + number, is_available=number > 1)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE products_productdocument")
        limits(surely=10)

        for query in (
            {"tag": "a", "search": "lamp"},
            {"search": "lamp", "in_stock": "true"},
            {"tag": "a", "search": "lamp", "in_stock": "true"},
            {"min_price": "1.02", "max_price": "1.28", "tag": "a"},
        ):
            assert listed(client, **query)["count_is_estimate"], query

    def test_believes_no_statistics_of_filters_that_may_exclude_each_other(
        self, client: Client, limits: Limits
    ) -> None:
        for number in range(80):
            make_product(f"Lamp {number}", tags=["a"] if number < 40 else ["b"], is_available=number > 18)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE products_productdocument")
        limits(surely=25)

        page = listed(client, tag="a", in_stock="true", search="lamp")

        assert (page["count"], "count_is_estimate" in page) == (21, False)
        assert listed(client, tag="c", search="lamp")["count"] == 0

    @pytest.mark.parametrize("sort", ["newest", "price", "-price", "name"])
    def test_pages_of_a_category_on_any_level(
        self, client: Client, sort: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        branch: list[Any] = [None]
        for level in range(1, 6):
            branch.append(make_category(f"Level {level}", slug=f"level-{level}", parent=branch[-1]))
            for number in range(5):
                make_product(f"Lamp {level} {number}", category=branch[-1], price_minor=100 * number + level)
        make_product("Chair")

        for level in range(1, 6):
            wanted = [name for name in names(client, sort=sort, size=100) if name[5:6] >= str(level)]
            with django_assert_num_queries(4):
                first = listed(client, category=f"level-{level}", sort=sort, size=2, cursor="")
                second = listed(client, category=f"level-{level}", sort=sort, size=2, cursor=first["next_cursor"])
                third = names(client, category=f"level-{level}", sort=sort, size=2, page=3)
                free = listed(client, category=f"level-{level}", sort=sort, in_stock="true")
            met = [row["name"] for page in (first, second) for row in page["results"]]
            assert met + third == [name for name in wanted if name != "Chair"][: 4 + len(third)]
            assert first["count"] == free["count"] == len([name for name in wanted if name != "Chair"])

    def test_finds_the_page_of_a_category_in_an_index_of_its_level(self) -> None:
        make_product("Lamp", category=make_category(slug="lamps"))
        make_many_documents()

        plan = plan_of({"category": "lamps"}, without=["seqscan", "bitmapscan", "sort"])

        assert all(f"document_newest_{level}" in plan for level in (1, 2, 3))

    def test_counts_and_sorts_by_price_and_stock_within_the_index(self) -> None:
        make_product("Lamp")
        make_many_documents()

        plan = plan_of({"min_price": "1", "max_price": "2", "in_stock": True}, without=["seqscan", "bitmapscan"])

        assert "Index Only Scan using document_price" in plan

    @pytest.mark.parametrize("sort", ["price", "-price"])
    @pytest.mark.parametrize("stock", [{}, {"in_stock": True}])
    def test_a_walk_by_price_begins_with_the_prices_that_are_asked_for(
        self, limits: Limits, monkeypatch: pytest.MonkeyPatch, sort: str, stock: dict[str, bool]
    ) -> None:
        for number in range(120):
            make_product(f"Lamp {number}", price_minor=100 + number)
        monkeypatch.setattr(counting, "SMALL", 0)
        limits(walk=44)

        prices = {"min_price": "1.45", "max_price": "1.75"}
        plan = plan_of({**prices, **stock}, sort=sort, how="(ANALYZE, TIMING OFF)")

        assert re.search(r"CTE walked\n.*Limit .*actual rows=21\b", plan)

    def test_links_pages_both_ways(self, client: Client) -> None:
        for number in range(3):
            make_product(f"Lamp {number}")

        second = listed(client, page=2, size=1, sort="name")

        assert second["next"].endswith("?size=1&sort=name&page=3")
        assert second["previous"].endswith("?size=1&sort=name&page=1")

    @pytest.mark.parametrize(
        "query",
        [
            {"colour": "red"}, {"vendor": "x"}, {"sort": "best"}, {"sort": "relevance"}, {"page": "0"}, {"page": "1e3"},
            {"page": "٣"}, {"size": "101"}, {"size": ""}, {"min_price": "-1"}, {"max_price": "NaN"}, {"rating": "6"},
            {"in_stock": "yes"}, {"category": "a b"}, {"category": "unknown"}, {"market": "xx"}, {"market": "\0"},
            {"search": "\0"}, {"search": "x" * 201}, {"tag": ""}, {"cursor": "x"}, {"cursor": "W10"},
            {"page": ["1", "2"]},
        ],
    )  # fmt: skip
    def test_refuses_what_it_does_not_know(self, client: Client, query: dict[str, Any]) -> None:
        make_market()

        answer = client.get(LIST, query)

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["errors"][0]["field"] == next(iter(query))

    def test_refuses_a_cursor_of_another_sort(self, client: Client) -> None:
        for number in range(3):
            make_product(f"Lamp {number}")
        cursor = listed(client, cursor="", size=1)["next_cursor"]

        assert client.get(LIST, {"cursor": cursor, "sort": "price"}).status_code == 400

    @pytest.mark.parametrize(
        ("sort", "number"),
        [("relevance", "1e999"), ("relevance", "1e-999"), ("price", "--5"), ("price", "9" * 19), ("rating", "1e99999"),
         ("rating", "nan"), ("rating", "1_0"), ("relevance", "٣")],
    )  # fmt: skip
    def test_refuses_numbers_that_the_database_does_not_know(self, client: Client, sort: str, number: str) -> None:
        make_product("Lamp")
        cursor = encode_cursor([sort, number, str(new_id())])

        with capture_logs() as logged:
            answer = client.get(LIST, {"cursor": cursor, "sort": sort, "search": "lamp"})

        assert (answer.status_code, [line for line in logged if line["event"] != "request"]) == (400, [])

    @pytest.mark.parametrize("words", ["'", "a' OR 1=1 --", "\\", '"', "!&|()", ":*", "½", "<->", "-", "or", "%", "😀"])
    def test_s26_takes_any_words(self, client: Client, words: str) -> None:
        make_product("Lamp")

        assert names(client, search=words) == []


class TestGetDocument:
    def test_is_one_statement_by_id_and_by_slug(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        product = make_product("Lamp")
        for _ in range(3):
            make_variant(product)

        for key in (product.pk, product.slug):
            with django_assert_num_queries(1):
                shown = client.get(f"{LIST}/{key}").json()
            assert shown["name"] == "Lamp"
            assert shown["stock"].keys() == {"total", "variants"}

    def test_redirects_a_former_slug(self, client: Client) -> None:
        product = make_product("Lamp", slug="old")
        services.update_product(product_id=product.pk, changes={"slug": "new"}, at=timezone.now())

        answer = client.get(f"{LIST}/old?market=uk")

        assert (answer.status_code, answer["Location"]) == (308, f"{LIST}/new?market=uk")
        assert client.get(f"{LIST}/new").status_code == 200

    @pytest.mark.parametrize(
        "key", ["unknown", "a%00b", "%FF", "ä", "01993f5e-7c11-7b3a-9c55-3d1f6a0f7e21", "x" * 5000]
    )
    def test_is_404_for_anything_else(self, client: Client, key: str) -> None:
        make_market()

        assert client.get(f"{LIST}/{key}").status_code == 404

    def test_is_404_when_deleted_or_inactive(self, client: Client) -> None:
        hidden, deleted = make_product("Hidden"), make_product("Deleted")
        services.set_active(product_ids=[hidden.pk], is_active=False, at=timezone.now())
        services.delete_product(product_id=deleted.pk, at=timezone.now())

        assert client.get(f"{LIST}/{hidden.pk}").status_code == 404
        assert client.get(f"{LIST}/{deleted.pk}").status_code == 404
        assert names(client) == []

    def test_answers_304_to_whoever_has_it(self, client: Client) -> None:
        product = make_product("Lamp")
        etag = client.get(f"{LIST}/{product.pk}")["ETag"]

        assert client.get(f"{LIST}/{product.pk}", headers={"If-None-Match": etag}).status_code == 304


class TestListingCount:
    def test_equals_a_count_by_hand_after_any_changes(self) -> None:  # noqa: C901 - five kinds of change
        chance = random.Random(7)
        make_market("jp", currency="JPY", countries=["JP"])
        top = [make_category(f"Top {n}") for n in range(2)]
        categories = [*top, *(make_category(f"Sub {n}", parent=top[n % 2]) for n in range(4))]
        products = [make_product(f"Lamp {n}", category=chance.choice(categories)) for n in range(12)]
        now = timezone.now()

        for _ in range(40):
            product = chance.choice(products)
            is_living = Product.objects.filter(pk=product.pk).exists()
            match chance.randrange(5):
                case 0 if is_living:
                    services.delete_product(product_id=product.pk, at=now)
                case 0:
                    services.restore_product(product_id=product.pk, at=now)
                case 1 if is_living:
                    changes = {"category": str(chance.choice(categories).pk)}
                    services.update_product(product_id=product.pk, changes=changes, at=now)
                case 2:
                    services.set_active(product_ids=[product.pk], is_active=chance.random() < 0.5, at=now)
                case 3 if is_living:
                    variant = product.variants.get()
                    if not variant.prices.filter(currency="JPY").exists():
                        make_price(variant, 500, currency="JPY")
                case 4 if is_living:
                    services.change_prices_by_percent(percent=Decimal(5), product_ids=[product.pk], at=now)

        # By the name that the release before asks by: there is no other place where all are summed up.
        with connection.cursor() as cursor:
            cursor.execute("SELECT market_id, category_id, products FROM products_listingcount")
            counts = cursor.fetchall()
            cursor.execute("DELETE FROM products_listingcount")
            assert cursor.rowcount == 0
        for market_id, category_id, count in counts:
            rows = ProductDocument.objects.filter(market=market_id)
            if category_id:
                rows = rows.filter(category_ids__contains=[category_id])
            assert count == rows.count()
        assert sum(category_id is None for _, category_id, _ in counts) == 2
