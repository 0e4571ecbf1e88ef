from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from sandbox import selectors, services
from sandbox.models import Charge, Entry, Event, Refund
from sandbox.tests.factories import NOON, make_charge


@pytest.mark.django_db
class TestFindDifferences:
    @pytest.fixture
    def charge(self) -> Charge:
        charge = make_charge()
        services.refund_charge(charge_id=charge.pk, amount=250, reference="", key=None, at=NOON)
        return charge

    def test_finds_none_in_books_that_agree(self, charge: Charge, django_assert_num_queries: Any) -> None:
        services.dispute_charge(charge_id=charge.pk, key=None, at=NOON)
        for fields in ({"capture": False}, {"card": "declined"}, {"card": None}, {"card": "3ds"}, {"card": "slow"}):
            make_charge(**fields)
        part = make_charge(capture=False)
        services.capture_charge(charge_id=part.pk, amount=1, key=None, at=NOON)
        services.void_charge(charge_id=make_charge(capture=False).pk, key=None, at=NOON)

        with django_assert_num_queries(1):
            assert selectors.find_differences() == []

    @pytest.mark.parametrize(
        ("wrong", "difference"),
        [
            ({"captured_minor": 1000}, "captured is not the sum of the ledger"),
            ({"refunded_minor": 0}, "refunded is not the sum of the ledger"),
            ({"refunded_minor": 251}, "refunded is not the sum of the refunds"),
            ({"disputed_minor": 5}, "disputed is not the sum of the ledger"),
            ({"amount_minor": 1300}, "not the amount was authorised"),
            ({"currency": "EUR"}, "another currency in the ledger"),
            ({"status": "failed", "captured_minor": 0, "refunded_minor": 0}, "the status is not that of the ledger"),
        ],
    )
    def test_finds_a_charge_that_was_altered(self, charge: Charge, wrong: dict[str, Any], difference: str) -> None:
        Charge.objects.filter(pk=charge.pk).update(**wrong)

        assert {"charge": charge.public_id, "difference": difference} in selectors.find_differences()

    def test_finds_a_refund_that_was_altered(self, charge: Charge) -> None:
        Refund.objects.update(is_done=False)

        (found,) = selectors.find_differences()
        assert found["difference"] == "refunded is not the sum of the refunds"

    @pytest.mark.parametrize(
        ("kind", "minor", "difference"),
        [
            ("released", 1, "more was captured or released than authorised"),
            ("disputed", 1001, "more was given back than captured"),
        ],
    )
    def test_finds_a_line_too_many(self, charge: Charge, kind: str, minor: int, difference: str) -> None:
        Entry.objects.create(charge=charge, kind=kind, amount_minor=minor, currency="GBP", at=NOON)

        assert difference in [found["difference"] for found in selectors.find_differences()]

    def test_finds_money_that_is_still_held(self) -> None:
        charge = make_charge(capture=False)
        Charge.objects.filter(pk=charge.pk).update(status="voided")

        assert "something is still held" in [found["difference"] for found in selectors.find_differences()]

    @pytest.mark.parametrize("again", [False, True])
    def test_finds_what_was_not_told_once(self, charge: Charge, again: bool) -> None:
        told = Event.objects.get(type="charge.captured")
        if again:
            Event.objects.create(charge=charge, type=told.type, body=told.body)
        else:
            told.delete()

        (found,) = selectors.find_differences()
        assert found["difference"] == "the status was not told once"


@pytest.mark.django_db
class TestTables:
    @pytest.mark.parametrize("change", ["UPDATE sandbox_entry SET amount_minor = 1", "DELETE FROM sandbox_entry"])
    def test_keep_the_ledger_as_it_is(self, change: str) -> None:
        make_charge()

        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"amount_minor": 0},
            {"captured_minor": 1251},
            {"captured_minor": 0},
            {"refunded_minor": 1251},
            {"refunded_minor": 1000, "disputed_minor": 251},
            {"refunded_minor": -1},
            {"status": "lost"},
            {"status": "failed"},
            {"status": "pending", "captured_minor": 0},
        ],
        ids=repr,
    )
    def test_hold_no_charge_that_cannot_be(self, wrong: dict[str, Any]) -> None:
        charge = make_charge()

        with pytest.raises(IntegrityError), transaction.atomic():
            Charge.objects.filter(pk=charge.pk).update(**wrong)

    @pytest.mark.parametrize("kind", ["authorised", "captured", "refunded", "unheard"])
    def test_hold_no_line_that_cannot_be(self, kind: str) -> None:
        charge = make_charge()

        with pytest.raises(IntegrityError), transaction.atomic():
            Entry.objects.create(charge=charge, kind=kind, amount_minor=1, currency="GBP", at=NOON)
