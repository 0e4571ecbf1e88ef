"""Writes of orders. Each locks the order, or the cart it comes from, before anything else."""

from orders.services.forgetting import scrub_customer
from orders.services.moving import add_note, expire_unpaid, move_order, move_orders
from orders.services.placing import PlaceOrder, place_order
from orders.services.returning import record_return

__all__ = [
    "PlaceOrder",
    "add_note",
    "expire_unpaid",
    "move_order",
    "move_orders",
    "place_order",
    "record_return",
    "scrub_customer",
]
