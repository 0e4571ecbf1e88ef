"""Giving back: promised under the lock, never more than was captured; then told to the provider; then settled."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from core import courier, outbox
from core.ids import new_id
from core.money import as_document
from core.sql import insert_all
from core.transactions import command, step
from payments.domain import (
    OPEN_REFUNDS,
    RETURNS,
    AttemptStatus,
    RefundStatus,
    RefundTo,
    RefundWish,
    account_of,
    store_credit_of,
)
from payments.errors import NothingToCredit, PaymentNotFound, RefundTooLarge
from payments.events import PaymentRefunded, StaffNeeded
from payments.models import Attempt, Payment, Refund
from payments.providers import GivenBack
from payments.services.ledger import post_entry
from payments.services.rows import lock_attempt, summarise

SWEEP = "payments.tasks.sweep"
_OPEN = [status.value for status in OPEN_REFUNDS]
_NOT_FAILED = [*_OPEN, RefundStatus.SUCCEEDED.value]


@step
def find_promised(*, payment: Payment, request_key: str) -> Refund | None:
    """Return the refund that an earlier try of the same request promised. One query, none without a key."""
    found: Refund | None = None
    if request_key:
        found = Refund.objects.filter(payment=payment, request_key=request_key).first()
    return found


@step
def promise_refund(*, payment: Payment, wish: RefundWish, at: datetime) -> Refund:
    """Promise an amount, or all that is left, of a payment that this transaction locked.

    Store credit is given at once; what goes back to the payment is told to the provider in the next beat.

    :raises RefundTooLarge: more than what is left of the captured amount (409, naming it)
    :raises NothingToCredit: store credit for a guest
    """
    if wish.to is RefundTo.STORE_CREDIT and wish.customer_id is None:
        raise NothingToCredit
    took = Attempt.objects.filter(payment=payment, status=AttemptStatus.CAPTURED.value, is_surplus=False)
    attempt: Attempt | None = max(took, key=lambda row: row.left_minor, default=None)
    left = attempt.left_minor if attempt is not None else 0
    amount = left if wish.amount_minor is None else wish.amount_minor
    if attempt is None or not 0 < amount <= left:
        raise RefundTooLarge(left=as_document(left, payment.currency))
    refund = _promise(attempt, amount, wish, at)
    if wish.to is RefundTo.STORE_CREDIT:
        _succeed(payment, attempt, refund, at)
    return refund


@step
def give_back(*, attempt: Attempt, reason: str, account: str, at: datetime) -> None:
    """Send back, by itself, all that is left of an attempt whose payment this transaction locked.

    The sweep tells the provider. Two statements; none where nothing is left.
    """
    if attempt.left_minor:
        _promise(attempt, attempt.left_minor, RefundWish(account=account, reason=reason), at)
        transaction.on_commit(_wake)


def _wake() -> None:
    courier.wake(SWEEP)


def _promise(attempt: Attempt, amount: int, wish: RefundWish, at: datetime) -> Refund:
    refund_id = new_id()
    refund = Refund(
        id=refund_id,
        payment_id=attempt.payment_id,
        attempt=attempt,
        amount_minor=amount,
        reason=wish.reason,
        to=wish.to.value,
        idempotency_key=f"refund-{refund_id.hex}",
        request_key=wish.request_key,
        account=wish.account,
        credited=store_credit_of(wish.customer_id) if wish.customer_id and wish.to is RefundTo.STORE_CREDIT else "",
        items=list(wish.items),
        actor_id=wish.actor_id,
        created_at=at,
        ask_at=at,
    )
    insert_all([refund])
    attempt.promised_minor += amount
    attempt.save(update_fields=["promised_minor", "updated_at"])
    return refund


@command
def record_refund(*, refund_id: UUID, said: GivenBack, at: datetime) -> None:
    """Take in what a provider says of a refund. Once settled it stays so."""
    payment, attempt, refund = _lock(refund_id)
    if RefundStatus(refund.status) not in OPEN_REFUNDS:
        return
    refund.provider_reference = said.reference
    if said.is_done:
        _succeed(payment, attempt, refund, at)
        return
    refund.status, refund.failure, refund.ask_at = RefundStatus.FAILED.value, said.failure, None
    refund.save(update_fields=["status", "failure", "ask_at", "provider_reference", "updated_at"])
    attempt.promised_minor -= refund.amount_minor
    attempt.save(update_fields=["promised_minor", "updated_at"])
    alert = StaffNeeded(
        payment_id=payment.pk,
        order_id=payment.order_id,
        what="refund_failed",
        amount_minor=refund.amount_minor,
        currency=payment.currency,
    )
    outbox.publish(alert, at=at)


@command
def record_refund_unknown(*, refund_id: UUID, ask_at: datetime) -> None:
    """Note that a provider's answer to a refund is not known: it is told again, under the same key."""
    _, _, refund = _lock(refund_id)
    if RefundStatus(refund.status) in OPEN_REFUNDS:
        refund.status, refund.ask_at = RefundStatus.UNKNOWN.value, ask_at
        refund.save(update_fields=["status", "ask_at", "updated_at"])


