"""Writes of stock. All of them lock the rows of every variant concerned, in id order, before they decide."""

from inventory.services.adjusting import Adjustment, adjust_stock, declare_stock, ensure_default_place, receive_stock
from inventory.services.reserving import (
    claim_stock,
    lock_promised,
    release_stock,
    renew_stock,
    reserve_stock,
    ship_stock,
)

__all__ = [
    "Adjustment",
    "adjust_stock",
    "claim_stock",
    "declare_stock",
    "ensure_default_place",
    "lock_promised",
    "receive_stock",
    "release_stock",
    "renew_stock",
    "reserve_stock",
    "ship_stock",
]
