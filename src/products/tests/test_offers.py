from __future__ import annotations

from datetime import timedelta
from itertools import product as pairs
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.tests.factories import make_group
from core.sql import update_together
from core.transactions import command
from markets.tests.factories import make_market
from products import selectors
from products.domain import ListRow, deciding
from products.models import Product, Variant
from products.tests.factories import make_category, make_price, make_price_list, make_product, make_variant

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from products.domain import Offer

NOW = timezone.now()
HOUR = timedelta(hours=1)


def offer_of(variant: Variant, **asked: object) -> Offer:
    found: dict[UUID, Offer] = selectors.offers(variant_ids=[variant.pk], market=make_market(), **asked)  # type: ignore[arg-type]
    return found[variant.pk]


@pytest.mark.django_db
class TestPrepared:
    def test_sees_what_the_command_wrote_before(self) -> None:
        variant, market = make_variant(is_available=True), make_market()

        @command
        def change() -> bool:
            variant.is_available = not variant.is_available
            update_together((variant, ("is_available",)))
            return selectors.offers(variant_ids=[variant.pk], market=market)[variant.pk].is_available

        assert [change(), change()] == [False, True]


@pytest.mark.django_db
class TestOffers:
    def test_tell_what_pricing_needs_in_one_statement(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        top = make_category("Light")
        category = make_category("Lamps", parent=top)
        product = make_product("Lamp", category=category, tags=["oak", 'a "b"'], tax_class="reduced")
        variant = product.variants.get()
        Variant.objects.filter(pk=variant.pk).update(needs_shipping=False, weight_grams=250)
        make_price_list((variant, 900), (variant, 800, 10))
        market, group = make_market(), make_group()

        with django_assert_num_queries(1):
            offer = selectors.offers(variant_ids=[variant.pk], market=market, group_id=group.pk, at=NOW)[variant.pk]

        assert (offer.tax_class, offer.needs_shipping, offer.weight_grams) == ("reduced", False, 250)
        assert offer.category_ids == {top.pk, category.pk}
        assert offer.tags == {"oak", 'a "b"'}
        assert (offer.base_price_minor, offer.unit_price_minor, offer.compare_at_minor) == (1000, 900, 1000)

    def test_the_price_of_many_is_that_of_the_largest_quantity_reached(self) -> None:
        variant = make_product().variants.get()
        row = make_price_list((variant, 900, 5), (variant, 700, 20))

        offer = offer_of(variant)

        assert offer.price_for(1) == offer.price_for(4) == (1000, None)
        assert offer.price_for(5)[0] == offer.price_for(19)[0] == 900
        amount, tier = offer.price_for(20)
        assert tier is not None
        assert (amount, tier.list_id, tier.name, tier.min_quantity) == (700, row.pk, "Sale", 20)
        assert offer.unit_price_minor == 1000

    def test_without_a_list_the_variants_own_price_holds_for_any_quantity(self) -> None:
        offer = offer_of(make_product(price_minor=1250).variants.get())

        assert offer.listed == ()
        assert offer.price_for(1) == offer.price_for(1000) == (1250, None)

    def test_the_highest_priority_decides_and_among_equals_the_lower_price(self) -> None:
        variant = make_product().variants.get()
        make_price_list((variant, 500), code="low", priority=1)
        make_price_list((variant, 950), code="high", priority=2)
        make_price_list((variant, 900), code="also", priority=2)

        assert offer_of(variant).unit_price_minor == 900

    def test_a_group_has_its_own_lists_and_those_of_all(self) -> None:
        group, others = make_group(), make_group("friends")
        first, second = make_product().variants.get(), make_product().variants.get()
        make_price_list((first, 600), code="ours", group=group)
        make_price_list((second, 900), code="all")

        assert offer_of(first, group_id=group.pk).unit_price_minor == 600
        assert offer_of(second, group_id=group.pk).unit_price_minor == 900
        assert offer_of(first).unit_price_minor == offer_of(first, group_id=others.pk).unit_price_minor == 1000

    def test_a_list_counts_in_its_market_and_currency_alone(self) -> None:
        make_market("de", currency="EUR", countries=["DE"])
        there = make_market("uk2", currency="GBP", countries=[])
        variant = make_product().variants.get()
        make_price(variant, 1100, currency="EUR")
        make_price_list((variant, 100), code="euro", currency="EUR")
        make_price_list((variant, 200), code="there", market=there)

        assert offer_of(variant).unit_price_minor == 1000
        assert selectors.offers(variant_ids=[variant.pk], market=there)[variant.pk].unit_price_minor == 200

    @pytest.mark.parametrize(
        ("fields", "amount"),
        [
            ({"starts_at": NOW}, 900),
            ({"starts_at": NOW + HOUR}, 1000),
            ({"ends_at": NOW + HOUR}, 900),
            ({"ends_at": NOW}, 1000),
            ({"is_active": False}, 1000),
        ],
    )
    def test_a_list_holds_from_its_start_until_before_its_end(self, fields: dict[str, Any], amount: int) -> None:
        variant = make_product().variants.get()
        # Documents follow within a minute; carts do not wait for them.
        make_price_list((variant, 900), is_shown=False, **fields)

        assert offer_of(variant, at=NOW).unit_price_minor == amount
        assert (
            selectors.offers_by_sku(skus=[variant.sku], market=make_market(), at=NOW)[variant.sku].unit_price_minor
            == amount
        )

    def test_cost_the_same_for_many(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        product = make_product()
        variants = [make_variant(product) for _ in range(5)]
        make_price_list(*((variant, 900) for variant in variants))
        market = make_market()

        with django_assert_num_queries(1):
            found = selectors.offers(variant_ids=[variant.pk for variant in variants], market=market)

        assert {offer.unit_price_minor for offer in found.values()} == {900}
        assert Product.objects.count() == 1


class TestDeciding:
    def test_is_the_same_in_whatever_order_the_prices_come(self) -> None:
        dice = Random(7)
        rows = [
            ListRow(f"list-{number}", "A list", dice.randrange(2), quantity, dice.randrange(3))
            for number, quantity in pairs(range(4), (1, 5))
        ]
        expected = deciding(rows)

        for _ in range(50):
            dice.shuffle(rows)
            assert deciding(rows) == expected
        assert [row.min_quantity for row in expected] == [1, 5]

    def test_prefers_a_list_with_a_price_for_fewer_units(self) -> None:
        for_many = ListRow("a", "For many", 0, 10, 100)
        for_one = ListRow("b", "For one", 0, 1, 900)

        assert deciding([for_many, for_one]) == [for_one]
