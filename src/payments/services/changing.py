"""What changes a payment from our side: money seen by staff, an order that costs something else or is cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from core import courier
from core.transactions import step
from payments.domain import (
    CHARGE_BACKS,
    MANUAL,
    OPEN_REFUNDS,
    REFUNDS_DUE,
    RETURNS,
    AttemptStatus,
    RefundStatus,
    RefundWish,
    Wish,
)
from payments.errors import PaymentInProgress
from payments.models import Attempt, Balance, Payment, Refund
from payments.providers import Charge, find_provider
from payments.services.balances import spend_balance
from payments.services.beginning import capture_own, write_attempt
from payments.services.ledger import post_entry
from payments.services.outcomes import announce_capture, take_charge, take_out
from payments.services.refunding import give_back
from payments.services.rows import find_live, summarise

SWEEP = "payments.tasks.sweep"
_CANCELLED = "The order was cancelled."


@step
def settle_by_hand(*, payment: Payment, at: datetime) -> None:
    """Note that staff saw the money: all that is left to pay, as a payment by hand.

    An attempt at another provider that still lives is called off; what it takes after all goes back by itself.

    :param payment: locked by this transaction
    """
    live = find_live(payment)
    if live is not None and live.provider != MANUAL:
        _make_unwanted(live, at)
        live = None
    attempt = live or _written_off(payment, at)
    took = find_provider(MANUAL).capture(
        reference=attempt.provider_reference or attempt.idempotency_key,
        amount_minor=attempt.amount_minor,
        currency=payment.currency,
        key=attempt.idempotency_key,
    )
    take_charge(attempt_id=attempt.pk, charge=took, at=at)


def _written_off(payment: Payment, at: datetime) -> Attempt:
    """Write an attempt by hand beside a live one: it never lived itself."""
    return write_attempt(
        payment=payment, wish=Wish(provider=MANUAL), at=at, status=AttemptStatus.CANCELLED.value, ask_at=None
    )


@step
def change_amount(*, payment: Payment, amount_minor: int, at: datetime) -> None:
    """Let a locked payment follow its order, whose total was changed while it is not paid.

    Of what was captured already, the newest goes back as far as it is too much; a gift card or store credit pays its
    part anew. What completes the amount confirms the order, whose new total is therefore written before.

    :raises PaymentInProgress: an attempt lives; it is called off first (409)
    """
    if find_live(payment) is not None:
        raise PaymentInProgress
    taken = _taken(payment)
    undone: list[Attempt] = []
    while payment.captured_minor - sum(attempt.captured_minor for attempt in undone) > amount_minor:
        undone.append(taken.pop(0))
    if undone:
        take_out(payment=payment, attempts=undone, reason="The order was changed.", at=at)
    payment.refresh_from_db()
    payment.amount_minor = amount_minor
    summarise(payment, Attempt.objects.filter(payment=payment).order_by("-pk").first())
    payment.save(update_fields=["amount_minor", "status", "updated_at"])
    again = next((attempt for attempt in reversed(undone) if attempt.balance_id is not None), None)
    if again is not None and payment.captured_minor < amount_minor:
        _spend_again(payment, again, at)
    elif 0 < amount_minor == payment.captured_minor:
        announce_capture(payment=payment, attempt=taken[0], at=at)


def _taken(payment: Payment) -> list[Attempt]:
    """Return what counts towards a payment, newest first."""
    rows = Attempt.objects.filter(payment=payment, status=AttemptStatus.CAPTURED.value, is_surplus=False)
    return list(rows.order_by("-pk"))


def _spend_again(payment: Payment, undone: Attempt, at: datetime) -> None:
    """Take what is still to pay from the balance that it was just given back to, expired or not."""
    balance: Balance = Balance.objects.filter(attempts=undone.pk).locked().get()
    amount = min(undone.captured_minor, balance.left_minor, payment.to_pay_minor)
    spend_balance(balance=balance, amount_minor=amount)
    wish = Wish(provider=undone.provider)
    attempt = write_attempt(payment=payment, wish=wish, at=at, balance=balance, amount_minor=amount)
    capture_own(attempt=attempt, currency=payment.currency, at=at)


@step
def abandon(*, payment: Payment, was_sold: bool, at: datetime) -> None:
    """Note that a locked payment's order was cancelled: nothing more is wanted, and all that was captured goes back.

    A live attempt is called off at its provider soon; what it takes after all goes back too. What came by hand goes
    back by hand: staff are asked to. The same twice changes nothing.

    :param was_sold: the order was paid, so that its sale was booked and then taken back
    """
    if payment.closed_at is not None:
        return
    payment.closed_at = at
    payment.save(update_fields=["closed_at", "updated_at"])
    _stop(payment, at)
    taken = _taken(payment)
    if was_sold:
        _owe_what_is_left(payment, taken, at)
        give_back(attempts=taken, wish=RefundWish(account=REFUNDS_DUE, reason=_CANCELLED), at=at)
    elif taken:
        take_out(payment=payment, attempts=taken, reason=_CANCELLED, at=at)


def _owe_what_is_left(payment: Payment, attempts: Sequence[Attempt], at: datetime) -> None:
    """Correct what a cancelled sale owes, which was booked as its whole total: what went back before is not owed again.

    Refunds that succeeded, and what the buyer's bank took, settle their part; those under way will.
    """
    rows = Refund.objects.filter(payment=payment, account=RETURNS)
    rows.filter(status__in=[status.value for status in OPEN_REFUNDS]).update(account=REFUNDS_DUE, updated_at=at)
    returned: int = rows.filter(status=RefundStatus.SUCCEEDED.value).aggregate(total=Sum("amount_minor"))["total"] or 0
    disputed = sum(min(row.disputed_minor, row.captured_minor - row.promised_minor) for row in attempts)
    post_entry(
        kind="returned_before",
        reference=str(payment.order_id),
        currency=payment.currency,
        amounts={REFUNDS_DUE: returned + disputed, RETURNS: -returned, CHARGE_BACKS: -disputed},
        at=at,
    )


def _stop(payment: Payment, at: datetime) -> None:
    """Have a live attempt called off."""
    live = find_live(payment)
    if live is None:
        return
    if find_provider(live.provider).is_by_hand:
        nothing = Charge(reference="", status=AttemptStatus.CANCELLED, amount_minor=0, currency="")
        take_charge(attempt_id=live.pk, charge=nothing, at=at)
        payment.refresh_from_db()
        return
    _make_unwanted(live, at)


def _make_unwanted(live: Attempt, at: datetime) -> None:
    live.unwanted_at = live.ask_at = at
    live.save(update_fields=["unwanted_at", "ask_at", "updated_at"])
    transaction.on_commit(_wake)


def _wake() -> None:
    courier.wake(SWEEP)
