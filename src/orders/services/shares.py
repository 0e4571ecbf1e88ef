"""What each line of an order cost, and for which of its units that was paid back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from core.transactions import step
from orders.domain import Bought, paid_per_line
from orders.models import Order, OrderLine
from payments import selectors as payment_reads


@step
def paid_of_lines(*, order: Order, lines: Sequence[OrderLine]) -> dict[UUID, int]:
    """Return line id -> what all its units cost together, after discounts and with tax, without delivery.

    Gift cards cost what is on them, neither more nor less.

    :param lines: all of the order's
    """
    cards = {line.pk: line.subtotal_minor for line in lines if line.is_gift_card}
    others = [line for line in lines if not line.is_gift_card]
    goods_minor = order.total_minor - order.shipping_minor - sum(cards.values())
    paid = paid_per_line([_bought(line) for line in others], goods_minor=goods_minor)
    return cards | {line.pk: paid_minor for line, paid_minor in zip(others, paid, strict=True)}


@step
def refunded_units(*, lines: Sequence[OrderLine], payment_id: UUID | None) -> Counter[UUID]:
    """Return line id -> units for which refunds were made that did not fail. One query, none without a payment.

    What older refunds note by variant alone is spread over its lines in their order.
    """
    by_line: Counter[UUID] = Counter()
    by_variant: Counter[UUID] = Counter()
    for item in payment_reads.refunded_items(payment_id=payment_id) if payment_id else []:
        counter, of = (by_line, item["line"]) if item.get("line") else (by_variant, item["variant"])
        counter[UUID(str(of))] += int(item["quantity"])
    found: Counter[UUID] = Counter()
    for line in lines:
        own = min(line.quantity, by_line[line.pk])
        more = min(line.quantity - own, by_variant[line.variant_id])
        by_variant[line.variant_id] -= more
        found[line.pk] = own + more
    return found


def _bought(line: OrderLine) -> Bought:
    cost = line.subtotal_minor - line.discount_minor + line.tax_minor
    return Bought(quantity=line.quantity, cost_minor=max(0, cost))
