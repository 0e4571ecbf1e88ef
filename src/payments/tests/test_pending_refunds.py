"""Refunds that a provider took on and has not ended, and refunds that are told twice at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from unittest.mock import Mock

import pytest
from django.db import transaction
from django.utils import timezone

from core.models import OutboxEvent
from core.tests.threads import at_once
from payments import selectors, services
from payments.domain import RETURNS, AttemptStatus, RefundStatus, RefundWish
from payments.models import Attempt, LedgerEntry, Refund
from payments.providers import OutcomeUnknown, Provider, ProviderRefused
from payments.tests.factories import charge_of
from payments.tests.far_end import BREAK, FarEnd, Sale
from payments.tests.stripe_far import StripeFar
from payments.tests.wires import begin


def taken(far: FarEnd) -> tuple[Attempt, Sale]:
    """Return an attempt that took 25.00 GBP at the far end."""
    attempt, sale = begin(far)
    far.approve(sale)
    services.ask(attempt_id=attempt.pk, at=timezone.now())
    attempt.refresh_from_db()
    assert attempt.state is AttemptStatus.CAPTURED
    return attempt, sale


def promise(attempt: Attempt, amount: int, at: datetime) -> Refund:
    with transaction.atomic():
        payment = services.lock_payment(payment_id=attempt.payment_id)
        wish = RefundWish(account=RETURNS, amount_minor=amount)
        (refund,) = services.promise_refund(payment=payment, wish=wish, at=at)
    return refund


def pending(far: FarEnd) -> tuple[Refund, Sale, datetime]:
    """Return a refund of 4.00 GBP that the provider took on."""
    attempt, sale = taken(far)
    at = timezone.now()
    refund = promise(attempt, 400, at)
    far.refund_state = "pending"
    services.carry_out_refund(refund_id=refund.pk, at=at)
    refund.refresh_from_db()
    return refund, sale, at


def refunds_booked() -> int:
    return LedgerEntry.objects.filter(kind="refund").count()


@pytest.mark.django_db
class TestUnknownRefund:
    def test_goes_on_when_the_provider_did_not_let_us_in_for_a_while(self, far: FarEnd) -> None:
        attempt, sale = taken(far)
        at, far.fault = timezone.now(), BREAK
        refund = promise(attempt, 400, at)
        services.carry_out_refund(refund_id=refund.pk, at=at)
        far.fault, far.is_locked = "", True

        services.carry_out_refund(refund_id=refund.pk, at=at)

        refund.refresh_from_db()
        attempt.refresh_from_db()
        assert (refund.status, attempt.promised_minor) == ("unknown", 400)
        far.is_locked = False
        services.carry_out_refund(refund_id=refund.pk, at=at)
        refund.refresh_from_db()
        assert (refund.status, sale.back) == ("succeeded", 400)


@pytest.mark.django_db
class TestPendingRefund:
    def test_stays_open_and_is_not_booked(self, far: FarEnd) -> None:
        refund, _, at = pending(far)

        assert (refund.status, refund.provider_reference != "") == (RefundStatus.PENDING.value, True)
        assert refund.ask_at is not None
        assert refund.ask_at > at
        assert refunds_booked() == 0
        assert selectors.find_differences() == []

    def test_is_asked_about_and_told_once(self, far: FarEnd) -> None:
        refund, sale, at = pending(far)

        for minutes in (10, 20):
            services.sweep(now=at + timedelta(minutes=minutes))
        far.refund_state = "done"
        services.sweep(now=at + timedelta(hours=1))

        refund.refresh_from_db()
        assert (refund.status, refund.ask_at, sale.back) == (RefundStatus.SUCCEEDED.value, None, 400)
        assert refunds_booked() == 1
        assert selectors.find_differences() == []

    def test_may_fail_yet_and_is_there_to_be_given_back_again(self, far: FarEnd) -> None:
        refund, _, at = pending(far)

        far.refund_state = "failed"
        services.sweep(now=at + timedelta(minutes=10))

        refund.refresh_from_db()
        attempt = Attempt.objects.get(pk=refund.attempt_id)
        facts = OutboxEvent.objects.filter(name="payments.staff_needed")
        assert (refund.status, attempt.promised_minor) == (RefundStatus.FAILED.value, 0)
        assert [fact.payload["what"] for fact in facts] == ["refund_failed"]
        assert refunds_booked() == 0

    def test_is_not_ended_by_a_total_that_counts_it(self, far: FarEnd) -> None:
        refund, _, at = pending(far)
        attempt = selectors.get_attempt(attempt_id=refund.attempt_id)

        charge = charge_of(attempt, AttemptStatus.CAPTURED, reference=attempt.provider_reference, refunded_minor=400)
        services.record_outcome(attempt_id=attempt.pk, charge=charge, at=at)

        refund.refresh_from_db()
        assert refund.status == RefundStatus.PENDING.value
        assert refunds_booked() == 0

    @pytest.mark.parametrize("far", [StripeFar], indirect=True)
    def test_is_not_ended_by_a_total_that_comes_before_the_answer(self, far: FarEnd) -> None:
        attempt, _ = taken(far)
        at = timezone.now()
        refund = promise(attempt, 400, at)
        charge = charge_of(attempt, AttemptStatus.CAPTURED, reference=attempt.provider_reference, refunded_minor=400)

        services.record_outcome(attempt_id=attempt.pk, charge=charge, at=at)
        far.refund_state = "pending"
        services.sweep(now=at)
        far.refund_state = "failed"
        services.sweep(now=at + timedelta(minutes=10))

        refund.refresh_from_db()
        attempt.refresh_from_db()
        assert (refund.status, attempt.promised_minor, refunds_booked()) == (RefundStatus.FAILED.value, 0, 0)
        assert selectors.find_differences() == []

    def test_is_told_by_a_total_where_those_count_what_went_back_alone(self, far: FarEnd) -> None:
        attempt, _ = taken(far)
        at = timezone.now()
        refund = promise(attempt, 400, at)
        charge = charge_of(attempt, AttemptStatus.CAPTURED, reference=attempt.provider_reference, refunded_minor=400)

        services.record_outcome(attempt_id=attempt.pk, charge=charge, at=at)

        refund.refresh_from_db()
        told = RefundStatus.CREATED if far.name == "stripe" else RefundStatus.SUCCEEDED
        assert (refund.status, refund.ask_at is None) == (told.value, told is RefundStatus.SUCCEEDED)

    def test_stays_pending_while_nobody_answers(
        self, far: FarEnd, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refund, sale, at = pending(far)
        for error in (OutcomeUnknown("cut"), ProviderRefused("unauthorised")):
            monkeypatch.setattr(type(provider), "fetch_refund", Mock(side_effect=error))

            services.sweep(now=at + timedelta(hours=1))

            refund.refresh_from_db()
            assert refund.status == RefundStatus.PENDING.value
            Refund.objects.update(ask_at=at)
        assert sale.back == 400


@pytest.mark.django_db(transaction=True)
def test_a_refund_that_is_told_by_many_at_once_goes_back_once(far: FarEnd) -> None:
    attempt, sale = taken(far)
    at = timezone.now()
    refund = promise(attempt, 400, at)

    at_once(lambda _: services.carry_out_refund(refund_id=refund.pk, at=at), range(8))

    refund.refresh_from_db()
    assert (refund.status, sale.back) == (RefundStatus.SUCCEEDED.value, 400)
