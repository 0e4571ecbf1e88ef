from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.tests.factories import make_group
from core.transactions import NoTransaction
from markets.tests.factories import make_market
from products import services
from products.domain import AmountGiven, NewProduct, NewVariant
from products.models import PricePoint, Product, ProductDocument, Variant
from products.selectors.facts import load_facts
from products.services import ListPriceLine, PriceLine
from products.services.history import note_prices
from products.tests.factories import make_category, make_price_list, make_product

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def amount(text: str) -> AmountGiven:
    return AmountGiven(amount=Decimal(text), currency="GBP")


def set_price(variant: Variant, price: str, *, compare_at: str | None = None, at: datetime = NOON) -> None:
    line = PriceLine(
        variant=variant.pk, price=amount(price), compare_at_price=None if compare_at is None else amount(compare_at)
    )
    services.set_prices(lines=[line], at=at)


def points(variant: Variant) -> list[tuple[int, bool, datetime]]:
    rows = PricePoint.objects.filter(variant=variant, market=None).order_by("pk")
    return list(rows.values_list("amount_minor", "is_reduced", "from_at"))


def shown(product: Product, market: str = "uk") -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(ProductDocument.objects.get(product=product, market__code=market).document)
    return found


def lowest(product: Product, market: str = "uk") -> str | None:
    document = shown(product, market)
    assert document["lowest_price_30d"] == document["variants"][0]["lowest_price_30d"]
    return document["lowest_price_30d"] and str(document["lowest_price_30d"]["amount"])