@step
def settle_by_total(*, attempt: Attempt, total_minor: int, at: datetime) -> None:
    """Compare a provider's total of refunds with ours: those under way are done once it holds all of them.

    What it holds beyond was given back at the provider, by somebody who did not ask us.

    :param attempt: its payment is locked by this transaction
    """
    payment, attempt = lock_attempt(attempt_id=attempt.pk)
    mine = Refund.objects.filter(attempt=attempt, to=RefundTo.PAYMENT.value, status__in=_NOT_FAILED)
    known: int = mine.aggregate(total=Sum("amount_minor"))["total"] or 0
    if total_minor < known or total_minor <= attempt.refunded_minor:
        return
    for refund in mine.filter(status__in=_OPEN).order_by("pk"):
        _succeed(payment, attempt, refund, at)
    beyond = min(total_minor - known, attempt.captured_minor - attempt.promised_minor)
    if beyond > 0:
        wish = RefundWish(account=RETURNS, reason="Given back at the provider.")
        _succeed(payment, attempt, _promise(attempt, beyond, wish, at), at)


def _lock(refund_id: UUID) -> tuple[Payment, Attempt, Refund]:
    attempt_id = Refund.objects.filter(pk=refund_id).values_list("attempt_id", flat=True).first()
    if attempt_id is None:
        raise PaymentNotFound
    payment, attempt = lock_attempt(attempt_id=attempt_id)
    return payment, attempt, Refund.objects.get(pk=refund_id)


def _succeed(payment: Payment, attempt: Attempt, refund: Refund, at: datetime) -> None:
    refund.status, refund.ask_at = RefundStatus.SUCCEEDED.value, None
    refund.save(update_fields=["status", "ask_at", "provider_reference", "updated_at"])
    if refund.to == RefundTo.PAYMENT.value:
        attempt.refunded_minor += refund.amount_minor
        attempt.save(update_fields=["refunded_minor", "updated_at"])
    if not attempt.is_surplus:
        payment.refunded_minor += refund.amount_minor
        summarise(payment, attempt)
        payment.save(update_fields=["refunded_minor", "status", "updated_at"])
    post_entry(
        kind="refund",
        reference=str(refund.pk),
        currency=payment.currency,
        amounts={refund.account: refund.amount_minor, _paid_from(attempt, refund): -refund.amount_minor},
        at=at,
    )
    back = PaymentRefunded(
        payment_id=payment.pk,
        order_id=payment.order_id,
        refund_id=refund.pk,
        amount_minor=refund.amount_minor,
        currency=payment.currency,
    )
    outbox.publish(back, at=at)


def _paid_from(attempt: Attempt, refund: Refund) -> str:
    return refund.credited or account_of(attempt.provider)
