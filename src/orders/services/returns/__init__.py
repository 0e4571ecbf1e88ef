"""Goods that come back: asked for, approved, received, inspected, paid back or exchanged."""

from orders.services.returns.deciding import approve_return, cancel_return, receive_return, reject_return
from orders.services.returns.passing_on import pass_on_exchange
from orders.services.returns.picturing import add_return_pictures
from orders.services.returns.requesting import ReturnItem, ReturnWish, request_return
from orders.services.returns.rows import Asker
from orders.services.returns.settling import Inspected, Settlement, settle_return

__all__ = [
    "Asker",
    "Inspected",
    "ReturnItem",
    "ReturnWish",
    "Settlement",
    "add_return_pictures",
    "approve_return",
    "cancel_return",
    "pass_on_exchange",
    "receive_return",
    "reject_return",
    "request_return",
    "settle_return",
]
