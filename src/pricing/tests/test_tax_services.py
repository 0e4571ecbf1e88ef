from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.ids import new_id
from core.tests.threads import at_once
from pricing import services
from pricing.errors import (
    TaxRateInvalid,
    TaxRateNotFound,
    TaxRatesOverlap,
)
from pricing.models import TaxRate
from pricing.services import TaxRateData
from pricing.tests.factories import make_tax_rate, rules_version


def rate_data(**changes: Any) -> TaxRateData:
    given = {"country": "GB", "name": "VAT", "percent": Decimal(20), "valid_from": date(2026, 1, 1), **changes}
    return TaxRateData(**given)


@pytest.mark.django_db
class TestCreateTaxRate:
    @pytest.mark.parametrize(("percent", "ppm"), [("0", 0), ("5.5", 55_000), ("6.8755", 68_755), ("100", 1_000_000)])
    def test_keeps_millionths(self, percent: str, ppm: int) -> None:
        assert make_tax_rate(percent=percent).rate_ppm == ppm

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"country": "ZZ"}, "country"),
            ({"country": "gb"}, "country"),
            ({"region": "US-NY"}, "region"),
            ({"region": "GB-ZZZ"}, "region"),
            ({"percent": Decimal("100.0001")}, "percent"),
            ({"percent": Decimal(-1)}, "percent"),
            ({"percent": Decimal("0.00001")}, "percent"),
            ({"valid_until": date(2025, 12, 31)}, "valid_until"),
        ],
    )
    def test_refuses_what_cannot_be(self, wrong: dict[str, Any], field: str) -> None:
        with pytest.raises(TaxRateInvalid) as refusal:
            services.create_tax_rate(data=rate_data(**wrong))

        assert refusal.value.facts["field"] == field
        assert not TaxRate.objects.exists()

    @pytest.mark.parametrize(
        ("days", "fits"),
        [
            (("2026-01-01", "2026-06-29"), True),
            (("2026-07-31", None), True),
            (("2026-01-01", "2026-06-30"), False),
            (("2026-07-30", None), False),
            (("2026-07-10", "2026-07-11"), False),
            (("2020-01-01", None), False),
        ],
    )
    def test_holds_one_rate_on_a_day(self, days: tuple[str, str | None], fits: bool) -> None:
        make_tax_rate(valid_from=date(2026, 6, 30), valid_until=date(2026, 7, 30))
        start, end = (None if day is None else date.fromisoformat(day) for day in days)
        before = rules_version()

        try:
            make_tax_rate(percent="10", valid_from=start, valid_until=end)
        except TaxRatesOverlap:
            assert rules_version() == before
            assert not fits

        assert TaxRate.objects.count() == 1 + fits

    def test_tells_countries_regions_and_classes_apart(self) -> None:
        make_tax_rate("US")
        make_tax_rate("US", region="US-NY")
        make_tax_rate("US", tax_class="reduced")
        make_tax_rate("GB")

        assert TaxRate.objects.count() == 4


@pytest.mark.django_db
class TestUpdateTaxRate:
    def test_ends_one_so_that_another_can_begin(self) -> None:
        rate = make_tax_rate()

        services.update_tax_rate(rate_id=rate.pk, changes={"valid_until": date(2026, 6, 30)})
        make_tax_rate(percent="22", valid_from=date(2026, 7, 1))

        assert set(TaxRate.objects.values_list("rate_ppm", flat=True)) == {200_000, 220_000}

    def test_refuses_to_reach_into_another_ones_days(self) -> None:
        rate = make_tax_rate(valid_until=date(2026, 6, 30))
        make_tax_rate(percent="22", valid_from=date(2026, 7, 1))

        with pytest.raises(TaxRatesOverlap):
            services.update_tax_rate(rate_id=rate.pk, changes={"valid_until": None})

        rate.refresh_from_db()
        assert rate.valid_until == date(2026, 6, 30)

    def test_refuses_days_out_of_order_and_an_unknown_one(self) -> None:
        rate = make_tax_rate()

        with pytest.raises(TaxRateInvalid):
            services.update_tax_rate(rate_id=rate.pk, changes={"valid_until": date(2025, 1, 1)})
        with pytest.raises(TaxRateNotFound):
            services.update_tax_rate(rate_id=new_id(), changes={"name": "x"})

        rate.refresh_from_db()
        assert rate.valid_until is None


@pytest.mark.django_db
class TestDeleteTaxRate:
    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(TaxRateNotFound):
            services.delete_tax_rate(rate_id=new_id())


@pytest.mark.django_db
class TestEveryWriteOfRates:
    @pytest.mark.parametrize(
        "write",
        [
            lambda rate: make_tax_rate("DE", "19"),
            lambda rate: services.update_tax_rate(rate_id=rate.pk, changes={"name": "x"}),
            lambda rate: services.delete_tax_rate(rate_id=rate.pk),
            lambda rate: services.load_tax_table(name="za"),
        ],
    )
    def test_waits_for_its_turn_before_it_reads_or_writes_any(self, write: Callable[[TaxRate], object]) -> None:
        rate = make_tax_rate()

        with CaptureQueriesContext(connection) as asked:
            write(rate)

        statements = [each["sql"] for each in asked if "SAVEPOINT" not in each["sql"]]
        assert "pg_advisory_xact_lock" in statements[0]
        assert all("pricing_taxrate" in each for each in statements[1:-1])


@pytest.mark.django_db(transaction=True)
def test_of_many_rates_for_the_same_days_one_is_entered() -> None:
    def try_to_enter(percent: int) -> str:
        try:
            make_tax_rate(percent=str(percent))
        except TaxRatesOverlap:
            return "refused"
        return "entered"

    outcomes = sorted(at_once(try_to_enter, range(1, 9)))

    assert outcomes == ["entered"] + ["refused"] * 7
    assert TaxRate.objects.count() == 1
