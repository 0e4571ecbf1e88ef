"""Words of what follows an order: drafts, returns, withdrawals."""

from __future__ import annotations

from enum import Enum

# Nobody names more lines of an order at once.
MAX_ITEMS = 500


class DraftStatus(Enum):
    """Where an order that staff write stands."""

    OPEN = "open"
    PLACED = "placed"
    CANCELLED = "cancelled"


class LinkState(Enum):
    """What a payment link leads to."""

    ASKS = "asks"
    WAITS = "waits"
    PAID = "paid"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


class ReturnStatus(Enum):
    """Where a return stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    RECEIVED = "received"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


OPEN_RETURNS = frozenset({ReturnStatus.REQUESTED, ReturnStatus.APPROVED, ReturnStatus.RECEIVED})

# from -> to. What is not here is refused.
RETURN_MOVES: dict[ReturnStatus, frozenset[ReturnStatus]] = {
    ReturnStatus.REQUESTED: frozenset({ReturnStatus.APPROVED, ReturnStatus.REJECTED, ReturnStatus.CANCELLED}),
    ReturnStatus.APPROVED: frozenset({ReturnStatus.RECEIVED, ReturnStatus.REJECTED, ReturnStatus.CANCELLED}),
    ReturnStatus.RECEIVED: frozenset({ReturnStatus.COMPLETED}),
    ReturnStatus.COMPLETED: frozenset(),
    ReturnStatus.REJECTED: frozenset(),
    ReturnStatus.CANCELLED: frozenset(),
}


class ReturnReason(Enum):
    """Why something comes back."""

    DAMAGED = "damaged"
    FAULTY = "faulty"
    WRONG_ITEM = "wrong_item"
    NOT_AS_DESCRIBED = "not_as_described"
    TOO_BIG = "too_big"
    TOO_SMALL = "too_small"
    ARRIVED_LATE = "arrived_late"
    CHANGED_MIND = "changed_mind"
    WITHDRAWAL = "withdrawal"
    OTHER = "other"


class Resolution(Enum):
    """What is done about it."""

    REFUND = "refund"
    STORE_CREDIT = "store_credit"
    EXCHANGE = "exchange"


class WithdrawalStatus(Enum):
    """How far a withdrawal is."""

    DECLARED = "declared"
    CONFIRMED = "confirmed"
