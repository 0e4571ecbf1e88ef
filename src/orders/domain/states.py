"""Words and rules of orders: states, moves, numbers."""

from __future__ import annotations

from enum import Enum
from hashlib import blake2s
from uuid import UUID


class OrderStatus(Enum):
    """Where an order stands."""

    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class MovedBy(Enum):
    """Who moved an order, as its customer is told."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"


# from -> to. What is not here is refused.
MOVES: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PENDING: frozenset({OrderStatus.PAID, OrderStatus.CANCELLED}),
    OrderStatus.PAID: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.DELIVERED}),
    OrderStatus.DELIVERED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to misread.
_BITS = 34
_HALF = _BITS // 2
_MASK = (1 << _HALF) - 1


def may_move(here: OrderStatus, there: OrderStatus) -> bool:
    """Tell whether the table allows the move."""
    return there in MOVES[here]


def order_number(sequence: int, key: bytes) -> str:
    """Return the human number of the n-th order: unique, and without telling how many there were.

    A four-round Feistel permutation of 34 bits (Luby and Rackoff, 1988), written in seven base-32 digits.

    :raises ValueError: the sequence has left its 34 bits
    """
    if not 0 <= sequence < 1 << _BITS:
        raise ValueError("order numbers are used up")
    left, right = sequence >> _HALF, sequence & _MASK
    for turn in range(4):
        left, right = right, left ^ (_round(right, turn, key) & _MASK)
    mixed = left << _HALF | right
    digits = "".join(_ALPHABET[mixed >> shift & 31] for shift in range(30, -1, -5))
    return f"N-{digits[:3]}-{digits[3:]}"


def _round(half: int, turn: int, key: bytes) -> int:
    digest = blake2s(bytes([turn]) + half.to_bytes(4, "big"), key=key[:32], digest_size=8).digest()
    return int.from_bytes(digest, "big")


def gift_card_sources(*, line_id: UUID, units: int) -> list[str]:
    """Return what names each unit of a line that becomes a gift card."""
    return [f"{line_id}:{unit}" for unit in range(1, units + 1)]
