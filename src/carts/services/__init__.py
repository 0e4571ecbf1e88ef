"""Writes of carts. Each locks the cart before it reads the items."""

from carts.services.closing import close_cart, forget_abandoned, lock_cart
from carts.services.filling import add_item, change_item, clear_cart, fill_cart, remove_item
from carts.services.merging import merge_guest_cart, merge_items, merge_token
from carts.services.wishing import set_terms

__all__ = [
    "add_item",
    "change_item",
    "clear_cart",
    "close_cart",
    "fill_cart",
    "forget_abandoned",
    "lock_cart",
    "merge_guest_cart",
    "merge_items",
    "merge_token",
    "remove_item",
    "set_terms",
]
