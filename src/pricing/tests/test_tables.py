from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.tests.threads import at_once
from markets.tests.factories import make_market
from pricing import services
from pricing.domain.destinations import Destination
from pricing.domain.taxes import EU, rules_for
from pricing.errors import UnknownTaxTable
from pricing.models import TaxRate
from pricing.selectors.taxes import load_taxes
from pricing.services.places import is_country, is_region
from pricing.tests.factories import make_tax_rate

TABLES = ["eu", "gh", "ke", "ng", "uk", "us", "za"]
# What a buyer there is told: a few of each table, by hand.
KNOWN = {
    ("DE", "", "standard"): "19",
    ("FR", "", "reduced"): "5.5",
    ("IE", "", "super-reduced"): "4.8",
    ("FI", "", "standard"): "25.5",
    ("EE", "", "standard"): "24",
    ("RO", "", "standard"): "21",
    ("SK", "", "standard"): "23",
    ("HU", "", "standard"): "27",
    ("PT", "PT-30", "standard"): "22",
    ("ES", "ES-CN", "standard"): "0",
    ("GB", "", "reduced"): "5",
    ("GB", "", "zero"): "0",
    ("US", "US-CA", "standard"): "7.25",
    ("US", "US-OR", "standard"): "0",
    ("NG", "", "standard"): "7.5",
    ("KE", "", "standard"): "16",
    ("GH", "", "standard"): "20",
    ("ZA", "", "standard"): "15",
}


@pytest.mark.django_db
class TestLoadTaxTable:
    def test_enters_true_rates_of_places_that_there_are(self) -> None:
        assert list(services.known_tax_tables()) == TABLES
        entered = sum(services.load_tax_table(name=name) for name in TABLES)

        rows = list(TaxRate.objects.all())
        table = load_taxes(on=date(2026, 11, 21)).rates
        assert len(rows) == entered
        assert all(is_country(row.country) for row in rows)
        assert all(is_region(row.region, country=row.country) for row in rows if row.region)
        assert {key: Decimal(table[key[:2]][key[2]].ppm) / 10_000 for key in KNOWN} == {
            key: Decimal(percent) for key, percent in KNOWN.items()
        }

    def test_knows_all_member_states_and_all_states(self) -> None:
        services.load_tax_table(name="eu")
        services.load_tax_table(name="us")

        table = load_taxes(on=date(2026, 11, 21)).rates
        # Directive 2006/112/EC, Art. 97: at least 15 %.
        assert all(table[country, ""]["standard"].ppm >= 150_000 for country in EU)
        assert len([region for country, region in table if country == "US"]) == 51

    def test_changes_with_the_day(self) -> None:
        services.load_tax_table(name="gh")

        spells = [load_taxes(on=day).rates["GH", ""]["standard"].ppm for day in (date(2025, 12, 31), date(2026, 1, 1))]

        assert spells == [219_000, 200_000]

    def test_holds_for_a_destination(self) -> None:
        services.load_tax_table(name="eu")
        table = load_taxes(on=date(2026, 11, 21))

        def standard(destination: Destination) -> int:
            return rules_for(table, destination, home_country="DE", is_included=True).rates["standard"].ppm

        assert standard(Destination(country="ES", postal_code="28001")) == 210_000
        assert standard(Destination(country="ES", postal_code="38001")) == 0
        assert standard(Destination(country="FI", region="Landskapet Åland")) == 0

    def test_changes_nothing_a_second_time(self) -> None:
        market = make_market("uk")
        services.load_tax_table(name="uk")
        before = list(TaxRate.objects.order_by("pk").values())
        market.refresh_from_db()

        again = services.load_tax_table(name="uk")

        version = market.rules_version
        market.refresh_from_db()
        assert again == 0
        assert list(TaxRate.objects.order_by("pk").values()) == before
        assert market.rules_version == version

    def test_leaves_alone_what_staff_entered_or_changed(self) -> None:
        services.load_tax_table(name="uk")
        rate = TaxRate.objects.get(country="GB", tax_class="standard")
        services.update_tax_rate(
            rate_id=rate.pk, changes={"percent": Decimal(21), "name": "Ours", "valid_from": date(2026, 12, 1)}
        )
        own = make_tax_rate("ZA", "14", valid_from=date(2026, 12, 1))

        entered = services.load_tax_table(name="uk"), services.load_tax_table(name="za")

        rate.refresh_from_db()
        assert entered == (0, 1)
        assert (rate.rate_ppm, rate.name) == (210_000, "Ours")
        assert TaxRate.objects.get(country="ZA", tax_class="standard") == own
        assert TaxRate.objects.filter(country="GB", tax_class="standard").count() == 1

    @pytest.mark.parametrize("name", ["", "xx", "../rates/eu", "eu.toml", "/etc/passwd"])
    def test_refuses_a_table_that_is_not_there(self, name: str) -> None:
        with pytest.raises(UnknownTaxTable) as refusal:
            services.load_tax_table(name=name)

        assert refusal.value.facts["known"] == TABLES
        assert not TaxRate.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_table_that_many_load_at_once_is_entered_once() -> None:
    at_once(lambda name: services.load_tax_table(name=name), ["uk"] * 4)

    assert TaxRate.objects.count() == 6


@pytest.mark.django_db
class TestTheCommand:
    def test_enters_the_tables_that_it_is_given(self) -> None:
        told = StringIO()

        call_command("load_taxes", "ng", "ke", "ng", stdout=told)

        assert told.getvalue().splitlines() == [f"{name} rates entered." for name in ("ng: 2", "ke: 2", "ng: 0")]
        assert TaxRate.objects.count() == 4

    def test_refuses_what_it_does_not_know(self) -> None:
        with pytest.raises(CommandError):
            call_command("load_taxes", "ng", "xx")

        assert not TaxRate.objects.exists()
