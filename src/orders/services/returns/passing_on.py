"""An exchange that came to nothing: what the goods that came back are worth goes on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.transactions import step
from orders.models import Return
from payments import services as payments
from payments.domain import exchange_of


@step
def pass_on_exchange(*, order_id: UUID, at: datetime) -> None:
    """Send on what an order gave back to the exchange that it was placed for; of other orders do nothing.

    To the customer's store credit, or, for a guest, the way the goods were paid that came back. Twice changes nothing.
    """
    back: Return | None = Return.objects.filter(exchange_order=order_id).select_related("order").first()
    if back is not None:
        payments.pass_on_exchange(
            account=exchange_of(back.pk),
            order_id=order_id,
            paid_by=_paid_by(back.order_id),
            customer_id=back.order.customer_id,
            at=at,
        )


def _paid_by(order_id: UUID) -> list[UUID]:
    """Return an order and, where it was itself got in exchange, the ones before it. One query for each."""
    found: list[UUID] = []
    before: UUID | None = order_id
    while before is not None:
        found.append(before)
        before = Return.objects.filter(exchange_order=before).values_list("order_id", flat=True).first()
    return found
