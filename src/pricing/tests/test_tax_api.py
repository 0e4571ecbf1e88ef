from __future__ import annotations

from typing import Any

import pytest

from pricing.models import TaxRate
from pricing.tests.bodies import NO_AMOUNT, RATE, RATES, staff
from pricing.tests.factories import make_tax_rate


@pytest.mark.django_db
class TestTaxRates:
    def test_are_entered_shown_ended_and_deleted(self) -> None:
        client = staff()

        made = client.post(RATES, RATE, format="json")
        shown = client.get(made["Location"])
        ended = client.patch(
            made["Location"], {"valid_until": "2026-12-31"}, format="json", headers={"If-Match": shown["ETag"]}
        )
        gone = client.delete(made["Location"])

        rest = {"id": made.json()["id"], "region": "", "tax_class": "standard", "valid_until": None}
        assert (made.status_code, made.json()) == (201, {**RATE, **rest})
        assert shown.json() == made.json()
        assert ended.json() == {**made.json(), "valid_until": "2026-12-31"}
        assert (gone.status_code, TaxRate.objects.count()) == (204, 0)

    @pytest.mark.parametrize(
        ("given", "shown"), [("0", "0"), ("20", "20"), (20, "20"), ("7.50", "7.5"), ("6.8755", "6.8755")]
    )
    def test_are_in_per_cent(self, given: Any, shown: str) -> None:
        assert staff().post(RATES, RATE | {"percent": given}, format="json").json()["percent"] == shown

    def test_are_found_by_place_class_and_day(self) -> None:
        client = staff()
        make_tax_rate("US", "4", region="US-NY")
        make_tax_rate("GB", "5", tax_class="reduced")
        make_tax_rate("GB", "20")

        def found(**query: str) -> list[str]:
            return [row["percent"] for row in client.get(RATES, query).json()["results"]]

        assert found() == ["5", "20", "4"]
        assert found(country="GB") == ["5", "20"]
        assert found(region="US-NY") == ["4"]
        assert found(tax_class="reduced") == ["5"]
        assert found(on="2025-12-31") == []

    @pytest.mark.parametrize(
        "query",
        [{"country": "gb"}, {"region": "NY"}, {"on": "today"}, {"on": "20260101"}, {"tax_class": "A"}, {"x": "1"}],
    )
    def test_refuse_filters_that_are_none(self, query: dict[str, str]) -> None:
        assert staff().get(RATES, query).status_code == 400

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            *[({"percent": value}, 400) for value in [*NO_AMOUNT, "", "-1", "0.00001", "20 %"]],
            *[({"valid_from": value}, 400) for value in ["", "2026-02-30", "20260101", "2026-W01-1", 2026, None]],
            *[({"valid_until": value}, 400) for value in ["", "2026-02-30", "2026-01-01T00:00:00Z", 1, True]],
            *[({"name": value}, 400) for value in ["", None, "a\0", "x" * 41]],
            ({"rate_ppm": 1}, 400),
            ({"percent": "100.01"}, 422),
            ({"percent": 2**31}, 422),
            ({"valid_until": "2025-12-31"}, 422),
        ],
    )
    def test_s21_that_cannot_be_are_refused(self, wrong: dict[str, Any], status: int) -> None:
        client, kept = staff(), make_tax_rate("DE", "19")
        changes = {"name": "Changed", **wrong}
        made = client.post(RATES, RATE | wrong, format="json")
        changed = client.patch(f"{RATES}/{kept.pk}", changes, format="json")

        kept.refresh_from_db()
        assert (made.status_code, changed.status_code) == (status, status)
        assert TaxRate.objects.get() == kept
        assert (kept.name, kept.rate_ppm) == ("VAT", 190_000)

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            *[({"country": value}, 400) for value in ["gb", "GBR", "", 1, None]],
            *[({"region": value}, 400) for value in ["NY", "", 1, None]],
            *[({"tax_class": value}, 400) for value in ["", "A", None]],
            ({"country": "ZZ"}, 422),
            ({"region": "US-NY"}, 422),
            ({"region": "GB-ZZZ"}, 422),
        ],
    )
    def test_of_places_that_are_none_are_refused(self, wrong: dict[str, Any], status: int) -> None:
        assert staff().post(RATES, RATE | wrong, format="json").status_code == status
        assert not TaxRate.objects.exists()

    def test_of_the_same_days_are_refused(self) -> None:
        make_tax_rate()

        answer = staff().post(RATES, RATE, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "pricing.tax_rates_overlap")
        assert TaxRate.objects.get().rate_ppm == 200_000

    def test_keep_their_place_and_class(self) -> None:
        rate = make_tax_rate()

        for change in ({"country": "DE"}, {"region": "GB-SCT"}, {"tax_class": "zero"}):
            assert staff().patch(f"{RATES}/{rate.pk}", change, format="json").status_code == 400

        rate.refresh_from_db()
        assert (rate.country, rate.region, rate.tax_class) == ("GB", "", "standard")
