"""What staff want each other to know of an order."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from core.transactions import command
from orders.errors import OrderNotFound
from orders.models import Order, OrderNote

if TYPE_CHECKING:
    from accounts.models import User


@command
def add_note(*, order_id: UUID, author: User, text: str) -> OrderNote:
    """Keep a note for staff.

    :raises OrderNotFound: there is no such order
    """
    if not Order.objects.filter(pk=order_id).exists():
        raise OrderNotFound
    note: OrderNote = OrderNote.objects.create(order_id=order_id, author=author, text=text)
    return note
