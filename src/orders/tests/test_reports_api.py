from __future__ import annotations

import csv
from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import client_of, make_user
from inventory.tests.factories import make_stock
from orders.tests.factories import make_order
from orders.tests.gateway import pay
from orders.tests.sellers import DAY
from pricing.tests.rules import make_rate

URL = "/api/v1/reports"
REPORTS = ("tax", "orders", "payments")
JUNE = {"from": "2026-06-01", "to": "2026-06-30"}


def treasurer() -> User:
    names = ["orders.view_order", "orders.view_invoice", "payments.view_payment", "payments.view_ledgerentry"]
    return make_user(permissions=names)


def sell() -> None:
    make_rate()
    pay(make_order((make_stock(price_minor=1200), 1)), at=DAY)


def get(report: str, **query: str) -> Any:
    return client_of(treasurer()).get(f"{URL}/{report}", query)


@pytest.mark.django_db
class TestReports:
    def test_show_tax_by_rate(self) -> None:
        sell()

        assert get("tax", **JUNE).json() == {
            "begins_on": "2026-06-01",
            "ends_on": "2026-06-30",
            "by": "month",
            "time_zone": "UTC",
            "results": [
                {
                    "period": "2026-06",
                    "country": "GB",
                    "region": "",
                    "tax_class": "standard",
                    "percent": "20",
                    "is_reversed": False,
                    "net": {"amount": "10.00", "currency": "GBP"},
                    "tax": {"amount": "2.00", "currency": "GBP"},
                    "credited_net": {"amount": "0.00", "currency": "GBP"},
                    "credited_tax": {"amount": "0.00", "currency": "GBP"},
                }
            ],
        }

    def test_show_orders_by_state(self) -> None:
        sell()

        [row] = get("orders", **JUNE, status="paid", market="uk").json()["results"]

        assert (row["market"], row["status"], row["orders"], row["units"]) == ("uk", "paid", 1, 1)
        assert row["total"] == {"amount": "12.00", "currency": "GBP"}
        assert row["tax"] == {"amount": "2.00", "currency": "GBP"}

    def test_show_payments_by_provider(self) -> None:
        sell()

        [row] = get("payments", **JUNE, provider="sandbox", by="day").json()["results"]

        assert (row["period"], row["provider"], row["status"], row["attempts"]) == (
            "2026-06-02",
            "sandbox",
            "captured",
            1,
        )
        assert row["captured"] == {"amount": "12.00", "currency": "GBP"}

    @pytest.mark.parametrize("report", REPORTS)
    def test_say_the_same_as_a_table(self, report: str) -> None:
        sell()

        answer = get(report, **JUNE, format="csv")

        [row] = csv.DictReader(b"".join(answer.streaming_content).decode().splitlines())
        [shown] = get(report, **JUNE).json()["results"]
        texts = {name: value["amount"] if isinstance(value, dict) else str(value) for name, value in shown.items()}
        currency = next(value["currency"] for value in shown.values() if isinstance(value, dict))
        said = {"is_reversed": "no"} if report == "tax" else {}
        assert row == texts | said | {"currency": currency}
        assert answer["Content-Disposition"] == f'attachment; filename="{report}-2026-06-01-2026-06-30.csv"'

    @pytest.mark.parametrize("report", REPORTS)
    @pytest.mark.parametrize(
        "query",
        [
            {"from": "2026-07-01", "to": "2026-06-30"},
            {"from": "0001-01-01", "to": "9999-12-31"},
            {"from": "2026-01-01", "to": "2029-01-01", "by": "day"},
            {"from": "2000-01-01", "to": "2026-01-01"},
            {"from": "June", "to": "2026-06-30"},
            {"time_zone": "Europe/Atlantis"},
            {"time_zone": "../etc/passwd"},
            {"by": "week"},
            {"format": "xlsx"},
            {"state": "paid"},
        ],
        ids=str,
    )
    def test_refuse_other_questions(self, report: str, query: dict[str, str]) -> None:
        assert get(report, **query).status_code == 400

    @pytest.mark.parametrize("report", REPORTS)
    def test_are_about_this_month_unless_told_otherwise(self, report: str) -> None:
        answer = get(report).json()

        assert answer["begins_on"].endswith("-01")
        assert answer["begins_on"][:7] == answer["ends_on"][:7]
        assert answer["results"] == []

    def test_refuse_a_market_that_there_is_not(self) -> None:
        for report in ("tax", "orders"):
            assert get(report, market="nowhere").status_code == 400
            assert get(report, market="").status_code == 400

    @pytest.mark.parametrize("report", REPORTS)
    def test_s02_are_for_those_who_may(self, report: str) -> None:
        support = make_user(permissions=["orders.view_order", "payments.view_payment"])
        askers = [None, make_user(), make_user(is_staff=True), support]

        assert [client_of(asker).get(f"{URL}/{report}").status_code for asker in askers] == [401, 403, 403, 403]
