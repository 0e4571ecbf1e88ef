"""What a provider says, taken in: the one transition that return, webhook and poll share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import outbox, tally
from core.sql import update_together
from core.transactions import command, step
from payments.domain import (
    AUTHORISATIONS,
    CHARGE_BACKS,
    DECLINED,
    DEPOSITS,
    FEES,
    IN_FLIGHT,
    LIVE,
    MANUAL,
    AttemptStatus,
    RefundWish,
    authorised_at,
    later,
    pause,
)
from payments.errors import ChargeMismatch
from payments.events import PaymentCaptured
from payments.models import Attempt, Payment
from payments.providers import Charge
from payments.services.alerting import alert_staff
from payments.services.declining import note_decline
from payments.services.ledger import Entry, post_entries
from payments.services.refunding import give_back, settle_by_total
from payments.services.rows import LIVE_VALUES, account_behind, lock_attempt, summarise
from payments.services.saving import keep_method

_SAID = (
    "status",
    "provider_reference",
    "next_action",
    "failure",
    "authorised_minor",
    "captured_minor",
    "disputed_minor",
    "fee_minor",
    "is_surplus",
    "unknown_since",
    "ask_at",
)


@command
def record_outcome(*, attempt_id: UUID, charge: Charge, at: datetime) -> None:
    """Take in what a provider says of an attempt. Any number of times, in any order, the same comes of it.

    Locks the payment, then the order. Posts to the ledger what is new, and announces a capture, which confirms the
    order in the same transaction.

    :raises PaymentNotFound: there is no such attempt
    :raises ChargeMismatch: it speaks of another currency, or of more than was asked for
    """
    take_charge(attempt_id=attempt_id, charge=charge, at=at)


@step
def take_charge(*, attempt_id: UUID, charge: Charge, at: datetime) -> None:
    """Do what ``record_outcome`` does, in the caller's transaction."""
    payment, attempt = lock_attempt(attempt_id=attempt_id)
    _check(payment, attempt, charge)
    before, is_due = _Known.of(attempt), attempt.ask_at is not None
    _join(payment, attempt, charge, at)
    if _Known.of(attempt) != before:
        if attempt.captured_minor > before.captured_minor and not attempt.is_surplus:
            payment.captured_minor += attempt.captured_minor - before.captured_minor
        summarise(payment, _newest(payment, attempt))
        update_together((attempt, _SAID), (payment, ("captured_minor", "status")))
        post_entries(entries=_entries(payment, attempt, before), at=at)
        _follow(payment, attempt, before, at)
    elif before.state in LIVE:
        # It was asked about just now, and need not be asked again at once.
        Attempt.objects.filter(pk=attempt.pk).update(updated_at=at)
    elif is_due and before.state is not AttemptStatus.CAPTURED:
        # It is over, and was asked about once more.
        Attempt.objects.filter(pk=attempt.pk).update(ask_at=None, updated_at=at)
    if attempt.is_saving:
        keep_method(attempt=attempt, saved=charge.saved, at=at)
    if charge.refunded_minor:
        settle_by_total(attempt=attempt, total_minor=charge.refunded_minor, at=at)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was known of an attempt."""

    state: AttemptStatus
    reference: str
    action: dict[str, str] | None
    authorised_minor: int
    captured_minor: int
    disputed_minor: int
    fee_minor: int

    @classmethod
    def of(cls, attempt: Attempt) -> _Known:
        return cls(
            attempt.state,
            attempt.provider_reference,
            attempt.next_action,
            attempt.authorised_minor,
            attempt.captured_minor,
            attempt.disputed_minor,
            attempt.fee_minor,
        )


def _check(payment: Payment, attempt: Attempt, charge: Charge) -> None:
    moved = (charge.captured_minor, charge.refunded_minor, charge.disputed_minor)
    if any(moved) and charge.currency != payment.currency:
        raise ChargeMismatch(f"{attempt.pk}: {charge.currency} instead of {payment.currency}")
    if charge.captured_minor > attempt.amount_minor:
        raise ChargeMismatch(f"{attempt.pk}: {charge.captured_minor} of {attempt.amount_minor} captured")


def _join(payment: Payment, attempt: Attempt, charge: Charge, at: datetime) -> None:
    """Let the attempt know all that it knew and all that was said."""
    state = later(attempt.state, charge.status)
    attempt.provider_reference = attempt.provider_reference or charge.reference
    attempt.next_action = charge.next_action if state is AttemptStatus.REQUIRES_ACTION else None
    attempt.failure = charge.failure if state is AttemptStatus.FAILED and charge.failure else attempt.failure
    if attempt.captured_minor == 0 and charge.captured_minor:
        attempt.is_surplus = payment.captured_minor + charge.captured_minor > payment.amount_minor
    attempt.captured_minor = max(attempt.captured_minor, charge.captured_minor)
    attempt.disputed_minor = max(attempt.disputed_minor, charge.disputed_minor)
    attempt.fee_minor = max(attempt.fee_minor, charge.fee_minor)
    attempt.authorised_minor = attempt.amount_minor if state is AttemptStatus.AUTHORISED else 0
    if state is AttemptStatus.UNKNOWN:
        attempt.unknown_since = attempt.unknown_since or at
    else:
        attempt.unknown_since = None
    if state not in LIVE or attempt.provider == MANUAL:
        attempt.ask_at = None
    elif state is not attempt.state:
        attempt.ask_at = at + pause(age=at - attempt.created_at, is_in_flight=state in IN_FLIGHT)
    attempt.status = state.value


def _newest(payment: Payment, attempt: Attempt) -> Attempt | None:
    """Return the attempt that tells how a payment stands: this one if all is captured; else ask. As it is by now."""
    if 0 < payment.amount_minor <= payment.captured_minor:
        return attempt
    newest: Attempt | None = Attempt.objects.filter(payment=payment).order_by("-pk").first()
    return attempt if newest is not None and newest.pk == attempt.pk else newest


def _entries(payment: Payment, attempt: Attempt, before: _Known) -> list[Entry]:
    """Return what is new for the ledger. Each entry carries the total that it reaches, and so happens once."""
    held, memo = account_behind(attempt), authorised_at(attempt.provider)
    captured = attempt.captured_minor - before.captured_minor
    disputed = attempt.disputed_minor - before.disputed_minor
    fee = attempt.fee_minor - before.fee_minor
    authorised = attempt.authorised_minor - before.authorised_minor
    release = "capture_of_authorisation" if attempt.captured_minor else "void"
    found = [
        ("authorise" if authorised > 0 else release, 0, {memo: authorised, AUTHORISATIONS: -authorised}),
        ("capture", attempt.captured_minor, {held: captured, DEPOSITS: -captured}),
        ("charge_back", attempt.disputed_minor, {CHARGE_BACKS: disputed, held: -disputed}),
        ("fee", attempt.fee_minor, {FEES: fee, held: -fee}),
    ]
    return [
        Entry(kind=kind, reference=f"{attempt.pk}:{total}", currency=payment.currency, amounts=amounts)
        for kind, total, amounts in found
    ]


def _follow(payment: Payment, attempt: Attempt, before: _Known, at: datetime) -> None:
    """Announce what is new, and send back what was taken twice."""
    state = attempt.state
    if state is not before.state:
        tally.count_once_committed("payment_attempts", attempt.provider, state.value)
    if state is AttemptStatus.FAILED and before.state is not state and attempt.failure == DECLINED:
        note_decline(triers=attempt.triers, at=at)
    if attempt.disputed_minor > before.disputed_minor:
        difference = attempt.disputed_minor - before.disputed_minor
        alert_staff(payment=payment, what="charged_back", amount_minor=difference, at=at)
    if attempt.is_surplus and attempt.captured_minor > before.captured_minor:
        give_back(attempts=[attempt], wish=RefundWish(account=DEPOSITS, reason="Paid twice."), at=at)
        alert_staff(payment=payment, what="second_charge_returned", amount_minor=attempt.captured_minor, at=at)
    elif _is_part(payment, attempt, before) and payment.closed_at is not None:
        take_out(payment=payment, attempts=[attempt], reason="It came after the order was cancelled.", at=at)
        alert_staff(payment=payment, what="late_charge_returned", amount_minor=attempt.captured_minor, at=at)
    elif _is_part(payment, attempt, before) and attempt.balance_id is None:
        alert_staff(payment=payment, what="part_captured", amount_minor=payment.captured_minor, at=at)
    elif _completes(payment, attempt, before):
        _announce(payment, attempt, at, was_live=before.state in LIVE)


def _is_part(payment: Payment, attempt: Attempt, before: _Known) -> bool:
    return attempt.captured_minor > before.captured_minor and payment.captured_minor < payment.amount_minor


@step
def take_out(*, payment: Payment, attempts: Sequence[Attempt], reason: str, at: datetime) -> None:
    """Count captured attempts of a locked payment no more, and send them back by themselves.

    Of one that gave something back already, only the rest goes back.
    """
    for attempt in attempts:
        if attempt.captured_minor and not attempt.promised_minor and not attempt.is_surplus:
            attempt.is_surplus = True
            attempt.save(update_fields=["is_surplus", "updated_at"])
            payment.captured_minor -= attempt.captured_minor
    summarise(payment, _newest(payment, attempts[-1]))
    payment.save(update_fields=["captured_minor", "status", "updated_at"])
    give_back(attempts=attempts, wish=RefundWish(account=DEPOSITS, reason=reason), at=at)


def _completes(payment: Payment, attempt: Attempt, before: _Known) -> bool:
    """Tell whether this is the news by which the whole amount is captured."""
    is_news = before.state is not attempt.state or attempt.captured_minor > before.captured_minor
    is_whole = payment.captured_minor == payment.amount_minor
    return is_news and is_whole and attempt.state is AttemptStatus.CAPTURED and not attempt.is_surplus


def _announce(payment: Payment, attempt: Attempt, at: datetime, *, was_live: bool) -> None:
    """Tell of the capture. No other attempt is wanted any more."""
    if not was_live:
        Attempt.objects.filter(payment=payment, status__in=LIVE_VALUES).update(unwanted_at=at, ask_at=at)
    announce_capture(payment=payment, attempt=attempt, at=at)


@step
def announce_capture(*, payment: Payment, attempt: Attempt, at: datetime) -> None:
    """Tell that a locked payment's whole amount is captured, which confirms the order.

    :param attempt: the one that completed it
    """
    captured = PaymentCaptured(
        payment_id=payment.pk,
        order_id=payment.order_id,
        attempt_id=attempt.pk,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )
    outbox.publish(captured, at=at)


@step
def settle_late(*, attempt_id: UUID, is_kept: bool, at: datetime) -> None:
    """Tell staff of a charge that came when its order waited for none any more, and send it back unless it is kept."""
    payment, attempt = lock_attempt(attempt_id=attempt_id)
    if is_kept:
        Payment.objects.filter(pk=payment.pk).update(closed_at=None)
    else:
        took = Attempt.objects.filter(payment=payment, status=AttemptStatus.CAPTURED.value).order_by("-pk")
        wish = RefundWish(account=DEPOSITS, reason="It came after the order was cancelled.")
        give_back(attempts=list(took), wish=wish, at=at)
    what = "late_charge_kept" if is_kept else "late_charge_returned"
    alert_staff(payment=payment, what=what, amount_minor=attempt.captured_minor, at=at)
