from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from markets.domain import TaxRounding
from pricing.domain.destinations import Destination
from pricing.domain.taxes import (
    EU,
    NO_TAX,
    RateFacts,
    TaxTable,
    is_reverse_charge,
    rate_of,
    rules_for,
    tax_of,
    vat_id_is_valid,
)

AMOUNTS = some.integers(-(10**12), 10**12)
PPM = some.integers(0, 1_000_000)
VAT_IDS = {
    "AT": "ATU13585627",
    "BE": "BE0428759497",
    "DE": "DE136695976",
    "DK": "DK13585628",
    "ES": "ES54362315K",
    "FR": "FR40303265045",
    "GB": "GB980780684",
    "GR": "EL094259216",
    "IE": "IE6433435F",
    "IT": "IT00743110157",
    "NL": "NL004495445B01",
    "PL": "PL8567346215",
    "XI": "XI980780684",
}


def exact(minor: int, ppm: int, *, is_included: bool) -> int:
    """The tax as Decimal makes it, with digits enough not to round before the end."""
    whole = Decimal(1_000_000 + ppm if is_included else 1_000_000)
    return int((Decimal(minor) * ppm / whole).quantize(Decimal(1), rounding=ROUND_HALF_UP))


class TestTaxOf:
    @pytest.mark.parametrize(
        ("minor", "ppm", "tax"),
        [(1000, 200_000, 200), (12, 200_000, 2), (13, 200_000, 3), (1250, 75_000, 94), (1, 0, 0)],
    )
    def test_is_put_on_top_half_up(self, minor: int, ppm: int, tax: int) -> None:
        assert tax_of(minor, ppm, is_included=False) == tax

    @pytest.mark.parametrize(
        ("minor", "ppm", "tax"), [(1200, 200_000, 200), (999, 200_000, 167), (3, 200_000, 1), (1, 1_000_000, 1)]
    )
    def test_is_taken_out_of_what_contains_it_half_up(self, minor: int, ppm: int, tax: int) -> None:
        assert tax_of(minor, ppm, is_included=True) == tax

    @given(AMOUNTS, PPM, some.booleans())
    def test_s23_is_what_exact_decimals_make_it(self, minor: int, ppm: int, is_included: bool) -> None:
        assert tax_of(minor, ppm, is_included=is_included) == exact(minor, ppm, is_included=is_included)

    @given(some.integers(0, 10**12), PPM)
    def test_s23_contained_tax_and_net_are_the_gross_and_within_half_a_unit(self, gross: int, ppm: int) -> None:
        contained = tax_of(gross, ppm, is_included=True)
        net = gross - contained

        assert 0 <= contained <= gross
        assert contained + net == gross
        # Of the net amount the rate makes the same tax, but for what a unit of net can change in it.
        assert abs(tax_of(net, ppm, is_included=False) - contained) <= 1

    @given(AMOUNTS, PPM, some.booleans())
    def test_taking_an_amount_back_takes_its_tax_back(self, minor: int, ppm: int, is_included: bool) -> None:
        assert tax_of(-minor, ppm, is_included=is_included) == -tax_of(minor, ppm, is_included=is_included)


class TestRateOf:
    RATES = {"standard": RateFacts("VAT", 200_000), "zero": RateFacts("VAT", 0)}

    def test_is_that_of_the_class(self) -> None:
        assert rate_of(self.RATES, "zero").ppm == 0

    def test_is_the_standard_rate_for_a_class_that_has_none(self) -> None:
        assert rate_of(self.RATES, "reduced").ppm == 200_000

    def test_is_none_for_what_is_exempt_and_where_no_rate_is_known(self) -> None:
        assert rate_of(self.RATES, "exempt") == NO_TAX
        assert rate_of({}, "standard") == NO_TAX


