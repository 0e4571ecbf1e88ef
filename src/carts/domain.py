"""Words and rules of carts."""

from __future__ import annotations

from enum import Enum


class CartState(Enum):
    """Open, turned into an order, or merged into another cart."""

    OPEN = "open"
    ORDERED = "ordered"
    MERGED = "merged"
