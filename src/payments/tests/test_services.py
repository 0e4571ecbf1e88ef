from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from core.models import OutboxEvent
from core.sweeping import go_by_index
from core.tests.plans import STATISTICS, fill, pile_up, visits
from core.tests.threads import at_once
from payments import selectors, services
from payments.domain import CASH, DEPOSITS, RETURNS, SALES, AttemptStatus, RefundWish
from payments.errors import (
    ChargeMismatch,
    DoesNotBalance,
    PaymentInProgress,
    PaymentNotFound,
    TooManyDeclines,
)
from payments.models import Attempt, Decline, LedgerEntry, Payment, Posting, Refund, SavedMethod
from payments.providers import GivenBack
from payments.services import sweeping
from payments.services.declining import digest_of, note_decline
from payments.services.refund_outcomes import record_refund
from payments.services.sweeping import _claim
from payments.tests.factories import NOON, charge_of, make_attempt, make_captured, make_payment

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
class TestPostEntries:
    def test_writes_any_number_in_one_statement(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        entries = [
            services.Entry(kind="test", reference=str(n), currency="GBP", amounts={CASH: 5, SALES: -5})
            for n in range(9)
        ]

        with django_assert_num_queries(3), STEP():
            services.post_entries(entries=entries, at=NOON)

        assert selectors.balance(account=CASH, currency="GBP") == 45

    def test_writes_nothing_of_zeros_and_refuses_what_does_not_balance(self) -> None:
        with STEP():
            services.post_entry(kind="test", reference="1", currency="GBP", amounts={CASH: 0}, at=NOON)
        with pytest.raises(DoesNotBalance), STEP():
            services.post_entry(kind="test", reference="1", currency="GBP", amounts={CASH: 1}, at=NOON)

        assert not LedgerEntry.objects.exists()

    def test_the_database_refuses_what_does_not_balance(self) -> None:
        with STEP():
            services.post_entry(kind="test", reference="1", currency="GBP", amounts={CASH: 5, SALES: -5}, at=NOON)
        entry = LedgerEntry.objects.get()

        with pytest.raises(IntegrityError, match="does not balance"), STEP():
            Posting.objects.create(entry=entry, account=CASH, currency="GBP", amount_minor=1)
        with pytest.raises(IntegrityError, match="does not balance"), STEP():
            Posting.objects.bulk_create(
                [
                    Posting(entry=entry, account=CASH, currency="GBP", amount_minor=1),
                    Posting(entry=entry, account=SALES, currency="EUR", amount_minor=-1),
                ]
            )

        assert Posting.objects.count() == 2


@pytest.mark.django_db
class TestHoldPayment:
    def test_makes_one_and_believes_no_other_amount_of_an_order_that_is_not_locked(self) -> None:
        payment = make_payment(amount_minor=100)

        with STEP():
            again = services.hold_payment(order_id=payment.order_id, amount_minor=200, currency="GBP")

        assert (again.pk, again.amount_minor) == (payment.pk, 100)


@pytest.mark.django_db
class TestBeginAttempt:
    def test_refuses_a_second_while_one_is_in_flight(self) -> None:
        attempt = make_attempt()

        with pytest.raises(PaymentInProgress):
            make_attempt(attempt.payment)

        assert Attempt.objects.count() == 1

    def test_shows_the_payment_as_pending_again_after_a_failure(self) -> None:
        failed = record(make_attempt(), AttemptStatus.FAILED)
        assert Payment.objects.get().status == "failed"

        make_attempt(failed.payment)

        assert Payment.objects.get().status == "pending"

    def test_the_database_refuses_two_live_ones(self) -> None:
        attempt = make_attempt()

        with pytest.raises(IntegrityError), STEP():
            Attempt.objects.create(payment=attempt.payment, provider="x", idempotency_key="y", amount_minor=1)


@pytest.mark.django_db
class TestRecordOutcome:
    def test_announces_a_capture_once(self) -> None:
        attempt = make_attempt()

        for _ in range(3):
            record(attempt, AttemptStatus.CAPTURED)

        assert Payment.objects.get().captured_minor == 2500
        assert LedgerEntry.objects.filter(kind="capture").count() == 1
        assert selectors.find_differences() == []

    def test_remembers_an_authorisation_until_it_is_captured_or_given_up(self) -> None:
        kept, given_up = make_attempt(), make_attempt()
        for attempt in (kept, given_up):
            record(attempt, AttemptStatus.AUTHORISED)
        held = selectors.balance(account="authorised:sandbox", currency="GBP")

        record(kept, AttemptStatus.CAPTURED)
        record(given_up, AttemptStatus.CANCELLED)

        assert held == 5000
        assert selectors.balance(account="authorised:sandbox", currency="GBP") == 0
        kinds = set(LedgerEntry.objects.values_list("kind", flat=True))
        assert kinds == {"authorise", "capture_of_authorisation", "void", "capture"}

    def test_books_fees_and_charge_backs_as_they_grow(self) -> None:
        attempt = record(make_attempt(), AttemptStatus.CAPTURED, fee_minor=30)

        record(attempt, AttemptStatus.CAPTURED, fee_minor=50, disputed_minor=2500)

        assert selectors.balance(account="fees", currency="GBP") == 50
        assert selectors.balance(account="charge_backs", currency="GBP") == 2500
        assert selectors.balance(account="provider:sandbox", currency="GBP") == -50

    @pytest.mark.parametrize("wrong", [{"currency": "JPY"}, {"captured_minor": 2501}])
    def test_refuses_another_currency_or_more_than_was_asked_for(self, wrong: dict[str, Any]) -> None:
        attempt = make_attempt()

        with pytest.raises(ChargeMismatch):
            record(attempt, AttemptStatus.CAPTURED, **wrong)

        assert Attempt.objects.get().status == "created"
        assert not LedgerEntry.objects.exists()

    def test_does_not_take_a_part_for_the_whole(self) -> None:
        record(make_attempt(), AttemptStatus.CAPTURED, captured_minor=2499)

        payment, facts = Payment.objects.get(), OutboxEvent.objects.values_list("name", "payload__what")
        assert (payment.captured_minor, payment.status) == (2499, "pending")
        assert list(facts) == [("payments.staff_needed", "part_captured")]
        assert selectors.find_differences() == []

    def test_sends_back_what_is_taken_after_it_was_given_up_and_paid_otherwise(self) -> None:
        first = record(make_attempt(), AttemptStatus.FAILED, failure="never_arrived")
        record(make_attempt(first.payment), AttemptStatus.CAPTURED)

        record(first, AttemptStatus.CAPTURED)

        payment, refund = Payment.objects.get(), Refund.objects.get()
        assert (payment.captured_minor, payment.status) == (2500, "captured")
        assert first.is_surplus
        assert (refund.attempt_id, refund.amount_minor, refund.account) == (first.pk, 2500, DEPOSITS)
        record_refund(refund_id=refund.pk, said=GivenBack(reference="re_1", is_done=True), at=NOON)
        assert Payment.objects.get().refunded_minor == 0
        assert selectors.find_differences() == []

    def test_finds_no_attempt_of_an_unknown_id(self) -> None:
        attempt = make_attempt()

        with pytest.raises(PaymentNotFound):
            services.record_outcome(
                attempt_id=attempt.payment_id, charge=charge_of(attempt, AttemptStatus.CAPTURED), at=NOON
            )


@pytest.mark.django_db
class TestCheckTries:
    def test_counts_each_subject_by_itself(self) -> None:
        with STEP():
            for _ in range(5):
                note_decline(triers=[digest_of("order", "1")], at=NOON)

        with STEP():
            services.check_tries(subjects=[("order", "2"), ("address", "1")], at=NOON)
        with pytest.raises(TooManyDeclines), STEP():
            services.check_tries(subjects=[("order", "1")], at=NOON)

    def test_counts_nothing_where_limits_are_off(self, settings: Settings) -> None:
        settings.THROTTLES = False
        with STEP():
            for _ in range(50):
                note_decline(triers=[digest_of("order", "1")], at=NOON)
            assert len(services.check_tries(subjects=[("order", "1")], at=NOON)) == 1

    def test_forgets_in_time(self) -> None:
        with STEP():
            note_decline(triers=["a"], at=NOON)

        assert services.forget_declines(now=NOON + timedelta(days=1)) == 0
        assert services.forget_declines(now=NOON + timedelta(days=3)) == 1
        assert not Decline.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestSweep:
    def test_takes_each_once_when_two_sweep_at_once(self) -> None:
        attempts = [make_attempt() for _ in range(6)]
        now = NOON + timedelta(minutes=2)

        taken = at_once(lambda _: _claim(due_by=now, now=now)[0], range(4))

        assert sorted(pk for part in taken for pk in part) == sorted(attempt.pk for attempt in attempts)

    def test_does_by_hand_what_a_crash_left_undone(self) -> None:
        attempt = make_attempt(provider="manual")

        services.sweep(now=NOON + timedelta(minutes=2))

        attempt.refresh_from_db()
        assert (attempt.status, attempt.ask_at) == ("pending", None)

    def test_leaves_what_is_settled_and_what_is_by_hand(self) -> None:
        record(make_attempt(), AttemptStatus.FAILED)
        make_captured()
        record(make_attempt(provider="manual"), AttemptStatus.PENDING)

        assert services.sweep(now=NOON + timedelta(days=1)) == 0


@pytest.mark.django_db
class TestSweepOfMany:
    def test_leaves_nothing_that_is_due_and_waits_for_none_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        attempts = [make_attempt() for _ in range(12)]
        asked: list[Any] = []

        def stumble(*, attempt_id: Any, at: Any) -> None:
            asked.append(attempt_id)
            raise RuntimeError("nobody can take that in")

        monkeypatch.setattr(sweeping, "ask", stumble)

        assert services.sweep(now=NOON + timedelta(minutes=2)) == 12

        assert sorted(asked) == sorted(attempt.pk for attempt in attempts)

    def test_leaves_the_rest_for_the_next_time_when_it_takes_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(12):
            make_attempt()
        monkeypatch.setattr(sweeping, "_SECONDS", 1e-9)

        assert services.sweep(now=NOON + timedelta(minutes=2)) == 5

    @pytest.mark.parametrize("model", [Attempt, Refund, SavedMethod])
    @pytest.mark.parametrize("statistics", STATISTICS)
    def test_looks_at_those_that_it_takes_alone(self, statistics: str, model: Any) -> None:
        usual = {
            Attempt: {"provider": "'sandbox'", "idempotency_key": "n::text", "request_key": "''"},
            Refund: {"idempotency_key": "n::text", "request_key": "''", "amount_minor": "1"},
            SavedMethod: {"token_digest": "n::text"},
        }[model]
        due = {"ask_at": "timestamptz '2026-03-01 11:00Z'"}
        if model is SavedMethod:
            due["removed_at"] = due["ask_at"]
        pile_up(model, statistics=statistics, done=usual, due=usual | due)
        fill(model, 1, usual | {name: f"{value} - interval '1 h'" for name, value in due.items()}, first=10)

        with STEP():
            go_by_index()
            with visits() as seen:
                taken = list(sweeping._due(model.objects, NOON))

        assert [row.pk.int for row in taken] == [10, *range(100_000, 100_004)]
        assert [each.rows for each in seen] == [5]


@pytest.mark.django_db(transaction=True)
class TestLocks:
    def test_two_that_begin_at_once_write_one_attempt(self) -> None:
        payment = make_payment()

        def begin(_: int) -> str:
            try:
                make_attempt(payment)
            except PaymentInProgress:
                return "refused"
            return "begun"

        assert sorted(at_once(begin, range(6))) == ["begun"] + ["refused"] * 5

    def test_the_first_of_an_order_makes_its_payment_once(self) -> None:
        order_id = make_payment().order_id
        Payment.objects.all().delete()

        def hold(_: int) -> Any:
            with STEP():
                return services.hold_payment(order_id=order_id, amount_minor=5, currency="GBP").pk

        assert len(set(at_once(hold, range(6)))) == 1

    def test_one_charge_told_six_times_at_once_is_booked_once(self) -> None:
        attempt = make_attempt()

        at_once(lambda _: record(Attempt.objects.select_related("payment").get(), AttemptStatus.CAPTURED), range(6))

        assert Payment.objects.get().captured_minor == 2500
        assert LedgerEntry.objects.filter(kind="capture").count() == 1
        assert attempt.status == "created"
