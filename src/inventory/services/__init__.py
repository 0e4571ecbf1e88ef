"""Writes of stock. All of them lock the rows of every variant concerned, in id order, before they decide."""

from inventory.services.adjusting import Adjustment, adjust_stock, declare_stock, ensure_default_place, receive_stock
from inventory.services.leaving import lock_promised, release_stock, ship_stock
from inventory.services.reserving import claim_stock, rebook_stock, renew_stock, reserve_stock
from inventory.services.rows import lock_stock

__all__ = [
    "Adjustment",
    "adjust_stock",
    "claim_stock",
    "declare_stock",
    "ensure_default_place",
    "lock_promised",
    "lock_stock",
    "rebook_stock",
    "receive_stock",
    "release_stock",
    "renew_stock",
    "reserve_stock",
    "ship_stock",
]
