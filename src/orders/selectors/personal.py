"""Reads of all that orders hold of a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from core.pagination import walk
from orders.domain import gift_card_sources
from orders.models import DraftOrder, Order
from orders.selectors.receipts import Receipt, read_facts, read_steps
from payments import selectors as payment_reads
from promotions import selectors as promotion_reads

if TYPE_CHECKING:
    from payments.models import Balance, Payment
    from promotions.models import PromotionUse

_WHOLE = (
    "lines",
    "moves",
    "fulfilments__lines",
    "edits",
    "receipts",
    "invoices__parties",
    "returns__lines__line",
    "returns__pictures",
    "returns__withdrawal",
    "withdrawals",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalOrder:
    """An order with all that belongs to it: how it is paid, the gift cards among its goods, and its promotions."""

    order: Order
    payment: Payment | None
    gift_cards: list[Balance]
    uses: list[PromotionUse]

    @property
    def receipts(self) -> list[Receipt]:
        """How it came to its total, each time that it was priced."""
        rows = sorted(self.order.receipts.all(), key=lambda row: row.revision)
        return [
            Receipt(order=self.order, revision=row.revision, facts=read_facts(row.facts), steps=read_steps(row.steps))
            for row in rows
        ]


def personal_orders(*, customer_id: UUID) -> Iterator[PersonalOrder]:
    """Return a customer's orders, oldest first: 22 queries for each 200, so that memory does not grow with them."""
    rows = Order.objects.filter(customer=customer_id).select_related("market").prefetch_related(*_WHOLE)
    for orders in walk(rows, order=("placed_at", "pk")):
        yield from _with_money(orders)


def drafts_for(*, customer_id: UUID) -> QuerySet[DraftOrder]:
    """Return what staff drafted for a customer, with its market; one query when read."""
    rows: QuerySet[DraftOrder] = DraftOrder.objects.filter(customer=customer_id)
    return rows.select_related("market")


def _with_money(orders: Sequence[Order]) -> Iterator[PersonalOrder]:
    ids = [order.pk for order in orders]
    sources = {order.pk: _sources(order) for order in orders if order.has_gift_cards}
    payments = payment_reads.payments_of_orders(order_ids=ids)
    cards = payment_reads.sold_gift_cards(sources=[source for named in sources.values() for source in named])
    uses = promotion_reads.uses_of_orders(order_ids=ids)
    for order in orders:
        mine = [cards[source] for source in sources.get(order.pk, ()) if source in cards]
        yield PersonalOrder(order=order, payment=payments.get(order.pk), gift_cards=mine, uses=uses.get(order.pk, []))


def _sources(order: Order) -> list[str]:
    lines = (line for line in order.lines.all() if line.is_gift_card)
    return [source for line in lines for source in gift_card_sources(line_id=line.pk, units=line.quantity)]