class TestRulesFor:
    TABLE = TaxTable(
        rates={
            ("PT", ""): {"standard": RateFacts("VAT", 230_000), "reduced": RateFacts("VAT", 60_000)},
            ("PT", "PT-30"): {"standard": RateFacts("VAT", 220_000)},
            ("ES", "ES-CN"): {"standard": RateFacts("VAT", 0)},
            ("ES", ""): {"standard": RateFacts("VAT", 210_000)},
            ("DE", ""): {"standard": RateFacts("VAT", 190_000)},
            ("US", "US-NY"): {"standard": RateFacts("Sales tax", 40_000)},
        }
    )

    def rates(self, destination: Destination) -> dict[str, int]:
        rules = rules_for(self.TABLE, destination, home_country="DE", is_included=True)
        return {name: rate.ppm for name, rate in rules.rates.items()}

    def test_put_the_region_before_the_country_class_by_class(self) -> None:
        assert self.rates(Destination(country="PT")) == {"standard": 230_000, "reduced": 60_000}
        assert self.rates(Destination(country="PT", postal_code="9000")) == {"standard": 220_000, "reduced": 60_000}

    def test_know_a_region_by_what_it_is_part_of(self) -> None:
        assert self.rates(Destination(country="ES", postal_code="35001")) == {"standard": 0}

    def test_hold_no_rates_where_none_are_known(self) -> None:
        assert self.rates(Destination(country="US", region="TX")) == {}
        assert self.rates(Destination(country="US", region="NY")) == {"standard": 40_000}
        assert self.rates(Destination(country="")) == {}

    def test_carry_what_prices_contain_and_how_they_are_rounded(self) -> None:
        rules = rules_for(
            self.TABLE,
            Destination(country="PT"),
            home_country="DE",
            is_included=False,
            rounding=TaxRounding.TOTAL,
            vat_id="PT501964843",
        )

        assert rules.home_rates["standard"].ppm == 190_000
        assert (rules.country, rules.region, rules.is_included) == ("PT", "", False)
        assert (rules.rounding, rules.is_reversed) == (TaxRounding.TOTAL, True)


class TestVatIdIsValid:
    @pytest.mark.parametrize(("country", "vat_id"), VAT_IDS.items())
    def test_knows_form_and_check_digits(self, country: str, vat_id: str) -> None:
        wrong = vat_id[:5] + str((int(vat_id[5]) + 1) % 10) + vat_id[6:]

        assert vat_id_is_valid(vat_id, country)
        assert vat_id_is_valid(f" {vat_id[:4].lower()} {vat_id[4:]}", country)
        assert not vat_id_is_valid(wrong, country)

    @pytest.mark.parametrize(
        ("vat_id", "country"),
        [
            ("", "DE"),
            ("DE", "DE"),
            ("136695976", "DE"),
            ("DE136695976", "FR"),
            ("GR094259216", "GR"),
            ("EU372022452", "EU"),
            ("DE136695976", ""),
            ("US123456789", "US"),
            ("DE\x00136695976", "DE"),
            ("DE" + "1 " * 25_000, "DE"),
            ("D\u0415136695976", "DE"),
            ("DE\uff11\uff13\uff16\uff16\uff19\uff15\uff19\uff17\uff16", "DE"),
        ],
    )
    def test_s24_refuses_what_is_none(self, vat_id: str, country: str) -> None:
        assert not vat_id_is_valid(vat_id, country)

    @given(some.text(max_size=30), some.sampled_from([*sorted(EU), "XI", "GB"]))
    def test_s24_takes_any_text(self, text: str, country: str) -> None:
        assert vat_id_is_valid(text, country) in (True, False)
        assert vat_id_is_valid(f"{country}{text}", country) in (True, False)


class TestIsReverseCharge:
    @pytest.mark.parametrize(
        ("destination", "vat_id"),
        [
            (Destination(country="FR"), VAT_IDS["FR"]),
            (Destination(country="GR"), VAT_IDS["GR"]),
            # The id may be of another state than the goods go to (Art. 138 (1) b).
            (Destination(country="NL"), VAT_IDS["FR"]),
            (Destination(country="GB", postal_code="BT1 1AA"), VAT_IDS["XI"]),
        ],
    )
    def test_holds_for_a_business_of_another_member_state(self, destination: Destination, vat_id: str) -> None:
        assert is_reverse_charge(destination, "DE", vat_id)

    @pytest.mark.parametrize(
        ("destination", "home", "vat_id"),
        [
            (Destination(country="FR"), "DE", ""),
            (Destination(country="FR"), "DE", "FR40303265044"),
            (Destination(country="FR"), "FR", VAT_IDS["FR"]),
            (Destination(country="FR"), "FR", VAT_IDS["DE"]),
            (Destination(country="FR"), "DE", VAT_IDS["DE"]),
            (Destination(country="FR"), "GB", VAT_IDS["FR"]),
            (Destination(country="FR"), "", VAT_IDS["FR"]),
            (Destination(country="US"), "DE", VAT_IDS["FR"]),
            (Destination(country="GB"), "DE", VAT_IDS["GB"]),
            (Destination(country="GB", postal_code="SW1Y 4JH"), "DE", VAT_IDS["XI"]),
            (Destination(country="ES", postal_code="35001"), "DE", VAT_IDS["ES"]),
            (Destination(country="FR"), "DE", VAT_IDS["GB"]),
        ],
    )
    def test_does_not_hold_otherwise(self, destination: Destination, home: str, vat_id: str) -> None:
        assert not is_reverse_charge(destination, home, vat_id)
