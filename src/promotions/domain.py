"""What promotions do to a basket: rules without a database.

A rule is given the basket as earlier rules left it, and says what it takes off each line, or why it does not apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID


class Benefit(Enum):
    """What a promotion gives."""

    PERCENT = "percent"
    AMOUNT = "amount"
    CHEAPEST = "cheapest"
    BUY_X_GET_Y = "buy_x_get_y"
    TIERS = "tiers"
    FREE_SHIPPING = "free_shipping"


class Per(Enum):
    """What an amount is taken off: all that matches together, each line, or each unit."""

    ORDER = "order"
    LINE = "line"
    UNIT = "unit"


class Reason(Enum):
    """Why a rule did not apply."""

    NOTHING_MATCHES = "nothing_matches"
    BELOW_MINIMUM_SPEND = "below_minimum_spend"
    BELOW_MINIMUM_QUANTITY = "below_minimum_quantity"
    NOT_FIRST_ORDER = "not_first_order"
    OTHER_GROUP = "other_group"
    OTHER_MARKET = "other_market"
    NOT_STARTED = "not_started"
    ENDED = "ended"
    USED_UP = "used_up"
    USED_BEFORE = "used_before"
    UNKNOWN_CODE = "unknown_code"
    EXCLUDED = "excluded"
    NOTHING_LEFT = "nothing_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A promotion as it is tried on a basket, in one market's currency. Higher ``priority`` comes first.

    Without ``variants``, ``products``, ``categories`` and ``tags`` every line matches; else a line that is named by
    any of them. ``percent_bp`` is in hundredths of a per cent: 10 % is 1000. ``tiers`` are (units of a line, percent_bp),
    ascending. ``refusal`` is what the reader of the tables knew to speak against it (times, limits, codes).
    """

    id: UUID
    name: str
    benefit: Benefit
    code: str = ""
    coupon_id: UUID | None = None
    percent_bp: int = 0
    amount_minor: int = 0
    per: Per = Per.ORDER
    buy: int = 0
    get: int = 0
    tiers: tuple[tuple[int, int], ...] = ()
    variants: frozenset[UUID] = frozenset()
    products: frozenset[UUID] = frozenset()
    categories: frozenset[UUID] = frozenset()
    tags: frozenset[str] = frozenset()
    minimum_spend_minor: int = 0
    minimum_quantity: int = 0
    first_order_only: bool = False
    groups: frozenset[UUID] = frozenset()
    priority: int = 0
    is_exclusive: bool = False
    refusal: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketLine:
    """One line. ``left_minor`` is what is left of its price after the rules before."""

    variant_id: UUID
    product_id: UUID
    category_ids: frozenset[UUID]
    tags: frozenset[str]
    quantity: int
    left_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What a rule is tried on."""

    lines: tuple[BasketLine, ...]
    group_id: UUID | None = None
    is_first_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a rule did: position of a line -> minor units off; or why it did nothing."""

    discounts: Mapping[int, int] = field(default_factory=dict)
    frees_shipping: bool = False
    reason: Reason | None = None

    @property
    def is_applied(self) -> bool:
        return self.reason is None
