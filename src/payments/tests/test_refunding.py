from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, InternalError, connection, transaction
from pytest_django import Settings

from payments import selectors, services
from payments.domain import RETURNS, AttemptStatus, RefundWish
from payments.errors import (
    RefundTooLarge,
)
from payments.models import Attempt, LedgerEntry, Payment, Refund
from payments.providers import GivenBack
from payments.services.refund_outcomes import record_refund
from payments.tests.factories import NOON, charge_of, make_attempt, make_captured

STEP = transaction.atomic


@pytest.fixture(autouse=True)
def _no_orders(settings: Settings) -> None:
    """Orders are of another app: nobody waits for a capture here."""
    settings.EVENT_INLINE_SUBSCRIPTIONS = {}


def record(attempt: Attempt, status: AttemptStatus, **fields: Any) -> Attempt:
    services.record_outcome(attempt_id=attempt.pk, charge=charge_of(attempt, status, **fields), at=NOON)
    attempt.refresh_from_db()
    return attempt


def promise(attempt: Attempt, amount: int | None = None, **wish: Any) -> Refund:
    with STEP():
        payment = services.lock_payment(payment_id=attempt.payment_id)
        [refund] = services.promise_refund(
            payment=payment, wish=RefundWish(account=RETURNS, amount_minor=amount, **wish), at=NOON
        )
        return refund


@pytest.mark.django_db
class TestPromiseRefund:
    def test_counts_what_is_under_way(self) -> None:
        attempt = make_captured()
        promise(attempt, 2000)

        with pytest.raises(RefundTooLarge) as refusal:
            promise(attempt, 501)

        assert refusal.value.facts["left"] == {"amount": "5.00", "currency": "GBP"}
        assert Refund.objects.count() == 1
        assert promise(attempt).amount_minor == 500

    def test_the_database_refuses_more_than_was_captured(self) -> None:
        attempt = make_captured()

        with pytest.raises(IntegrityError), STEP():
            Attempt.objects.filter(pk=attempt.pk).update(promised_minor=2501)

    def test_leaves_out_what_was_charged_back(self) -> None:
        attempt = record(make_captured(), AttemptStatus.CAPTURED, disputed_minor=2000)

        with pytest.raises(RefundTooLarge):
            promise(attempt, 501)

    def test_refuses_where_nothing_was_captured(self) -> None:
        with pytest.raises(RefundTooLarge):
            promise(make_attempt())


@pytest.mark.django_db
class TestSettleByTotal:
    def test_settles_what_is_under_way_once_the_provider_holds_all_of_it(self) -> None:
        attempt = make_captured()
        refund = promise(attempt, 700)

        record(attempt, AttemptStatus.CAPTURED, refunded_minor=700)
        record_refund(refund_id=refund.pk, said=GivenBack(reference="re_1", is_done=True), at=NOON)

        refund.refresh_from_db()
        assert (refund.status, Payment.objects.get().refunded_minor) == ("succeeded", 700)
        assert LedgerEntry.objects.filter(kind="refund").count() == 1
        assert selectors.find_differences() == []

    def test_notes_what_was_given_back_at_the_provider(self) -> None:
        attempt = make_captured()
        promise(attempt, 700)

        for _ in range(2):
            record(attempt, AttemptStatus.CAPTURED, refunded_minor=1000)

        assert list(Refund.objects.order_by("pk").values_list("amount_minor", "status")) == [
            (700, "succeeded"),
            (300, "succeeded"),
        ]
        assert Payment.objects.get().refunded_minor == 1000
        assert selectors.find_differences() == []


@pytest.mark.django_db
class TestRecordRefund:
    def test_frees_what_a_failed_one_had_promised(self) -> None:
        attempt = make_captured()
        refund = promise(attempt)

        record_refund(refund_id=refund.pk, said=GivenBack(reference="", is_done=False, failure="no"), at=NOON)

        attempt.refresh_from_db()
        assert (attempt.promised_minor, Payment.objects.get().refunded_minor) == (0, 0)
        assert promise(attempt).amount_minor == 2500
        assert selectors.find_differences() == []


@pytest.mark.django_db
class TestFindDifferences:
    @pytest.mark.parametrize(
        "forge",
        [
            "UPDATE payments_payment SET captured_minor = captured_minor - 1, refunded_minor = 0",
            "UPDATE payments_payment SET refunded_minor = refunded_minor - 1",
            "UPDATE payments_payment SET status = 'captured'",
            "UPDATE payments_attempt SET promised_minor = promised_minor + 1",
            "UPDATE payments_attempt SET captured_minor = captured_minor - 1",
            "UPDATE payments_refund SET amount_minor = amount_minor - 1",
            "UPDATE payments_refund SET status = 'failed'",
            "DELETE FROM payments_refund",
        ],
    )
    def test_i2_i5_finds_a_forged_row(self, forge: str) -> None:
        attempt = make_captured()
        refund = promise(attempt, 1000)
        record_refund(refund_id=refund.pk, said=GivenBack(reference="re_1", is_done=True), at=NOON)
        assert selectors.find_differences() == []

        with connection.cursor() as cursor:
            cursor.execute(forge)

        assert selectors.find_differences() != []

    def test_i4_the_ledger_cannot_be_changed(self) -> None:
        make_captured()

        with pytest.raises((IntegrityError, InternalError)), STEP():
            LedgerEntry.objects.update(kind="x")
