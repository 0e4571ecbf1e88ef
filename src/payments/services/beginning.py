"""Beginning to pay: the first beat, in which nothing but our own rows is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from core import courier
from core.ids import new_id
from core.sql import insert_all, insert_missing
from core.transactions import step
from payments.domain import ARRIVES_WITHIN, IN_FLIGHT, MANUAL, NEVER_ARRIVED, UNAVAILABLE, AttemptStatus, Wish
from payments.errors import AlreadyPaid, PaymentInProgress, PaymentNotFound
from payments.models import Attempt, Payment
from payments.providers import Charge, find_provider
from payments.services.outcomes import take_charge
from payments.services.rows import find_live, find_locked, summarise

SWEEP = "payments.tasks.sweep"
# Longer than a call takes: before, whoever began the attempt is asking.
_CALL_TAKES = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt, and whether it stands in the way of the one that was wished for."""

    attempt: Attempt
    is_in_the_way: bool = False


@step
def hold_payment(*, order_id: UUID, amount_minor: int, currency: str) -> Payment:
    """Lock the payment of an order, and make it if there is none yet. At most three statements, one if it is new.

    The amount is the order's as long as nothing was captured. The caller locks the order afterwards, never before.
    """
    fresh = Payment(id=new_id(), order_id=order_id, amount_minor=amount_minor, currency=currency)
    if insert_missing(fresh):
        fresh.is_fresh = True
        return fresh
    payment = find_locked(order_id=order_id)
    assert payment is not None
    is_other = (payment.amount_minor, payment.currency) != (amount_minor, currency)
    if is_other and not payment.captured_minor and find_live(payment) is None:
        payment.amount_minor, payment.currency = amount_minor, currency
        payment.save(update_fields=["amount_minor", "currency", "updated_at"])
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

    A wish that a live attempt fulfils gets that one.

    :param payment: locked by this transaction
    :param triers: who tries: digests by which declines are counted
    :raises AlreadyPaid: the whole amount was captured
    :raises PaymentInProgress: a provider was asked and has not answered
    :raises ProviderUnknown: there is no such provider
    """
    find_provider(wish.provider)
    if payment.captured_minor and payment.captured_minor >= payment.amount_minor:
        raise AlreadyPaid
    if (live := find_live(payment)) is not None:
        return _beside(live, wish)
    attempt, was = _write(payment, wish, triers, at), payment.status
    if summarise(payment, attempt).value != was:
        payment.save(update_fields=["status", "updated_at"])
    return Attempted(attempt)


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
    if (live.provider, live.method) == (wish.provider, wish.method):
        return Attempted(live)
    if live.state is AttemptStatus.REQUIRES_ACTION or live.provider == MANUAL:
        return Attempted(live, is_in_the_way=True)
    raise PaymentInProgress


def _write(payment: Payment, wish: Wish, triers: Sequence[str], at: datetime) -> Attempt:
    attempt_id = new_id()
    attempt = Attempt(
        id=attempt_id,
        payment=payment,
        provider=wish.provider,
        idempotency_key=f"pay-{attempt_id.hex}",
        request_key=wish.request_key,
        amount_minor=payment.amount_minor,
        method=wish.method,
        return_url=wish.return_url,
        created_at=at,
        ask_at=at + ARRIVES_WITHIN,
        triers=list(triers),
    )
    insert_all([attempt])
    return attempt


@step
def settle_by_hand(*, payment: Payment, at: datetime) -> None:
    """Note that staff saw the money: the whole amount, as a payment by hand.

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
    attempt_id = new_id()
    attempt = Attempt(
        id=attempt_id,
        payment=payment,
        provider=MANUAL,
        idempotency_key=f"pay-{attempt_id.hex}",
        status=AttemptStatus.CANCELLED.value,
        amount_minor=payment.amount_minor,
        created_at=at,
    )
    insert_all([attempt])
    return attempt


@step
def abandon(*, order_id: UUID, at: datetime) -> None:
    """Note that nobody wants an order's live attempt any more: it is called off at the provider soon."""
    payment = find_locked(order_id=order_id)
    live = find_live(payment) if payment is not None else None
    if payment is None or live is None:
        return
    if find_provider(live.provider).is_by_hand:
        nothing = Charge(reference="", status=AttemptStatus.CANCELLED, amount_minor=0, currency="")
        take_charge(attempt_id=live.pk, charge=nothing, at=at)
        return
    _make_unwanted(live, at)


def _make_unwanted(live: Attempt, at: datetime) -> None:
    live.unwanted_at = live.ask_at = at
    live.save(update_fields=["unwanted_at", "ask_at", "updated_at"])
    transaction.on_commit(_wake)


def _wake() -> None:
    courier.wake(SWEEP)
