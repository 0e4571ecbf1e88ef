from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from core.tests.threads import at_once
from payments import selectors, services
from payments.domain import CASH, FEES, RETURNS, AttemptStatus, RefundWish
from payments.errors import ProviderUnknown, SettlementUnreadable
from payments.models import Attempt, LedgerEntry, Posting, Refund, Settlement, SettlementLine
from payments.providers import GivenBack
from payments.services.refund_outcomes import record_refund
from payments.tests.factories import NOON, charge_of, make_attempt, make_payment
from payments.tests.files import STRIPE, stripe_row, table, take


def make_charge(amount_minor: int = 2500, *, at: Any = NOON, **said: Any) -> Attempt:
    """Return what a card paid at Stripe."""
    attempt = make_attempt(make_payment(amount_minor=amount_minor), provider="stripe")
    charge = charge_of(attempt, AttemptStatus.CAPTURED, reference=f"pi_{attempt.pk.hex}", **said)
    services.record_outcome(attempt_id=attempt.pk, charge=charge, at=at)
    attempt.refresh_from_db()
    return attempt


def make_refund(attempt: Attempt, amount_minor: int = 500, reference: str = "re_1", *, at: Any = NOON) -> Refund:
    """Return what went back of it."""
    with transaction.atomic():
        payment = services.lock_payment(payment_id=attempt.payment_id)
        wish = RefundWish(account=RETURNS, amount_minor=amount_minor)
        [refund] = services.promise_refund(payment=payment, wish=wish, at=at)
    record_refund(refund_id=refund.pk, said=GivenBack(reference=reference, is_done=True), at=at)
    refund.refresh_from_db()
    return refund


def charged(attempt: Attempt, gross: str = "25.00", **cells: str) -> dict[str, str]:
    return stripe_row("charge", gross, payment_intent_id=attempt.provider_reference, **cells)


def given_back(refund: Refund, gross: str = "-5.00", **cells: str) -> dict[str, str]:
    return stripe_row("refund", gross, source_id=refund.provider_reference, **cells)


def verdicts(settlement: Settlement) -> list[tuple[str, str, int | None]]:
    return list(settlement.lines.order_by("position").values_list("kind", "verdict", "booked_minor"))


def left_at(account: str) -> int:
    return selectors.balance(account=account, currency="GBP")


@pytest.fixture(autouse=True)
def _books_agree(db: None, settings: Settings) -> Any:
    # Orders are of another app: nobody waits for a capture here.
    settings.EVENT_INLINE_SUBSCRIPTIONS = {}
    names = ("stripe", "Stripe"), ("paypal", "PayPal"), ("flutterwave", "Flutterwave")
    settings.PAYMENT_PROVIDERS |= {name: f"payments.providers.{name}.{kind}" for name, kind in names}
    yield
    assert selectors.find_differences() == []


