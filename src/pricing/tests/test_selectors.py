from __future__ import annotations

from datetime import date

import pytest
from pytest_django import DjangoAssertNumQueries

from core.ids import new_id
from core.money import Money
from inventory.tests.factories import make_place
from pricing.domain.shipping import MethodFacts, ShippingKind, ZoneFacts
from pricing.domain.taxes import RateFacts
from pricing.errors import MethodNotFound, TaxRateNotFound, ZoneNotFound
from pricing.selectors.shipping import get_method, get_zone, list_methods, load_shipping
from pricing.selectors.taxes import get_tax_rate, list_tax_rates, load_taxes
from pricing.services import RateData
from pricing.tests.factories import gbp, make_method, make_tax_rate, make_zone


@pytest.mark.django_db
class TestLoadShipping:
    def test_returns_all_zones_with_what_their_methods_cost_in_the_currency(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        zone = make_zone("Britain", countries=["GB"], regions=["US-NY"])
        place = make_place()
        steps = [RateData(price=gbp(price), from_weight_grams=grams) for grams, price in [(1000, 500), (0, 300)]]
        make_method(
            zone,
            "parcel",
            kind="weight",
            rates=[*steps, RateData(price=Money(900, "EUR"), from_weight_grams=0)],
            free_from=[gbp(6000), Money(7000, "EUR")],
            tax_class="reduced",
            min_days=2,
            max_days=4,
            max_weight_grams=30_000,
            position=1,
        )
        make_method(zone, "shop", kind="collect", place=place.code, rates=[RateData(price=gbp(0))])
        make_zone("World")

        with django_assert_num_queries(1):
            zones = load_shipping(currency="GBP")

        assert zones == [
            ZoneFacts(
                name="Britain",
                countries=frozenset({"GB"}),
                areas=frozenset({"US-NY"}),
                methods=(
                    MethodFacts(
                        code="shop", name="Shop", kind=ShippingKind.COLLECT, steps=((0, 0),), place_id=place.pk
                    ),
                    MethodFacts(
                        code="parcel",
                        name="Parcel",
                        kind=ShippingKind.WEIGHT,
                        steps=((0, 300), (1000, 500)),
                        free_from_minor=6000,
                        tax_class="reduced",
                        min_days=2,
                        max_days=4,
                        max_weight_grams=30_000,
                    ),
                ),
            ),
            ZoneFacts(name="World", countries=frozenset(), areas=frozenset(), methods=()),
        ]

    def test_leaves_out_what_is_off_and_gives_no_steps_without_a_price(self) -> None:
        zone = make_zone(countries=["GB"])
        make_method(zone, "off", is_active=False)
        make_method(zone, "post", free_from=[gbp(6000)])

        [found] = load_shipping(currency="EUR")

        assert [(method.code, method.steps, method.free_from_minor) for method in found.methods] == [("post", (), None)]


@pytest.mark.django_db
class TestLoadTaxes:
    def test_returns_the_rates_of_the_day(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        make_tax_rate("GB", valid_from=date(2026, 1, 1), valid_until=date(2026, 6, 30))
        make_tax_rate("GB", "22", valid_from=date(2026, 7, 1))
        make_tax_rate("GB", "5", tax_class="reduced", name="Low VAT")
        make_tax_rate("US", "4", region="US-NY")

        with django_assert_num_queries(1):
            june, july = load_taxes(on=date(2026, 6, 30)), None
        july = load_taxes(on=date(2026, 7, 1))

        assert june.rates["GB", ""] == {"standard": RateFacts("VAT", 200_000), "reduced": RateFacts("Low VAT", 50_000)}
        assert july.rates["GB", ""]["standard"].ppm == 220_000
        assert july.rates["US", "US-NY"]["standard"].ppm == 40_000
        assert load_taxes(on=date(2025, 12, 31)).rates == {}


@pytest.mark.django_db
class TestListTaxRates:
    def test_narrows_by_place_class_and_day(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        whole, part = make_tax_rate("US", valid_until=date(2026, 2, 1)), make_tax_rate("US", region="US-NY")
        low = make_tax_rate("GB", tax_class="reduced")

        with django_assert_num_queries(4):
            assert set(list_tax_rates(country="US")) == {whole, part}
            assert set(list_tax_rates(region="US-NY")) == {part}
            assert set(list_tax_rates(tax_class="reduced")) == {low}
            assert set(list_tax_rates(on=date(2026, 2, 2))) == {part, low}


@pytest.mark.django_db
class TestListMethods:
    def test_takes_three_queries_for_any_number(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        zone = make_zone(countries=["GB"])
        make_method(zone, "a", free_from=[gbp(1)])
        make_method(zone, "b", kind="collect", place=make_place().code)
        make_method(code="elsewhere")

        with django_assert_num_queries(3):
            methods = list_methods(zone=zone.pk)
            shown = {m.code: (len(m.rates.all()), len(m.free_from.all()), m.place) for m in methods}

        assert shown == {"a": (1, 1, None), "b": (1, 0, make_place())}
        assert list_methods().count() == 3


@pytest.mark.django_db
class TestGettingOne:
    def test_refuses_what_is_not_there(self) -> None:
        with pytest.raises(ZoneNotFound):
            get_zone(zone_id=new_id())
        with pytest.raises(MethodNotFound):
            get_method(method_id=new_id())
        with pytest.raises(TaxRateNotFound):
            get_tax_rate(rate_id=new_id())

    def test_returns_what_is(self) -> None:
        method, rate = make_method(), make_tax_rate()

        assert get_zone(zone_id=method.zone_id) == method.zone
        assert get_method(method_id=method.pk) == method
        assert get_tax_rate(rate_id=rate.pk) == rate
