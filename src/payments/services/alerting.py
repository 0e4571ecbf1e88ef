"""Asking staff to look at a payment."""

from __future__ import annotations

from datetime import datetime

from core import outbox
from core.transactions import step
from payments.events import StaffNeeded
from payments.models import Payment


@step
def alert_staff(*, payment: Payment, what: str, amount_minor: int, at: datetime) -> None:
    """Ask staff who watch payments to look at one.

    :param what: one of the words of ``StaffNeeded``
    """
    alert = StaffNeeded(
        payment_id=payment.pk,
        order_id=payment.order_id,
        what=what,
        amount_minor=amount_minor,
        currency=payment.currency,
    )
    outbox.publish(alert, at=at)