class TestImportSettlement:
    def test_matches_charges_and_refunds_by_the_providers_names(self) -> None:
        attempt = make_charge()
        refund = make_refund(attempt)

        settlement = take(table(STRIPE, [charged(attempt), given_back(refund)]))

        assert verdicts(settlement) == [("charge", "matched", 2500), ("refund", "matched", -500)]
        assert [line.attempt_id for line in settlement.lines.all()] == [attempt.pk, attempt.pk]

    def test_tells_what_differs_and_what_is_unknown(self) -> None:
        attempt = make_charge()
        stranger = stripe_row("charge", "9.00", payment_intent_id="pi_x")
        euros = charged(make_charge(), currency="eur")

        settlement = take(table(STRIPE, [charged(attempt, "24.99"), stranger, euros]))

        assert verdicts(settlement) == [
            ("charge", "amount_differs", 2500),
            ("charge", "unknown", None),
            ("charge", "amount_differs", None),
        ]

    def test_does_not_take_a_promise_for_a_refund(self) -> None:
        attempt = make_charge()
        refund = make_refund(attempt)
        Refund.objects.filter(pk=refund.pk).update(status="unknown")

        settlement = take(table(STRIPE, [charged(attempt), given_back(refund)]))
        Refund.objects.filter(pk=refund.pk).update(status="succeeded")

        assert verdicts(settlement)[1] == ("refund", "amount_differs", 0)

    def test_finds_a_refund_whose_name_was_never_learned_by_its_charge_and_amount(self) -> None:
        attempt = make_charge()
        for _ in range(2):
            make_refund(attempt, reference="")
        rows = [
            stripe_row("refund", "-5.00", source_id=f"re_{number}", payment_intent_id=attempt.provider_reference)
            for number in range(3)
        ]

        settlement = take(table(STRIPE, [charged(attempt), *rows]))

        assert [verdict for _, verdict, _ in verdicts(settlement)] == ["matched", "matched", "matched", "unknown"]

    def test_compares_a_charge_back_with_what_is_disputed(self) -> None:
        attempt = make_charge(disputed_minor=2500)
        row = stripe_row("dispute", "-25.00", fee="15.00", payment_intent_id=attempt.provider_reference)

        settlement = take(table(STRIPE, [charged(attempt), row | {"balance_transaction_id": "txn_9"}]))

        assert verdicts(settlement)[1] == ("charge_back", "matched", -2500)
        assert left_at(FEES) == 1500

    def test_lists_what_our_books_have_in_the_files_time_and_the_file_lacks(self) -> None:
        known, lost = make_charge(), make_charge(1200, at=NOON + timedelta(hours=1))
        refund = make_refund(known, at=NOON + timedelta(hours=1))
        make_charge(700, at=NOON + timedelta(days=1))
        last = stripe_row("payout", "-1.00", balance_transaction_id="txn_2", created_utc="2026-06-01 18:00:00")

        settlement = take(table(STRIPE, [charged(known), last]))

        assert sorted(verdicts(settlement)[2:], key=str) == [
            ("charge", "missing", 1200),
            ("refund", "missing", -500),
        ]
        missing = settlement.lines.filter(verdict="missing")
        assert {line.attempt_id for line in missing} == {lost.pk, known.pk}
        assert {line.refund_id for line in missing} == {None, refund.pk}

    def test_notes_when_a_later_file_brings_what_was_missing(self) -> None:
        first, second = make_charge(), make_charge()
        refund = make_refund(first)
        lacking = take(table(STRIPE, [charged(first)]))

        take(table(STRIPE, [charged(second), given_back(refund)]))

        assert [verdict for _, verdict, _ in verdicts(lacking)] == ["matched", "settled_later", "settled_later"]

    def test_takes_the_same_file_once(self) -> None:
        content = table(STRIPE, [charged(make_charge(), fee="0.70")])

        assert take(content).pk == take(content, name="again.csv").pk
        assert SettlementLine.objects.count() == 1
        assert left_at(FEES) == 70

    def test_books_nothing_twice_when_files_overlap(self) -> None:
        attempt, other = make_charge(), make_charge()
        both = [
            charged(attempt, fee="0.70"),
            stripe_row("fee", "-2.00", balance_transaction_id="txn_fee"),
            stripe_row("payout", "-20.00", balance_transaction_id="txn_payout"),
        ]
        take(table(STRIPE, both))

        later = take(table(STRIPE, [*both, charged(other, fee="0.30")]))

        assert [verdict for _, verdict, _ in verdicts(later)] == ["repeated"] * 3 + ["matched"]
        assert (left_at(FEES), left_at(CASH)) == (300, 2000)
        assert left_at("provider:stripe") == 5000 - 300 - 2000

    def test_reads_a_line_once_that_is_in_the_file_twice(self) -> None:
        fee = stripe_row("fee", "-2.00", balance_transaction_id="txn_fee")

        settlement = take(table(STRIPE, [fee, fee]))

        assert [verdict for _, verdict, _ in verdicts(settlement)] == ["not_compared", "repeated"]
        assert left_at(FEES) == 200

    def test_books_of_a_fee_only_what_the_provider_did_not_tell_before(self) -> None:
        attempt = make_charge(fee_minor=50)

        take(table(STRIPE, [charged(attempt, fee="0.70")]))

        assert left_at(FEES) == 70
        services.record_outcome(
            attempt_id=attempt.pk,
            charge=charge_of(attempt, AttemptStatus.CAPTURED, reference=attempt.provider_reference, fee_minor=70),
            at=NOON,
        )

        attempt.refresh_from_db()
        assert (attempt.fee_minor, left_at(FEES)) == (70, 70)
        assert LedgerEntry.objects.filter(kind="fee").count() == 2

    def test_books_no_fee_of_what_is_not_ours(self) -> None:
        take(table(STRIPE, [stripe_row("charge", "9.00", fee="0.70", payment_intent_id="pi_x")]))

        assert left_at(FEES) == 0

    def test_books_a_payout_that_came_back_the_other_way(self) -> None:
        rows = [
            stripe_row("payout", "-20.00", balance_transaction_id="txn_1"),
            stripe_row("payout_reversal", "20.00", balance_transaction_id="txn_2"),
        ]

        take(table(STRIPE, rows))

        assert left_at(CASH) == 0
        assert not Posting.objects.exists()

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "heads"),
            (b"\xff\xfe" + "type;id".encode("utf-16-le"), "UTF-8"),
            ("é".encode("latin-1") + b",x\n", "UTF-8"),
            (b"a,b,c\n1,2,3\n", "heads"),
            (table(STRIPE, []), "no lines"),
            (table(STRIPE, [stripe_row("charge", "12.345")]), "no amount"),
            (table(STRIPE, [stripe_row("charge", "1e9")]), "no amount"),
            (table(STRIPE, [stripe_row("charge", "99999999999999")]), "no amount"),
            (table(STRIPE, [stripe_row("charge", "=1+1")]), "no amount"),
            (table(STRIPE, [stripe_row("charge", "1.00", currency="pence")]), "no currency"),
            (table(STRIPE, [stripe_row("charge", "1.00", payment_intent_id="p" * 201)]), "too long"),
            (table(STRIPE, [stripe_row("charge", "1.00", payment_intent_id="p\0")]), "no text"),
            (table(STRIPE, [stripe_row("charge", "1.00", description="x" * 200_000)]), "field larger"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_refuses_what_it_cannot_read_and_keeps_nothing(self, content: bytes, reason: str) -> None:
        with pytest.raises(SettlementUnreadable) as refusal:
            take(content)

        assert reason in refusal.value.facts["reason"]
        assert not Settlement.objects.exists()

    def test_refuses_a_provider_of_which_it_reads_no_files(self) -> None:
        with pytest.raises(ProviderUnknown):
            take(b"x", provider="manual")

    def test_takes_as_many_statements_for_many_lines_as_for_few(self) -> None:
        few, many = (
            _statements(table(STRIPE, [charged(make_charge(), fee="0.10") for _ in range(count)])) for count in (2, 12)
        )

        assert few == many

    def test_locks_the_payments_whose_fees_are_news_in_order_and_first(self) -> None:
        content = table(STRIPE, [charged(make_charge(), fee="0.10") for _ in range(2)])

        with CaptureQueriesContext(connection) as captured:
            take(content)

        statements = [query["sql"] for query in captured]
        lock = next(at for at, sql in enumerate(statements) if "FOR UPDATE" in sql and "payments_payment" in sql)
        write = next(at for at, sql in enumerate(statements) if sql.startswith('UPDATE "payments_attempt"'))
        assert 'ORDER BY "payments_payment"."id" ASC' in statements[lock]
        assert lock < write

    def test_is_backed_by_a_constraint(self) -> None:
        row = stripe_row("fee", "-2.00", balance_transaction_id="txn_fee")
        line = take(table(STRIPE, [row])).lines.get()

        with pytest.raises(IntegrityError), transaction.atomic():
            SettlementLine.objects.create(
                **{
                    name: getattr(line, name)
                    for name in ("settlement", "provider", "kind", "reference", "currency", "verdict")
                },
                position=2,
            )


def _statements(content: bytes) -> int:
    with CaptureQueriesContext(connection) as captured:
        take(content)
    return len(captured)


@pytest.mark.django_db(transaction=True)
def test_overlapping_files_at_once_book_each_line_once() -> None:
    attempts = [make_charge() for _ in range(6)]
    rows = [charged(attempt, fee="0.70") for attempt in attempts]
    rows += [stripe_row("payout", "-20.00", balance_transaction_id=f"txn_{number}") for number in range(6)]
    files = [table(STRIPE, rows[turn:] + rows[:turn]) for turn in range(6)]

    at_once(take, files)

    assert Settlement.objects.count() == 6
    assert SettlementLine.objects.exclude(verdict="repeated").count() == 12
    assert (left_at(FEES), left_at(CASH)) == (420, 12_000)
