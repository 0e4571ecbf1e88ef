"""What goods that came back are worth: their part of what was paid, less what was paid back for them before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Sum

from core.transactions import step
from orders.domain import Bought, paid_per_line, worth_of_units
from orders.models import Order, OrderLine, Return, ReturnLine
from payments import selectors as payment_reads

if TYPE_CHECKING:
    from payments.models import Payment


@step
def worth_of(*, order: Order, lines: Mapping[UUID, ReturnLine], payment: Payment | None) -> int:
    """Return what the accepted units of a return cost, with their part of discounts and tax, without delivery.

    Units that were paid back before, in whatever way, are worth nothing more.
    """
    bought = list(order.lines.order_by("position"))
    paid = paid_per_line([_bought(line) for line in bought], goods_minor=order.total_minor - order.shipping_minor)
    before = _paid_back(bought, payment)
    total = 0
    for line, paid_minor in zip(bought, paid, strict=True):
        if (back := lines.get(line.pk)) is not None:
            done = before[line.pk]
            units = min(back.accepted, line.quantity - done)
            total += worth_of_units(paid_minor, quantity=line.quantity, before=done, units=units)
    return total


def _bought(line: OrderLine) -> Bought:
    cost = line.subtotal_minor - line.discount_minor + line.tax_minor
    return Bought(quantity=line.quantity, cost_minor=max(0, cost))


def _paid_back(bought: list[OrderLine], payment: Payment | None) -> Counter[UUID]:
    """Return line id -> units for which refunds were made, those of a variant spread over its lines in their order."""
    by_variant: Counter[UUID] = Counter()
    for item in payment_reads.refunded_items(payment_id=payment.pk) if payment else []:
        by_variant[UUID(str(item["variant"]))] += int(item["quantity"])
    found: Counter[UUID] = Counter()
    for line in bought:
        found[line.pk] = min(line.quantity, by_variant[line.variant_id])
        by_variant[line.variant_id] -= found[line.pk]
    return found


@step
def noted(*, lines: Mapping[UUID, ReturnLine]) -> tuple[dict[str, Any], ...]:
    """Return what a refund is for, as refunds note it. The return itself puts goods back on the shelf."""
    return tuple(
        {"variant": str(line.line.variant_id), "quantity": line.accepted, "restock": False}
        for line in lines.values()
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
