"""Trying again to give back what a provider would not take back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core import outbox
from core.money import as_document
from core.transactions import command
from payments import selectors
from payments.domain import REFUNDS_DUE, RETURNS, RefundStatus, RefundTo, RefundWish
from payments.errors import RefundNotFailed, RefundNotFound, RefundTooLarge
from payments.events import RefundTriedAgain
from payments.models import Payment, Refund
from payments.services.calling import carry_out_refund
from payments.services.passing_on import passable_minor
from payments.services.refund_outcomes import lock_refund
from payments.services.refunding import give_parts

if TYPE_CHECKING:
    from accounts.models import User


def retry_refund(*, refund_id: UUID, actor: User, at: datetime) -> Refund:
    """Give back anew, by the same charge, what a refund that failed did not; in three beats as every refund.

    Also what came twice and should have gone back by itself. The same refund is tried again once: asking twice is the
    same refund, and what fails again is tried again by its own id.

    :raises RefundNotFound: there is none (404)
    :raises RefundNotFailed: it did not fail (409)
    :raises RefundTooLarge: that much is not left of the charge any more, or its units were paid back since (409)
    """
    again_id = _promise_again(refund_id=refund_id, actor=actor, at=at)
    carry_out_refund(refund_id=again_id, at=at)
    return selectors.get_refund(refund_id=again_id)


@command
def _promise_again(*, refund_id: UUID, actor: User, at: datetime) -> UUID:
    if not Refund.objects.filter(pk=refund_id).exists():
        raise RefundNotFound
    payment, attempt, failed = lock_refund(refund_id=refund_id)
    key = f"again-{failed.pk.hex}"
    if (again := Refund.objects.filter(idempotency_key=key).first()) is not None:
        return again.pk
    if failed.status != RefundStatus.FAILED.value:
        raise RefundNotFailed(refund_status=failed.status)
    left = passable_minor(attempt=attempt) if failed.is_passed_on else attempt.left_minor
    if failed.amount_minor > left:
        raise RefundTooLarge(left=as_document(left, payment.currency))
    items = _items_of(failed)
    if items:
        tried = RefundTriedAgain(payment_id=payment.pk, order_id=payment.order_id, refund_id=failed.pk)
        outbox.publish(tried, at=at)
    wish = RefundWish(
        account=_borne_by(payment, failed),
        reason=failed.reason,
        to=RefundTo(failed.to),
        items=items,
        actor_id=actor.pk,
        key=key,
    )
    [refund] = give_parts(payment=payment, parts=[(attempt, failed.amount_minor)], wish=wish, at=at)
    return refund.pk


def _borne_by(payment: Payment, failed: Refund) -> str:
    """Return the account that bears it: what a cancelled order owes was noted when it was cancelled."""
    is_cancelled = payment.closed_at is not None and failed.account == RETURNS
    return REFUNDS_DUE if is_cancelled else str(failed.account)


def _items_of(failed: Refund) -> tuple[dict[str, Any], ...]:
    """Return what the new one notes: nothing where one that was made with the first has not failed, and speaks for it.

    What was to be put on the shelf has been there since.
    """
    together = Refund.objects.filter(payment=failed.payment_id, group=failed.group).exclude(pk=failed.pk)
    if failed.group is not None and together.exclude(status=RefundStatus.FAILED.value).exists():
        return ()
    return tuple({**item, "restock": False} for item in failed.items)
