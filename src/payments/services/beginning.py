"""Beginning to pay: the first beat, in which nothing but our own rows is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.ids import new_id
from core.sql import insert_all, insert_missing
from core.transactions import step
from payments.domain import (
    ARRIVES_WITHIN,
    IN_FLIGHT,
    MANUAL,
    NEVER_ARRIVED,
    OWN_BOOKS,
    UNAVAILABLE,
    AttemptStatus,
    Wish,
)
from payments.errors import AlreadyPaid, PaymentInProgress, PaymentNotFound
from payments.models import Attempt, Payment
from payments.providers import Charge, find_provider
from payments.services.balances import lock_balance, spend_balance
from payments.services.outcomes import take_charge
from payments.services.rows import find_live, lock_payment_of, summarise

# Longer than a call takes: before, whoever began the attempt is asking.
_CALL_TAKES = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt, and whether it stands in the way of the one that was wished for."""

    attempt: Attempt
    is_in_the_way: bool = False


@step
def hold_payment(*, order_id: UUID, amount_minor: int, currency: str) -> Payment:
    """Lock the payment of an order, and make it if there is none yet. At most two statements, one if it is new.

    Only a new one is of that amount: the order is not locked yet, and may have been another when it was read. The
    caller locks it afterwards, never before; an order that costs something else by then has ``change_amount``.
    """
    fresh = Payment(id=new_id(), order_id=order_id, amount_minor=amount_minor, currency=currency)
    if insert_missing(fresh):
        fresh.is_fresh = True
        return fresh
    payment = lock_payment_of(order_id=order_id)
    assert payment is not None
    return payment


@step
def lock_payment(*, payment_id: UUID) -> Payment:
    """Lock a payment and return it. One statement.

    :raises PaymentNotFound: there is none
    """
    payment: Payment | None = Payment.objects.filter(pk=payment_id).locked().first()
    if payment is None:
        raise PaymentNotFound
    return payment


@step
def begin_attempt(*, payment: Payment, wish: Wish, triers: Sequence[str], at: datetime) -> Attempted:
    """Write down an attempt with its idempotency key, before anybody is asked; at most one lives at a time.

    A wish that a live attempt fulfils gets that one. It is for what earlier ones left to pay. A gift card, store credit
    and the like pay at once, as far as they go: locks the balance, and confirms the order if that completes it.

    :param payment: locked by this transaction
    :param wish: as ``choose_method`` returned it
    :param triers: who tries: digests by which declines are counted
    :raises AlreadyPaid: the whole amount was captured
    :raises PaymentInProgress: a provider was asked and has not answered
    :raises ProviderUnknown: there is no such provider
    :raises GiftCardUnknown: there is no gift card of that code (422)
    :raises BalanceNotUsable: there is nothing on it that could be spent here (422)
    """
    if wish.provider not in OWN_BOOKS:
        find_provider(wish.provider)
    if payment.captured_minor and payment.captured_minor >= payment.amount_minor:
        raise AlreadyPaid
    if (live := find_live(payment)) is not None:
        return _beside(live, wish)
    if wish.provider in OWN_BOOKS:
        return Attempted(_spend(payment, wish, at))
    attempt, was = write_attempt(payment=payment, wish=wish, triers=triers, at=at), payment.status
    if summarise(payment, attempt).value != was:
        payment.save(update_fields=["status", "updated_at"])
    return Attempted(attempt)


def _spend(payment: Payment, wish: Wish, at: datetime) -> Attempt:
    """Pay from a balance, as far as it goes, in this transaction: there is nobody else to ask."""
    balance = lock_balance(wish=wish, currency=payment.currency, at=at)
    amount = min(balance.left_minor, payment.to_pay_minor)
    spend_balance(balance=balance, amount_minor=amount)
    attempt = write_attempt(payment=payment, wish=wish, at=at, balance=balance, amount_minor=amount)
    capture_own(attempt=attempt, currency=payment.currency, at=at)
    attempt.refresh_from_db()
    return attempt


@step
def capture_own(*, attempt: Attempt, currency: str, at: datetime) -> None:
    """Take in that an attempt took all of its amount from the balance that it names."""
    took = Charge(
        reference="",
        status=AttemptStatus.CAPTURED,
        amount_minor=attempt.amount_minor,
        currency=currency,
        captured_minor=attempt.amount_minor,
    )
    take_charge(attempt_id=attempt.pk, charge=took, at=at)


@step
def find_begun(*, payment: Payment, request_key: str, at: datetime) -> Attempted | None:
    """Return the attempt that an earlier try of the same request began, if it came to something.

    :raises PaymentInProgress: that try has not ended
    """
    if payment.is_fresh or not request_key:
        return None
    earlier = Attempt.objects.filter(payment=payment, request_key=request_key).first()
    if earlier is None or _never_began(earlier):
        return None
    if earlier.state in IN_FLIGHT and at - earlier.created_at < _CALL_TAKES:
        raise PaymentInProgress
    if earlier.state is AttemptStatus.CREATED and earlier.unwanted_at is not None:
        # Nobody was asked, and nobody is to be: it ends as one that never arrived.
        raise PaymentInProgress
    return Attempted(earlier)


def _never_began(earlier: Attempt) -> bool:
    """Tell whether nothing came of an attempt; the request may then begin another."""
    if earlier.failure not in (NEVER_ARRIVED, UNAVAILABLE) or earlier.state is not AttemptStatus.FAILED:
        return False
    earlier.request_key = ""
    earlier.save(update_fields=["request_key", "updated_at"])
    return True


def _beside(live: Attempt, wish: Wish) -> Attempted:
    """Return the live attempt where it is what is wished for, or can be called off for it."""
    if live.state in IN_FLIGHT or live.unwanted_at is not None:
        raise PaymentInProgress
    if _fulfils(live, wish):
        return Attempted(live)
    if live.state is AttemptStatus.REQUIRES_ACTION or live.provider == MANUAL:
        return Attempted(live, is_in_the_way=True)
    raise PaymentInProgress


def _fulfils(live: Attempt, wish: Wish) -> bool:
    chosen = (wish.provider, wish.method, wish.saved_method_id, wish.is_saving)
    return chosen == (live.provider, live.method, live.saved_method_id, live.saver_id is not None)


@step
def write_attempt(*, payment: Payment, wish: Wish, at: datetime, triers: Sequence[str] = (), **own: Any) -> Attempt:
    """Write an attempt for what is left to pay of a locked payment. One statement.

    :param own: columns that are other than usual
    """
    attempt_id = new_id()
    usual = {
        "idempotency_key": f"pay-{attempt_id.hex}",
        "amount_minor": payment.to_pay_minor,
        "created_at": at,
        "ask_at": at + ARRIVES_WITHIN,
    }
    attempt = Attempt(
        id=attempt_id,
        payment=payment,
        provider=wish.provider,
        request_key=wish.request_key,
        method=wish.method,
        return_url=wish.return_url,
        saved_method_id=wish.saved_method_id,
        is_saving=wish.is_saving,
        saver_id=wish.customer_id if wish.is_saving else None,
        triers=list(triers),
        **usual | own,
    )
    insert_all([attempt])
    return attempt
