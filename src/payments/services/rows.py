"""Locking a payment with what belongs to it, and writing back its sums."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from core.compiled import Compiled
from core.transactions import step
from payments.domain import LIVE, PaymentStatus, account_of, status_of
from payments.errors import PaymentNotFound
from payments.models import Attempt, Balance, Payment

LIVE_VALUES = [status.value for status in LIVE]
_BY_ATTEMPT: Compiled[Payment] = Compiled(
    lambda attempt: Payment.objects.filter(attempts=attempt).locked(), attempt=UUID
)
_BY_ORDER: Compiled[Payment] = Compiled(
    lambda order_id: Payment.objects.filter(order_id=order_id).locked(), order_id=UUID
)
_ATTEMPT: Compiled[Attempt] = Compiled(lambda attempt: Attempt.objects.filter(pk=attempt), attempt=UUID)


@step
def lock_payment_of(*, order_id: UUID) -> Payment | None:
    """Lock an order's payment and return it, if there is one. One statement."""
    return _BY_ORDER.first(order_id=order_id)


@step
def lock_payments_of(*, order_ids: Collection[UUID]) -> None:
    """Lock the payments that several orders have, in the one order, before they are held one by one. One statement."""
    list(Payment.objects.filter(order_id__in=order_ids).locked().values_list("pk"))


@step
def lock_attempt(*, attempt_id: UUID) -> tuple[Payment, Attempt]:
    """Lock the payment, and only then read the attempt. Two statements.

    :raises PaymentNotFound: there is no such attempt
    """
    payment = _BY_ATTEMPT.first(attempt=attempt_id)
    attempt = _ATTEMPT.first(attempt=attempt_id)
    if payment is None or attempt is None:
        raise PaymentNotFound
    return payment, attempt


def find_live(payment: Payment) -> Attempt | None:
    """Return the attempt of a locked payment that may still take money, if there is one. At most one statement."""
    if payment.is_fresh:
        return None
    live: Attempt | None = Attempt.objects.filter(payment=payment, status__in=LIVE_VALUES).first()
    return live


def summarise(payment: Payment, last: Attempt | None) -> PaymentStatus:
    """Set the state that follows from a payment's sums and its newest attempt; the caller writes it."""
    status = status_of(
        amount_minor=payment.amount_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
        last=last.state if last else None,
    )
    payment.status = status.value
    return status


def account_behind(attempt: Attempt) -> str:
    """Return the account that holds what an attempt took: a provider's, or the balance that it was paid from.

    One query for a balance, none else.
    """
    if attempt.balance_id is None:
        return account_of(attempt.provider)
    return str(Balance.objects.values_list("account", flat=True).get(pk=attempt.balance_id))
