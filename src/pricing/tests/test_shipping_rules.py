from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pricing.domain.destinations import Destination
from pricing.domain.shipping import MethodFacts, ShippingKind, ZoneFacts, cost_of, methods_for, offered


def make_method(code: str = "post", *, steps: tuple[tuple[int, int], ...] = ((0, 500),), **fields: Any) -> MethodFacts:
    return MethodFacts(code=code, name=code, steps=steps, **{"kind": ShippingKind.FLAT, **fields})


def make_zone(name: str, *methods: MethodFacts, countries: str = "", areas: str = "") -> ZoneFacts:
    return ZoneFacts(name=name, countries=frozenset(countries.split()), areas=frozenset(areas.split()), methods=methods)


class TestMethodsFor:
    ZONES = (
        make_zone("World", make_method("world")),
        make_zone("States", make_method("usa"), countries="US CA"),
        make_zone("New York", make_method("local"), areas="US-NY"),
        make_zone("Alaska", areas="US-AK"),
    )

    @pytest.mark.parametrize(
        ("country", "region", "codes"),
        [
            ("US", "NY", ["local"]),
            ("US", "New York", ["local"]),
            ("US", "TX", ["usa"]),
            ("US", "", ["usa"]),
            ("CA", "", ["usa"]),
            ("DE", "", ["world"]),
            ("US", "AK", []),
        ],
    )
    def test_takes_the_nearest_zone_region_country_world(self, country: str, region: str, codes: list[str]) -> None:
        found = methods_for(self.ZONES, Destination(country=country, region=region))

        assert [method.code for method in found] == codes

    def test_finds_nothing_where_no_zone_is(self) -> None:
        assert methods_for(self.ZONES[1:], Destination(country="DE")) == ()
        assert methods_for((), Destination(country="DE")) == ()

    def test_takes_two_zones_that_are_equally_near_and_the_first_of_one_code(self) -> None:
        first = make_zone("A", make_method("post", steps=((0, 1),)), make_method("van"), countries="GB")
        second = make_zone("B", make_method("post", steps=((0, 2),)), make_method("bike"), countries="GB FR")

        found = methods_for((first, second), Destination(country="GB"))

        assert [(method.code, method.steps[0][1]) for method in found] == [("post", 1), ("van", 500), ("bike", 500)]

    def test_does_not_take_a_destination_without_region_for_one_of_a_zone_without_regions(self) -> None:
        zones = (make_zone("New York", make_method("local"), areas="US-NY"),)

        assert methods_for(zones, Destination(country="US")) == ()


class TestCostOf:
    STEPS = ((0, 300), (1000, 500), (5000, 900))

    @pytest.mark.parametrize(
        ("grams", "cost"), [(0, 300), (999, 300), (1000, 500), (1001, 500), (5000, 900), (10**9, 900)]
    )
    def test_goes_by_the_highest_step_of_weight_that_is_reached(self, grams: int, cost: int) -> None:
        method = make_method(kind=ShippingKind.WEIGHT, steps=self.STEPS)

        assert cost_of(method, weight_grams=grams, goods_minor=10**6) == cost

    def test_goes_by_the_price_of_the_goods(self) -> None:
        method = make_method(kind=ShippingKind.PRICE, steps=self.STEPS)

        assert cost_of(method, weight_grams=10**6, goods_minor=1000) == 500

    @pytest.mark.parametrize("kind", [ShippingKind.FLAT, ShippingKind.COLLECT])
    def test_of_flat_ones_and_collection_is_always_the_same(self, kind: ShippingKind) -> None:
        assert cost_of(make_method(kind=kind), weight_grams=10**6, goods_minor=10**6) == 500

    def test_is_none_without_a_step_that_is_reached_or_a_price_in_the_currency(self) -> None:
        late = make_method(kind=ShippingKind.WEIGHT, steps=((100, 300),))

        assert cost_of(late, weight_grams=99, goods_minor=0) is None
        assert cost_of(make_method(steps=()), weight_grams=99, goods_minor=0) is None

    def test_is_none_beyond_what_it_carries_even_where_it_is_free(self) -> None:
        method = make_method(max_weight_grams=1000, free_from_minor=0)

        assert cost_of(method, weight_grams=1000, goods_minor=1) == 0
        assert cost_of(method, weight_grams=1001, goods_minor=1) is None

    @pytest.mark.parametrize(("goods", "cost"), [(4999, 500), (5000, 0), (5001, 0)])
    def test_is_nothing_from_the_free_amount_on(self, goods: int, cost: int) -> None:
        assert cost_of(make_method(free_from_minor=5000), weight_grams=0, goods_minor=goods) == cost

    @given(
        some.lists(some.tuples(some.integers(0, 10**6), some.integers(0, 10**6)), max_size=20), some.integers(0, 10**6)
    )
    def test_is_that_of_the_last_step_before_the_weight(self, steps: list[tuple[int, int]], grams: int) -> None:
        ordered = tuple(sorted(dict(steps).items()))
        method = make_method(kind=ShippingKind.WEIGHT, steps=ordered)

        cost = cost_of(method, weight_grams=grams, goods_minor=0)

        assert cost == next((amount for start, amount in reversed(ordered) if start <= grams), None)


class TestOffered:
    def test_lists_the_cheapest_first_and_leaves_out_what_cannot_carry_it(self) -> None:
        methods = [
            make_method("express", steps=((0, 900),)),
            make_method("letter", max_weight_grams=100),
            make_method("parcel", steps=((0, 400),)),
            make_method("slow", steps=((0, 400),)),
        ]

        found = offered(methods, weight_grams=2000, goods_minor=1000)

        assert [(method.code, cost) for method, cost in found] == [("parcel", 400), ("slow", 400), ("express", 900)]
