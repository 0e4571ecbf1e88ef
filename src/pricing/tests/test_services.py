from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from inventory.tests.factories import make_place
from pricing import services
from pricing.models import FreeShipping, ShippingMethod, ShippingRate, ShippingZone, TaxRate
from pricing.tests.factories import make_method, make_tax_rate, make_zone, rules_version


@pytest.mark.django_db
class TestEveryWrite:
    @pytest.mark.parametrize(
        "write",
        [
            lambda zone, method, rate: make_zone("Another"),
            lambda zone, method, rate: services.update_zone(zone_id=zone.pk, changes={"countries": ["IE"]}),
            lambda zone, method, rate: services.delete_zone(zone_id=zone.pk),
            lambda zone, method, rate: make_method(zone, "another"),
            lambda zone, method, rate: services.update_method(method_id=method.pk, changes={"is_active": False}),
            lambda zone, method, rate: services.delete_method(method_id=method.pk),
            lambda zone, method, rate: make_tax_rate("DE", "19"),
            lambda zone, method, rate: services.update_tax_rate(rate_id=rate.pk, changes={"percent": Decimal(21)}),
            lambda zone, method, rate: services.delete_tax_rate(rate_id=rate.pk),
            lambda zone, method, rate: services.load_tax_table(name="za"),
        ],
    )
    def test_makes_everybody_read_the_rules_anew_and_does_so_last(self, write: Callable[..., object]) -> None:
        zone = make_zone(countries=["GB"])
        method, rate, before = make_method(zone), make_tax_rate(), rules_version()

        with CaptureQueriesContext(connection) as asked:
            write(zone, method, rate)

        written = [each["sql"] for each in asked if "SAVEPOINT" not in each["sql"]]
        assert rules_version() != before
        assert written[-1].startswith('UPDATE "markets_market"')


@pytest.mark.django_db
class TestConstraints:
    @pytest.mark.parametrize(
        "make",
        [
            lambda method: ShippingRate(method=method, currency="GBP", from_value=-1, amount_minor=1),
            lambda method: ShippingRate(method=method, currency="GBP", from_value=1, amount_minor=-1),
            lambda method: ShippingRate(method=method, currency="gbp", from_value=1, amount_minor=1),
            lambda method: ShippingRate(method=method, currency="GBP", from_value=0, amount_minor=1),
            lambda method: FreeShipping(method=method, currency="GBP", from_minor=-1),
            lambda method: FreeShipping(method=method, currency="gbp", from_minor=1),
            lambda method: ShippingMethod(zone=method.zone, code="post", name="x"),
            lambda method: ShippingMethod(zone=method.zone, code="x", name="x", min_days=2, max_days=1),
            lambda method: ShippingMethod(zone=method.zone, code="x", name="x", place=make_place()),
            lambda method: ShippingZone(name=method.zone.name),
            lambda method: TaxRate(country="GB", name="x", rate_ppm=1_000_001, valid_from=date(2026, 1, 1)),
            lambda method: TaxRate(country="gb", name="x", rate_ppm=1, valid_from=date(2026, 1, 1)),
            lambda method: TaxRate(
                country="GB", name="x", rate_ppm=1, valid_from=date(2026, 1, 2), valid_until=date(2026, 1, 1)
            ),
        ],
    )
    def test_hold_in_the_database(self, make: Callable[[ShippingMethod], Any]) -> None:
        row = make(make_method(free_from=[]))

        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)
