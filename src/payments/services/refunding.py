"""Giving back: promised under the lock, never more than was captured. The provider is told in the next beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from core import courier
from core.ids import new_id
from core.money import as_document
from core.sql import insert_all
from core.transactions import step
from payments.domain import (
    DEPOSITS,
    MANUAL,
    OPEN_REFUNDS,
    REFUNDS_DUE,
    RETURNS,
    AttemptStatus,
    RefundStatus,
    RefundTo,
    RefundWish,
    store_credit_of,
)
from payments.errors import NothingToCredit, RefundTooLarge
from payments.models import Attempt, Payment, Refund
from payments.providers import find_provider
from payments.services.alerting import alert_staff
from payments.services.balances import accounts_of, credit_balances
from payments.services.refund_outcomes import succeed_refund
from payments.services.rows import lock_attempt

SWEEP = "payments.tasks.sweep"
_OPEN = [status.value for status in OPEN_REFUNDS]
_SUCCEEDED = RefundStatus.SUCCEEDED.value
_NOT_FAILED = [*_OPEN, _SUCCEEDED]


@step
def find_promised(*, payment: Payment, request_key: str) -> list[Refund]:
    """Return the refunds that an earlier try of the same request promised. At most two queries, none without a key."""
    if not request_key:
        return []
    first = Refund.objects.filter(payment=payment, request_key=request_key).first()
    if first is None:
        return []
    return list(Refund.objects.filter(Q(pk=first.pk) | Q(group=first.pk, payment=payment)).order_by("pk"))


@step
def promise_refund(*, payment: Payment, wish: RefundWish, at: datetime) -> list[Refund]:
    """Promise an amount, or all that is left, of a payment that this transaction locked.

    Where several means paid, the newest charge at a provider gives back first, gift cards and store credit last. What
    goes to a balance of our own is given at once; what goes back to a provider is told to it in the next beat.

    :returns: one refund per means that gives back
    :raises RefundTooLarge: more than what is left of the captured amount (409, naming it)
    :raises NothingToCredit: store credit for a guest
    """
    if wish.to is RefundTo.STORE_CREDIT and wish.customer_id is None:
        raise NothingToCredit
    givers = _givers(payment, wish)
    left = sum(attempt.left_minor for attempt in givers)
    amount = left if wish.amount_minor is None else wish.amount_minor
    if not 0 < amount <= left:
        raise RefundTooLarge(left=as_document(left, payment.currency))
    return give_parts(payment=payment, parts=_spread(amount, givers), wish=wish, at=at)


def _givers(payment: Payment, wish: RefundWish) -> list[Attempt]:
    """Return the attempts that may give back, in that order.

    Of a cancelled order that is also what went back by itself and did not arrive.
    """
    took = Attempt.objects.filter(payment=payment, status=AttemptStatus.CAPTURED.value).order_by("-pk")
    if wish.account not in (REFUNDS_DUE, DEPOSITS):
        took = took.filter(is_surplus=False)
    return sorted(took, key=lambda attempt: attempt.balance_id is not None)


def _spread(amount: int, givers: Sequence[Attempt]) -> list[tuple[Attempt, int]]:
    parts = []
    for attempt in givers:
        if part := min(amount, attempt.left_minor):
            parts.append((attempt, part))
            amount -= part
    return parts


@step
def give_back(*, attempts: Sequence[Attempt], wish: RefundWish, at: datetime) -> None:
    """Send back, by itself, all that is left of attempts of one payment, which this transaction locked.

    The sweep tells the provider; staff are asked to do it where the money came by hand.
    """
    parts = [(attempt, attempt.left_minor) for attempt in attempts if attempt.left_minor]
    if parts:
        payment, _ = lock_attempt(attempt_id=parts[0][0].pk)
        give_parts(payment=payment, parts=parts, wish=wish, at=at)
        transaction.on_commit(_wake)


def _wake() -> None:
    courier.wake(SWEEP)


@step
def give_parts(
    *, payment: Payment, parts: Sequence[tuple[Attempt, int]], wish: RefundWish, at: datetime
) -> list[Refund]:
    """Promise parts of what attempts of a locked payment took, and settle at once what stays in our own books.

    What was promised to an exchange, and is passed on from there, is not promised again.
    """
    credited = _credited(parts, wish)
    refunds = [_promise(attempt, amount, wish, credited.get(attempt.pk, ""), at) for attempt, amount in parts]
    for refund in refunds:
        refund.group = refunds[0].pk
    for refund in refunds[1:]:
        refund.request_key, refund.items = "", []
    insert_all(refunds)
    _credit(refunds, payment.currency, at)
    for (attempt, _), refund in zip(parts, refunds, strict=True):
        if not refund.is_passed_on:
            attempt.promised_minor += refund.amount_minor
            attempt.save(update_fields=["promised_minor", "updated_at"])
        if refund.credited:
            succeed_refund(payment=payment, attempt=attempt, refund=refund, at=at)
        elif refund.ask_at is None:
            alert_staff(payment=payment, what="refund_by_hand", amount_minor=refund.amount_minor, at=at)
    return refunds


def _credited(parts: Sequence[tuple[Attempt, int]], wish: RefundWish) -> dict[UUID, str]:
    """Return attempt id -> the account of our own books that takes what it gives back. At most one query."""
    if wish.to is RefundTo.PAYMENT:
        accounts = accounts_of(balance_ids={attempt.balance_id for attempt, _ in parts if attempt.balance_id})
        return {attempt.pk: accounts[attempt.balance_id] for attempt, _ in parts if attempt.balance_id}
    to = store_credit_of(wish.customer_id) if wish.to is RefundTo.STORE_CREDIT and wish.customer_id else wish.credited
    return {attempt.pk: to for attempt, _ in parts}


def _credit(refunds: Sequence[Refund], currency: str, at: datetime) -> None:
    amounts: Counter[str] = Counter()
    for refund in refunds:
        if refund.credited:
            amounts[refund.credited] += refund.amount_minor
    if amounts:
        credit_balances(amounts=amounts, currency=currency, at=at)


def _promise(attempt: Attempt, amount: int, wish: RefundWish, credited: str, at: datetime) -> Refund:
    # Nobody tells a bank to pay back what came by hand: staff do, and confirm it.
    is_by_hand = attempt.provider == MANUAL and wish.actor_id is None
    refund_id = new_id()
    return Refund(
        id=refund_id,
        payment_id=attempt.payment_id,
        attempt=attempt,
        amount_minor=amount,
        reason=wish.reason,
        to=wish.to.value,
        idempotency_key=wish.key or f"refund-{refund_id.hex}",
        request_key=wish.request_key,
        # What was never a sale is a deposit that goes back.
        account=DEPOSITS if attempt.is_surplus else wish.account,
        credited=credited,
        items=list(wish.items),
        actor_id=wish.actor_id,
        created_at=at,
        ask_at=None if is_by_hand and not credited else at,
    )


@step
def settle_by_total(*, attempt: Attempt, total_minor: int, at: datetime) -> None:
    """Compare a provider's total of refunds with ours: those under way are done once it holds all of them.

    One of which the provider said that it is pending is asked about by itself: totals may count it before it is done.
    Where they do, so is one of which the provider has not said anything yet.
    What it holds beyond was given back at the provider, by somebody who did not ask us.

    :param attempt: its payment is locked by this transaction
    """
    payment, attempt = lock_attempt(attempt_id=attempt.pk)
    mine = Refund.objects.filter(attempt=attempt, to=RefundTo.PAYMENT.value, status__in=_NOT_FAILED)
    known: int = mine.aggregate(total=Sum("amount_minor"))["total"] or 0
    if total_minor < known or total_minor <= attempt.refunded_minor:
        return
    unheard = mine.filter(status__in=_OPEN).exclude(status=RefundStatus.PENDING.value).order_by("pk")
    if find_provider(attempt.provider).totals_count_pending:
        _ask_soon(unheard, at)
    else:
        for refund in unheard:
            succeed_refund(payment=payment, attempt=attempt, refund=refund, at=at)
    beyond = min(total_minor - known, attempt.captured_minor - attempt.promised_minor)
    if beyond > 0:
        wish = RefundWish(account=_borne_by(payment, attempt), reason="Given back at the provider.")
        for refund in give_parts(payment=payment, parts=[(attempt, beyond)], wish=wish, at=at):
            succeed_refund(payment=payment, attempt=attempt, refund=refund, at=at)


def _borne_by(payment: Payment, attempt: Attempt) -> str:
    """Return the account that bears what was given back at the provider: what a cancelled order owes was noted then."""
    failed = Refund.objects.filter(attempt=attempt, status=RefundStatus.FAILED.value)
    if failed.filter(account=DEPOSITS).exists():
        return DEPOSITS
    return RETURNS if payment.closed_at is None else REFUNDS_DUE


def _ask_soon(refunds: QuerySet[Refund], at: datetime) -> None:
    if refunds.update(ask_at=at, updated_at=at):
        transaction.on_commit(_wake)
