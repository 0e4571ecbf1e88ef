"""What goods that came back are worth: their part of what was paid, less what was paid back for them before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Sum

from core.transactions import step
from orders.domain import worth_of_units
from orders.models import Order, Return, ReturnLine
from orders.services.shares import paid_of_lines, refunded_units

if TYPE_CHECKING:
    from payments.models import Payment


@step
def worth_of(*, order: Order, lines: Mapping[UUID, ReturnLine], payment: Payment | None) -> int:
    """Return what the accepted units of a return cost, with their part of discounts and tax, without delivery.

    Units that were paid back before, in whatever way, are worth nothing more.
    """
    bought = list(order.lines.order_by("position"))
    paid = paid_of_lines(order=order, lines=bought)
    before = refunded_units(lines=bought, payment_id=payment.pk if payment else None)
    total = 0
    for line in bought:
        if (back := lines.get(line.pk)) is not None:
            done = before[line.pk]
            units = min(back.accepted, line.quantity - done)
            total += worth_of_units(paid[line.pk], quantity=line.quantity, before=done, units=units)
    return total


@step
def noted(*, lines: Mapping[UUID, ReturnLine]) -> tuple[dict[str, Any], ...]:
    """Return what a refund is for, as refunds note it. The return itself puts goods back on the shelf."""
    return tuple(
        {
            "line": str(line_id),
            "variant": str(line.line.variant_id),
            "quantity": line.accepted,
            "restock": False,
        }
        for line_id, line in lines.items()
        if line.accepted
    )


@step
def is_all_back(*, order: Order, lines: Mapping[UUID, ReturnLine]) -> bool:
    """Tell whether with these accepted units nothing that was sent of the order stays with the customer."""
    accepted = {line_id: line.accepted for line_id, line in lines.items()}
    return all(line.returned + accepted.get(line.pk, 0) == line.quantity - line.cancelled for line in order.lines.all())


@step
def delivery_left(*, order: Order) -> int:
    """Return what of an order's delivery was not paid back yet. One query."""
    given: int = Return.objects.filter(order=order).aggregate(total=Sum("delivery_minor"))["total"] or 0
    return max(0, order.shipping_minor - given)
