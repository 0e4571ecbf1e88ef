"""Words and rules of stock."""

from __future__ import annotations

from enum import Enum


class ReservationState(Enum):
    """Held (with an expiry), claimed by payment; over when all is shipped or released: shipped, if any of it was."""

    HELD = "held"
    CLAIMED = "claimed"
    SHIPPED = "shipped"
    RELEASED = "released"


OPEN_RESERVATIONS = frozenset({ReservationState.HELD, ReservationState.CLAIMED})


class Reason(Enum):
    """Why stock moved."""

    RECEIVED = "received"
    DECLARED = "declared"
    ADJUSTED = "adjusted"
    COUNTED = "counted"
    SHIPPED = "shipped"
    RETURNED = "returned"
