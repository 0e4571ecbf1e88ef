"""Why orders cost what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from orders.errors import OrderNotFound, ReceiptNotFound
from orders.models import Order, OrderReceipt
from orders.selectors.reading import visible_orders
from pricing.domain import CartFacts, Step

if TYPE_CHECKING:
    from accounts.models import User

_FACTS = msgspec.json.Decoder(CartFacts)
_STEPS = msgspec.json.Decoder(tuple[Step, ...])


def get_receipt(*, order_id: UUID, viewer: User | None, token: str | None = None) -> tuple[Order, tuple[Step, ...]]:
    """Return an order with the steps of its price, in their order. Two queries (staff: and their permissions).

    :raises OrderNotFound: there is none, or it is not the viewer's (nor does the token fit)
    :raises ReceiptNotFound: its prices were agreed elsewhere, such as those of an order that was imported
    """
    order: Order | None = visible_orders(viewer=viewer, token=token).filter(pk=order_id).first()
    if order is None or not order.is_shown_to(token=token, viewer=viewer):
        raise OrderNotFound
    steps = find_receipt(order=order)
    if not steps:
        raise ReceiptNotFound
    return order, steps


def find_receipt(*, order: Order) -> tuple[Step, ...]:
    """Return the steps of an order's price, none where it was agreed elsewhere. One query."""
    receipt: OrderReceipt | None = OrderReceipt.objects.filter(order=order).first()
    return () if receipt is None else read_steps(receipt.steps)


def read_facts(text: str) -> CartFacts:
    """Return the facts that were kept with an order."""
    return _FACTS.decode(text)


def read_steps(text: str) -> tuple[Step, ...]:
    """Return the steps that were kept with an order."""
    return _STEPS.decode(text)
