from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.ids import new_id
from core.money import Money
from core.sql import insert_all
from core.transactions import command
from inventory.tests.factories import make_place
from pricing import services
from pricing.errors import (
    MethodNotFound,
    ShippingExists,
    ShippingInvalid,
    ZoneNotFound,
)
from pricing.models import FreeShipping, ShippingMethod, ShippingRate, ShippingZone
from pricing.services import MethodData, RateData
from pricing.services.rows import refused_when_taken
from pricing.tests.factories import gbp, make_method, make_zone, rules_version

EUR = Money(500, "EUR")


@pytest.mark.django_db
class TestRefusedWhenTaken:
    def test_refuses_what_was_only_going_to_be_written(self) -> None:
        @command
        def write() -> None:
            with refused_when_taken({"pricing_shippingzone_name_key": ShippingExists(field="name")}):
                insert_all([ShippingZone(name="North"), ShippingZone(name="North")])

        with pytest.raises(ShippingExists):
            write()


@pytest.mark.django_db
class TestCreateZone:
    def test_opens_it(self) -> None:
        zone = make_zone("North", countries=["GB", "IE"], regions=["US-NY", "FR-75C"])

        zone.refresh_from_db()
        assert (zone.name, zone.countries, zone.regions) == ("North", ["GB", "IE"], ["US-NY", "FR-75C"])

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"countries": ["ZZ"]}, "countries"),
            ({"countries": ["gb"]}, "countries"),
            ({"countries": ["GBR"]}, "countries"),
            ({"countries": ["GB", "GB"]}, "countries"),
            ({"regions": ["US-ZZ"]}, "regions"),
            ({"regions": ["us-ny"]}, "regions"),
            ({"regions": ["NY"]}, "regions"),
            ({"regions": ["US-NY", "US-NY"]}, "regions"),
            ({"countries": ["US"], "regions": ["US-NY"]}, "regions"),
        ],
    )
    def test_refuses_places_that_are_none_or_stand_twice(self, wrong: dict[str, Any], field: str) -> None:
        with pytest.raises(ShippingInvalid) as refusal:
            make_zone(**wrong)

        assert refusal.value.facts["field"] == field
        assert not ShippingZone.objects.exists()

    def test_refuses_a_name_that_is_taken(self) -> None:
        make_zone("North", countries=["GB"])
        before = rules_version()

        with pytest.raises(ShippingExists):
            make_zone("North", countries=["IE"])

        assert ShippingZone.objects.get().countries == ["GB"]
        assert rules_version() == before


@pytest.mark.django_db
class TestUpdateZone:
    def test_changes_what_is_named(self) -> None:
        zone = make_zone("North", countries=["GB"])

        services.update_zone(zone_id=zone.pk, changes={"regions": ["US-NY"]})

        zone.refresh_from_db()
        assert (zone.name, zone.countries, zone.regions) == ("North", ["GB"], ["US-NY"])

    def test_refuses_a_name_that_is_taken_and_a_part_of_what_is_there(self) -> None:
        zone = make_zone("North", countries=["GB"])
        make_zone("South")

        with pytest.raises(ShippingExists):
            services.update_zone(zone_id=zone.pk, changes={"name": "South"})
        with pytest.raises(ShippingInvalid):
            services.update_zone(zone_id=zone.pk, changes={"regions": ["GB-SCT"]})

        zone.refresh_from_db()
        assert (zone.name, zone.regions) == ("North", [])

    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(ZoneNotFound):
            services.update_zone(zone_id=new_id(), changes={"name": "x"})


@pytest.mark.django_db
class TestDeleteZone:
    def test_takes_its_methods_along(self) -> None:
        zone = make_zone(countries=["GB"])
        make_method(zone, free_from=[gbp(5000)])
        other = make_method(code="other")

        services.delete_zone(zone_id=zone.pk)

        assert ShippingMethod.objects.get() == other
        assert ShippingRate.objects.count() == 1
        assert not FreeShipping.objects.exists()

    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(ZoneNotFound):
            services.delete_zone(zone_id=new_id())


def data(zone: ShippingZone, **changes: Any) -> MethodData:
    return MethodData(
        **{"zone": zone.pk, "code": "post", "name": "Post", "rates": [RateData(price=gbp(395))], **changes}
    )


