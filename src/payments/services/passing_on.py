"""What was promised to an exchange that came to nothing: it goes on to whoever paid for the goods that came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Q, Sum

from core import courier
from core.ids import new_id
from core.transactions import step
from payments.domain import (
    EXCHANGES_DUE,
    BalanceKind,
    RefundStatus,
    RefundTo,
    RefundWish,
    store_credit_of,
)
from payments.models import Attempt, Balance, Payment, Refund
from payments.services.alerting import alert_staff
from payments.services.balances import credit_balances, spend_balance
from payments.services.ledger import post_entry
from payments.services.refunding import SWEEP, give_parts

_REASON = "The exchange was called off."


@step
def pass_on_exchange(
    *, account: str, order_id: UUID, paid_by: Sequence[UUID], customer_id: UUID | None, at: datetime
) -> None:
    """Empty the balance of an exchange to which its order gave something back. Twice changes nothing.

    A customer has it as store credit. A guest gets it back the way the goods were paid that came back; staff are told
    of what that cannot hold. Locks the payments in id order, then balances.

    :param account: as ``payments.domain.exchange_of`` names it
    :param order_id: the order that was paid from it
    :param paid_by: the orders whose goods came back; those that were themselves got in exchange, with the ones before
    """
    if not Balance.objects.filter(account=account, left_minor__gt=0).exists():
        return
    held = list(Payment.objects.filter(order_id__in=[order_id, *paid_by]).locked())
    for balance in Balance.objects.filter(account=account, left_minor__gt=0).locked():
        if customer_id is not None:
            _to_store_credit(balance, customer_id, at)
        else:
            own = next(payment for payment in held if payment.order_id == order_id)
            _to_whoever_paid(balance, held, own, at)


def _origins(payment_ids: Sequence[UUID]) -> list[Attempt]:
    """Return what took money for goods whose worth went to exchanges: the newest outside first, gift cards last."""
    gave = Attempt.objects.filter(
        payment__in=payment_ids, refunds__to=RefundTo.EXCHANGE.value, refunds__status=RefundStatus.SUCCEEDED.value
    )
    own = gave.exclude(provider=BalanceKind.EXCHANGE.value).distinct().order_by("-pk")
    return sorted(own, key=lambda attempt: attempt.balance_id is not None)


def _to_store_credit(balance: Balance, customer_id: UUID, at: datetime) -> None:
    amount, credit = balance.left_minor, store_credit_of(customer_id)
    spend_balance(balance=balance, amount_minor=amount)
    credit_balances(amounts={credit: amount}, currency=balance.currency, at=at)
    _book(balance, amount, credit, at)


def _to_whoever_paid(balance: Balance, held: Sequence[Payment], own: Payment, at: datetime) -> None:
    payments = {payment.pk: payment for payment in held if payment is not own}
    left = balance.left_minor
    spend_balance(balance=balance, amount_minor=left)
    _book(balance, left, EXCHANGES_DUE, at)
    for attempt in _origins(list(payments)):
        if part := min(left, passable_minor(attempt=attempt)):
            wish = RefundWish(account=EXCHANGES_DUE, reason=_REASON)
            give_parts(payment=payments[attempt.payment_id], parts=[(attempt, part)], wish=wish, at=at)
            left -= part
    if left:
        alert_staff(payment=own, what="refund_failed", amount_minor=left, at=at)
    transaction.on_commit(partial(courier.wake, SWEEP))


def _book(balance: Balance, amount_minor: int, to: str, at: datetime) -> None:
    amounts = {balance.account: amount_minor, to: -amount_minor}
    post_entry(kind="exchange_passed_on", reference=str(new_id()), currency=balance.currency, amounts=amounts, at=at)


@step
def passable_minor(*, attempt: Attempt) -> int:
    """Return what of an attempt was promised to exchanges and may still go back. One query."""
    of = Refund.objects.filter(attempt=attempt).exclude(status=RefundStatus.FAILED.value)
    sums = of.aggregate(
        exchanged=Sum("amount_minor", filter=Q(to=RefundTo.EXCHANGE.value), default=0),
        passed_on=Sum("amount_minor", filter=Q(account=EXCHANGES_DUE), default=0),
        back=Sum("amount_minor", filter=Q(to=RefundTo.PAYMENT.value), default=0),
    )
    held: int = attempt.captured_minor - attempt.disputed_minor - sums["back"]
    promised: int = sums["exchanged"] - sums["passed_on"]
    return max(0, min(promised, held))
