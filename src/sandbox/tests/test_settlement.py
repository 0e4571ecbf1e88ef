from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any

import pytest

from sandbox import services
from sandbox.tests.calling import ask
from sandbox.tests.factories import NOON, make_charge


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))


@pytest.mark.django_db
class TestSettlement:
    def test_tells_what_was_taken_given_back_and_lost(self) -> None:
        charge = make_charge(reference="=r1")
        refund = services.refund_charge(charge_id=charge.pk, amount=250, reference="", key=None, at=NOON)
        services.dispute_charge(charge_id=charge.pk, key=None, at=NOON)
        make_charge(card="declined")

        found = rows(ask("GET", "settlement?from=2026-06-01&to=2026-06-01"))

        assert [(row["type"], row["id"], row["amount"]) for row in found] == [
            ("captured", charge.public_id, "12.50"),
            ("refunded", refund.public_id, "-2.50"),
            ("disputed", f"dp_{charge.pk.hex}", "-10.00"),
        ]
        assert {row["charge"] for row in found} == {charge.public_id}
        assert {row["reference"] for row in found} == {"'=r1"}

    def test_tells_of_nothing_outside_its_days(self) -> None:
        make_charge()

        day = (NOON + timedelta(days=1)).date()

        assert rows(ask("GET", f"settlement?from={day}&to=9999-12-31")) == []

    @pytest.mark.parametrize("query", ["", "?from=2026-06-01", "?from=x&to=y", "?from=2026-06-01&to=2026-06-01&a=b"])
    def test_refuses_other_questions(self, query: str) -> None:
        assert ask("GET", f"settlement{query}").status_code == 400

    def test_is_for_the_merchant(self) -> None:
        assert ask("GET", "settlement?from=2026-06-01&to=2026-06-01", secret="wrong").status_code == 401