@pytest.mark.django_db
class TestCreateMethod:
    def test_writes_steps_by_weight_in_each_currency(self) -> None:
        steps = [(0, gbp(300)), (1000, gbp(500)), (0, EUR)]

        method = make_method(
            kind="weight", rates=[RateData(price=price, from_weight_grams=grams) for grams, price in steps]
        )

        rows = method.rates.order_by("currency", "from_value").values_list("currency", "from_value", "amount_minor")
        assert list(rows) == [("EUR", 0, 500), ("GBP", 0, 300), ("GBP", 1000, 500)]

    def test_writes_steps_by_price_and_what_is_free(self) -> None:
        rates = [RateData(price=gbp(500), from_price=gbp(0)), RateData(price=gbp(250), from_price=gbp(2000))]

        method = make_method(kind="price", rates=rates, free_from=[gbp(5000), EUR])

        assert list(method.rates.order_by("from_value").values_list("from_value", flat=True)) == [0, 2000]
        assert dict(method.free_from.values_list("currency", "from_minor")) == {"GBP": 5000, "EUR": 500}

    def test_names_the_place_where_it_is_collected(self) -> None:
        place = make_place()

        assert make_method(kind="collect", place=place.code).place == place

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"rates": []}, "rates"),
            ({"rates": [RateData(price=gbp(1)), RateData(price=gbp(2))]}, "rates"),
            ({"rates": [RateData(price=gbp(1), from_weight_grams=0)]}, "rates"),
            ({"rates": [RateData(price=gbp(1), from_price=gbp(0))]}, "rates"),
            ({"kind": "weight"}, "rates"),
            ({"kind": "weight", "rates": [RateData(price=gbp(1), from_price=gbp(0))]}, "rates"),
            ({"kind": "weight", "rates": [RateData(price=gbp(1), from_weight_grams=0)] * 2}, "rates"),
            ({"kind": "price"}, "rates"),
            ({"kind": "price", "rates": [RateData(price=gbp(1), from_weight_grams=0)]}, "rates"),
            ({"kind": "price", "rates": [RateData(price=gbp(1), from_price=EUR)]}, "rates"),
            (
                {"kind": "price", "rates": [RateData(price=gbp(1), from_price=gbp(0), from_weight_grams=0)]},
                "rates",
            ),
            ({"free_from": [gbp(1), gbp(2)]}, "free_from"),
            ({"min_days": 3, "max_days": 2}, "max_days"),
            ({"place": "main"}, "place"),
            ({"kind": "collect", "place": "nowhere"}, "place"),
        ],
    )
    def test_refuses_what_does_not_fit(self, wrong: dict[str, Any], field: str) -> None:
        zone = make_zone(countries=["GB"])
        make_place()
        before = rules_version()

        with pytest.raises(ShippingInvalid) as refusal:
            services.create_method(data=data(zone, **wrong))

        assert refusal.value.facts["field"] == field
        assert not ShippingMethod.objects.exists()
        assert rules_version() == before

    def test_refuses_a_code_that_is_taken_in_the_zone_and_takes_it_in_another(self) -> None:
        zone = make_zone(countries=["GB"])
        make_method(zone)

        with pytest.raises(ShippingExists):
            services.create_method(data=data(zone, name="Second"))
        make_method(make_zone("World"))

        assert sorted(ShippingMethod.objects.values_list("name", flat=True)) == ["Post", "Post"]

    def test_refuses_an_unknown_zone(self) -> None:
        with pytest.raises(ZoneNotFound):
            services.create_method(data=replace(data(make_zone()), zone=new_id()))


@pytest.mark.django_db
class TestUpdateMethod:
    def test_leaves_rates_alone_unless_they_are_given(self) -> None:
        method = make_method(free_from=[gbp(5000)])

        services.update_method(method_id=method.pk, changes={"name": "Slow post", "max_days": 9})

        method.refresh_from_db()
        assert (method.name, method.max_days) == ("Slow post", 9)
        assert (method.rates.get().amount_minor, method.free_from.get().from_minor) == (395, 5000)

    def test_replaces_rates_and_free_amounts(self) -> None:
        method = make_method(free_from=[gbp(5000)])

        services.update_method(method_id=method.pk, changes={"rates": [RateData(price=EUR)], "free_from": []})

        assert method.rates.get().currency == "EUR"
        assert not method.free_from.exists()

    def test_changes_the_kind_only_together_with_the_rates(self) -> None:
        method = make_method()
        changes = {"kind": "weight", "rates": [RateData(price=gbp(1), from_weight_grams=0)]}

        with pytest.raises(ShippingInvalid):
            services.update_method(method_id=method.pk, changes={"kind": "weight"})
        method.refresh_from_db()
        assert method.kind == "flat"
        services.update_method(method_id=method.pk, changes=changes)

        method.refresh_from_db()
        assert (method.kind, method.rates.get().amount_minor) == ("weight", 1)

    def test_takes_the_place_away(self) -> None:
        method = make_method(kind="collect", place=make_place().code)

        with pytest.raises(ShippingInvalid):
            services.update_method(method_id=method.pk, changes={"kind": "flat", "rates": [RateData(price=gbp(1))]})
        services.update_method(method_id=method.pk, changes={"place": None})

        method.refresh_from_db()
        assert (method.kind, method.place) == ("collect", None)

    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(MethodNotFound):
            services.update_method(method_id=new_id(), changes={"name": "x"})


@pytest.mark.django_db
class TestDeleteMethod:
    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(MethodNotFound):
            services.delete_method(method_id=new_id())