class TestNotePrices:
    def test_is_a_step(self) -> None:
        with pytest.raises(NoTransaction):
            note_prices(variant_ids=[], at=NOON)

    def test_adds_a_point_where_something_changed_and_only_there(self) -> None:
        variant = make_product(price_minor=1000).variants.get()

        set_price(variant, "9.00", at=NOON)
        set_price(variant, "9.00", at=NOON + DAY)
        set_price(variant, "9.00", compare_at="12.00", at=NOON + 2 * DAY)
        set_price(variant, "8.00", compare_at="12.00", at=NOON + 3 * DAY)

        assert points(variant) == [
            (900, False, NOON),
            (900, True, NOON + 2 * DAY),
            (800, True, NOON + 3 * DAY),
        ]

    def test_costs_the_same_for_one_and_for_many(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        variants = [make_product(f"Lamp {n}").variants.get().pk for n in range(8)]

        for some in (variants[:1], variants[1:]):
            with transaction.atomic(), django_assert_num_queries(2):
                note_prices(variant_ids=some, at=NOON)
            with transaction.atomic(), django_assert_num_queries(1):
                note_prices(variant_ids=some, at=NOON)

    def test_a_point_is_never_older_than_the_one_before(self) -> None:
        variant = make_product().variants.get()

        set_price(variant, "9.00", at=NOON)
        set_price(variant, "8.00", at=NOON - DAY)

        assert [from_at for *_, from_at in points(variant)] == [NOON, NOON]

    def test_a_group_has_no_history(self) -> None:
        variant = make_product().variants.get()
        set_price(variant, "9.00")
        make_price_list(code="ours", group=make_group())

        line = ListPriceLine(variant=variant.pk, price=amount("5.00"))
        services.set_list_prices(code="ours", lines=[line], at=NOON + DAY)

        assert points(variant) == [(900, False, NOON)]

    def test_every_way_to_a_price_leaves_a_point(self) -> None:
        make_market()
        category = make_category()
        new = NewVariant(sku="BULK", price_minor=500, currency="GBP", compare_at_minor=700)
        bulk = NewProduct(name="Lamp", category_id=category.pk, variants=[new])
        services.create_many(products=[bulk], at=NOON)
        variant = Variant.objects.get(sku="BULK")

        merged = NewVariant(sku="BULK", price_minor=450, currency="GBP")
        services.create_many(
            products=[NewProduct(name="Lamp", category_id=category.pk, variants=[merged])], at=NOON + DAY
        )
        services.update_product(product_id=variant.product_id, changes={"price": amount("4.00")}, at=NOON + 2 * DAY)
        services.change_prices_by_percent(percent=Decimal(50), product_ids=[variant.product_id], at=NOON + 3 * DAY)

        assert points(variant) == [
            (500, True, NOON),
            (450, False, NOON + DAY),
            (400, False, NOON + 2 * DAY),
            (600, False, NOON + 3 * DAY),
        ]
        call_command("rebuild_documents", "--check")

    @pytest.mark.parametrize(
        "statement", ["UPDATE products_pricepoint SET amount_minor = 1", "DELETE FROM products_pricepoint"]
    )
    def test_what_was_noted_stays(self, statement: str) -> None:
        variant = make_product().variants.get()
        set_price(variant, "9.00")

        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

        assert points(variant) == [(900, False, NOON)]


class TestTheLowestPriceOf30Days:
    def test_stands_where_a_reduction_is_announced(self) -> None:
        product = make_product(price_minor=1000)
        variant = product.variants.get()
        set_price(variant, "10.00", at=NOON - 60 * DAY)
        set_price(variant, "8.50", at=NOON - 20 * DAY)
        set_price(variant, "10.00", at=NOON - 10 * DAY)
        assert lowest(product) is None

        set_price(variant, "7.00", compare_at="10.00", at=NOON)

        assert lowest(product) == "8.50"
        assert shown(product)["compare_at_price"]["amount"] == "10.00"

    def test_is_none_where_nothing_was_asked_before(self) -> None:
        product = make_product()

        set_price(product.variants.get(), "7.00", compare_at="10.00")

        assert lowest(product) is None

    def test_tells_of_a_reduction_that_is_none(self) -> None:
        product = make_product(price_minor=1000)
        set_price(product.variants.get(), "10.00", at=NOON - 90 * DAY)

        set_price(product.variants.get(), "10.00", compare_at="15.00", at=NOON)

        assert lowest(product) == "10.00"

    def test_of_a_list_below_the_price_too(self) -> None:
        product = make_product(price_minor=1000)
        variant = product.variants.get()
        set_price(variant, "10.00", at=NOON - 90 * DAY)
        make_price_list(code="sale")

        line = ListPriceLine(sku=variant.sku, price=amount("6.00"))
        services.set_list_prices(code="sale", lines=[line], at=NOON)

        assert lowest(product) == "10.00"
        assert points(variant)[-1] == (600, True, NOON)

    def test_a_market_has_its_own_from_its_first_list_on(self) -> None:
        there = make_market("uk2", currency="GBP", countries=[])
        product = make_product(price_minor=1000)
        variant = product.variants.get()
        set_price(variant, "10.00", at=NOON - 90 * DAY)
        set_price(variant, "9.00", at=NOON - 20 * DAY)
        make_price_list(code="there", market=there)
        line = ListPriceLine(sku=variant.sku, price=amount("5.00"))
        services.set_list_prices(code="there", lines=[line], at=NOON - 10 * DAY)

        services.set_list_prices(code="there", lines=[ListPriceLine(sku=variant.sku, price=amount("4.00"))], at=NOON)
        set_price(variant, "8.00", compare_at="10.00", at=NOON)

        assert lowest(product, "uk2") == "5.00"
        assert lowest(product, "uk") == "9.00"
        call_command("rebuild_documents", "--check")

    def test_is_that_of_a_plain_model_for_1000_random_histories(self) -> None:
        dice = Random(30)
        product = make_product(with_variant=False)
        histories = {variant.pk: _random_history(dice) for variant in _variants(product, 1000)}
        PricePoint.objects.bulk_create(
            PricePoint(variant_id=pk, currency="GBP", amount_minor=minor, is_reduced=reduced, from_at=at)
            for pk, history in histories.items()
            for minor, reduced, at in history
        )

        found = {each.id: each.lowest for each in load_facts(product_ids=[product.pk])[0].variants}

        asked = [pk for pk, history in histories.items() if history[-1][1]]
        assert len(asked) > 400
        for pk, history in histories.items():
            expected = {("GBP", None): _by_brute_force(history)} if history[-1][1] else {}
            assert found[str(pk)] == expected, history


History = list[tuple[int, bool, datetime]]


def _variants(product: Product, many: int) -> list[Variant]:
    rows = [Variant(product=product, sku=f"V{number}", created_at=timezone.now()) for number in range(many)]
    return list(Variant.objects.bulk_create(rows))


def _random_history(dice: Random) -> History:
    """Up to twelve points on whole hours, some at once, some months apart."""
    at, history = NOON, []
    for _ in range(dice.randint(1, 12)):
        history.append((dice.randint(1, 40) * 25, dice.random() < 0.5, at))
        at += timedelta(hours=dice.choice([0, 1, 5, 24, 24 * 7, 24 * 29, 24 * 30, 24 * 31, 24 * 90]))
    return history


def _by_brute_force(history: History) -> int | None:
    """Ask for every hour of the 30 days before the last point what was asked then."""
    begin = history[-1][2]
    seen = []
    for hours in range(1, 30 * 24 + 1):
        moment = begin - timedelta(hours=hours)
        before = [minor for minor, _, at in history if at <= moment]
        seen += before[-1:]
    return min(seen, default=None)
