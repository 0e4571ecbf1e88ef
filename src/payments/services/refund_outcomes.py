"""What became of a refund: told by a provider, or confirmed by staff; then booked, once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from core import outbox
from core.transactions import command, step
from payments.domain import DEPOSITS, MANUAL, OPEN_REFUNDS, RefundStatus, RefundTo, pause
from payments.errors import PaymentNotFound, RefundNotByHand, RefundNotFound
from payments.events import PaymentRefunded
from payments.models import Attempt, Payment, Refund
from payments.providers import GivenBack
from payments.services.alerting import alert_staff
from payments.services.ledger import post_entry
from payments.services.rows import account_behind, lock_attempt, summarise

if TYPE_CHECKING:
    from accounts.models import User


@command
def record_refund(*, refund_id: UUID, said: GivenBack, at: datetime) -> None:
    """Take in what a provider says of a refund. Once settled it stays so."""
    payment, attempt, refund = lock_refund(refund_id=refund_id)
    if RefundStatus(refund.status) not in OPEN_REFUNDS:
        return
    refund.provider_reference = said.reference
    if said.is_done:
        succeed_refund(payment=payment, attempt=attempt, refund=refund, at=at)
        return
    if said.is_pending:
        refund.status = RefundStatus.PENDING.value
        refund.ask_at = at + pause(age=at - refund.created_at, is_in_flight=False)
        refund.save(update_fields=["status", "ask_at", "provider_reference", "updated_at"])
        return
    refund.status, refund.failure, refund.ask_at = RefundStatus.FAILED.value, said.failure, None
    refund.save(update_fields=["status", "failure", "ask_at", "provider_reference", "updated_at"])
    if not refund.is_passed_on:
        attempt.promised_minor -= refund.amount_minor
        attempt.save(update_fields=["promised_minor", "updated_at"])
    alert_staff(payment=payment, what="refund_failed", amount_minor=refund.amount_minor, at=at)


@command
def confirm_refund(*, refund_id: UUID, actor: User, at: datetime) -> Refund:
    """Note that staff gave back by hand what goes back by hand. The same twice changes nothing.

    :raises RefundNotFound: there is none (404)
    :raises RefundNotByHand: a provider sees to it (409)
    """
    if not Refund.objects.filter(pk=refund_id).exists():
        raise RefundNotFound
    payment, attempt, refund = lock_refund(refund_id=refund_id)
    if attempt.provider != MANUAL or refund.credited:
        raise RefundNotByHand(refund_status=refund.status)
    if refund.is_by_hand:
        refund.actor = actor
        refund.save(update_fields=["actor", "updated_at"])
        succeed_refund(payment=payment, attempt=attempt, refund=refund, at=at)
    return refund


@command
def record_refund_unknown(*, refund_id: UUID, ask_at: datetime) -> None:
    """Note that a provider's answer to a refund is not known: it is told again, under the same key."""
    _, _, refund = lock_refund(refund_id=refund_id)
    if RefundStatus(refund.status) in OPEN_REFUNDS:
        is_pending = refund.status == RefundStatus.PENDING.value
        refund.status = refund.status if is_pending else RefundStatus.UNKNOWN.value
        refund.ask_at = ask_at
        refund.save(update_fields=["status", "ask_at", "updated_at"])


@step
def lock_refund(*, refund_id: UUID) -> tuple[Payment, Attempt, Refund]:
    """Lock a refund's payment, and only then read its attempt and the refund. Four statements.

    :raises PaymentNotFound: there is no such refund
    """
    attempt_id = Refund.objects.filter(pk=refund_id).values_list("attempt_id", flat=True).first()
    if attempt_id is None:
        raise PaymentNotFound
    payment, attempt = lock_attempt(attempt_id=attempt_id)
    return payment, attempt, Refund.objects.get(pk=refund_id)


@step
def succeed_refund(*, payment: Payment, attempt: Attempt, refund: Refund, at: datetime) -> None:
    """Note that a refund went back: book it, and announce it.

    :param payment: locked by this transaction
    """
    refund.status, refund.ask_at = RefundStatus.SUCCEEDED.value, None
    refund.save(update_fields=["status", "ask_at", "provider_reference", "updated_at"])
    if refund.to == RefundTo.PAYMENT.value:
        attempt.refunded_minor += refund.amount_minor
        attempt.save(update_fields=["refunded_minor", "updated_at"])
    if not attempt.is_surplus and not refund.is_passed_on:
        payment.refunded_minor += refund.amount_minor
        summarise(payment, attempt)
        payment.save(update_fields=["refunded_minor", "status", "updated_at"])
    post_entry(
        kind="refund",
        reference=str(refund.pk),
        currency=payment.currency,
        amounts={refund.account: refund.amount_minor, refund.credited or account_behind(attempt): -refund.amount_minor},
        at=at,
    )
    back = PaymentRefunded(
        payment_id=payment.pk,
        order_id=payment.order_id,
        refund_id=refund.pk,
        amount_minor=refund.amount_minor,
        currency=payment.currency,
        is_of_sale=refund.account != DEPOSITS and not refund.is_passed_on,
    )
    outbox.publish(back, at=at)
