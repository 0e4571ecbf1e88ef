"""Why orders cost what they cost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from django.db.models import Exists, OuterRef, QuerySet

from core.compiled import Compiled
from orders.errors import OrderNotFound, ReceiptNotFound
from orders.models import Order, OrderReceipt
from orders.selectors.reading import visible_orders
from pricing.domain import CartFacts, Step

if TYPE_CHECKING:
    from accounts.models import User

_FACTS = msgspec.json.Decoder(CartFacts)
_STEPS = msgspec.json.Decoder(tuple[Step, ...])
_THAT_HOLDS: Compiled[OrderReceipt] = Compiled(
    lambda order_id: OrderReceipt.objects.filter(order=order_id).order_by("-revision")[:1], order_id=UUID
)

_ALL_THAT_HOLD: Compiled[OrderReceipt] = Compiled(
    lambda orders: OrderReceipt.objects.filter(order__any_of=orders).order_by("order", "-revision").distinct("order"),
    orders=[UUID],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How an order came to its total, as of one revision: the first is that of its placing."""

    order: Order
    revision: int
    facts: CartFacts
    steps: tuple[Step, ...]

    @property
    def total_minor(self) -> int:
        return sum(step.amount_minor for step in self.steps)


def get_receipt(
    *, order_id: UUID, viewer: User | None, token: str | None = None, revision: int | None = None
) -> Receipt:
    """Return the steps of an order's price, in their order. Two queries (staff: and their permissions).

    :param revision: without it, the one that holds
    :raises OrderNotFound: there is none, or it is not the viewer's (nor does the token fit)
    :raises ReceiptNotFound: there is no such revision, or the prices were agreed elsewhere, as of an imported order
    """
    order: Order | None = visible_orders(viewer=viewer, token=token).filter(pk=order_id).first()
    if order is None or not order.is_shown_to(token=token, viewer=viewer):
        raise OrderNotFound
    receipt = find_receipt(order=order, revision=revision)
    if receipt is None:
        raise ReceiptNotFound
    return receipt


def find_receipt(*, order: Order, revision: int | None = None) -> Receipt | None:
    """Return how an order came to its total; ``None`` where that was agreed elsewhere. One query.

    :param revision: without it, the one that holds
    """
    if revision is None:
        row = _THAT_HOLDS.first(order_id=order.pk)
    else:
        row = OrderReceipt.objects.filter(order=order, revision=revision).first()
    if row is None:
        return None
    return Receipt(order=order, revision=row.revision, facts=read_facts(row.facts), steps=read_steps(row.steps))


def facts_of(*, orders: Collection[UUID]) -> dict[UUID, CartFacts]:
    """Return what the prices of orders were made from; nothing of those that were agreed elsewhere. One query."""
    rows = _ALL_THAT_HOLD.all(orders=orders)
    return {row.order_id: read_facts(row.facts) for row in rows}


def receipts_that_hold() -> QuerySet[OrderReceipt]:
    """Return the last receipt of each order."""
    later = OrderReceipt.objects.filter(order=OuterRef("order"), revision__gt=OuterRef("revision"))
    rows: QuerySet[OrderReceipt] = OrderReceipt.objects.filter(~Exists(later))
    return rows


def read_facts(text: str) -> CartFacts:
    """Return the facts that were kept with an order."""
    return _FACTS.decode(text)


def read_steps(text: str) -> tuple[Step, ...]:
    """Return the steps that were kept with an order."""
    return _STEPS.decode(text)
