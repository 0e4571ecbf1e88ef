"""Words and rules of stock."""

from __future__ import annotations

from enum import Enum


class ReservationState(Enum):
    """Held (with an expiry), claimed by payment, then shipped or released."""

    HELD = "held"
    CLAIMED = "claimed"
    SHIPPED = "shipped"
    RELEASED = "released"


class Reason(Enum):
    """Why stock moved."""

    RECEIVED = "received"
    DECLARED = "declared"
    ADJUSTED = "adjusted"
    COUNTED = "counted"
    SHIPPED = "shipped"
    RETURNED = "returned"
