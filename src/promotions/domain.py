"""What promotions do to a basket: rules without a database.

A rule is given the basket, and what earlier rules left of its prices. It says what it takes off each line, or why it
does not apply.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain
from uuid import UUID

import msgspec

from core import money


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
    any of them. ``percent_bp`` is in hundredths of a per cent: 10 % is 1000. ``tiers`` are (units of a line,
    percent_bp), ascending. ``refusal`` is what whoever read the tables knew against it (times, limits, codes).
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

    @property
    def keys(self) -> Iterator[UUID | str]:
        """All that it names: lines with any of these match."""
        return chain(self.variants, self.products, self.categories, self.tags)

    @property
    def is_scoped(self) -> bool:
        return bool(self.variants or self.products or self.categories or self.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketLine:
    """One line: what rules know it by."""

    variant_id: UUID
    product_id: UUID
    category_ids: frozenset[UUID]
    tags: frozenset[str]
    quantity: int
    # Its price was agreed: no rule is about it.
    is_fixed: bool = False

    @property
    def keys(self) -> Iterator[UUID | str]:
        """All that a rule may name to be about it."""
        return chain((self.variant_id, self.product_id), self.category_ids, self.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What rules are tried on, one after the other."""

    lines: tuple[BasketLine, ...]
    group_id: UUID | None = None
    is_first_order: bool = False
    # What a rule may name -> the positions of the lines that it is about then.
    places: Mapping[UUID | str, Sequence[int]] = field(init=False)
    # The positions of all lines that rules may be about.
    anywhere: Sequence[int] = field(init=False)
    quantities: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        places: dict[UUID | str, list[int]] = defaultdict(list)
        anywhere = [place for place, line in enumerate(self.lines) if not line.is_fixed]
        for place in anywhere:
            for key in self.lines[place].keys:
                places[key].append(place)
        object.__setattr__(self, "places", dict(places))
        object.__setattr__(self, "anywhere", anywhere)
        object.__setattr__(self, "quantities", tuple(line.quantity for line in self.lines))

    def about(self, rule: Rule) -> Sequence[int]:
        """Return the positions of the lines that the rule is about, ascending."""
        if not rule.is_scoped:
            return self.anywhere
        found = [self.places[key] for key in rule.keys if key in self.places]
        return found[0] if len(found) == 1 else sorted(set(chain.from_iterable(found)))


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a rule did: took ``off`` the lines at ``places``, side by side, in minor units; or why it did nothing."""

    places: Sequence[int] = ()
    off: Sequence[int] = ()
    frees_shipping: bool = False
    reason: Reason | None = None

    @property
    def is_applied(self) -> bool:
        return self.reason is None

    @property
    def discounts(self) -> dict[int, int]:
        """Position of a line -> minor units off, of those lines that cost less now."""
        return {place: minor for place, minor in zip(self.places, self.off, strict=True) if minor}


_REFUSED = {reason: Outcome(reason=reason) for reason in Reason}


class _Parts(msgspec.Struct, frozen=True, gc=False):
    """The lines that match, side by side: where they stand, their units, and what is left of their prices."""

    places: Sequence[int]
    quantities: Sequence[int]
    left: Sequence[int]

    def unit_ranks(self) -> list[int]:
        """What a unit of each costs, as whole numbers that keep the order: quantities have 32 bits at most."""
        return [(left << 64) // quantity for left, quantity in zip(self.left, self.quantities, strict=True)]


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return rules as they are tried: higher priority first, then the older promotion."""
    return tuple(sorted(rules, key=lambda rule: (-rule.priority, rule.id.int)))


def apply(rule: Rule, basket: Basket, left: Sequence[int]) -> Outcome:
    """Try a rule on a basket. It never takes more off a line than is left of it.

    :param left: what is left of each line's price after the rules before, in minor units
    """
    reason = _against_buyer(rule, basket)
    if reason is None:
        parts = _parts_of(rule, basket, left)
        reason = _against_goods(rule, parts)
    if reason is not None:
        return _REFUSED[reason]
    if rule.benefit is Benefit.FREE_SHIPPING:
        return Outcome(frees_shipping=True)
    off = _BENEFITS[rule.benefit](rule, parts)
    return Outcome(places=parts.places, off=off) if any(off) else _REFUSED[Reason.NOTHING_LEFT]


def _parts_of(rule: Rule, basket: Basket, left: Sequence[int]) -> _Parts:
    places = basket.about(rule)
    if len(places) == len(left):
        return _Parts(places, basket.quantities, left)
    return _Parts(places, [basket.quantities[place] for place in places], [left[place] for place in places])


def _against_buyer(rule: Rule, basket: Basket) -> Reason | None:
    if rule.refusal is not None:
        return rule.refusal
    if rule.groups and basket.group_id not in rule.groups:
        return Reason.OTHER_GROUP
    if rule.first_order_only and not basket.is_first_order:
        return Reason.NOT_FIRST_ORDER
    return None


def _against_goods(rule: Rule, parts: _Parts) -> Reason | None:
    """Spend and quantity are those of what matches."""
    if not parts.places:
        return Reason.NOTHING_MATCHES
    if rule.minimum_spend_minor and sum(parts.left) < rule.minimum_spend_minor:
        return Reason.BELOW_MINIMUM_SPEND
    if rule.minimum_quantity and sum(parts.quantities) < rule.minimum_quantity:
        return Reason.BELOW_MINIMUM_QUANTITY
    return None


def _percent(rule: Rule, parts: _Parts) -> Sequence[int]:
    """Off all together the percentage is rounded once, off each line once a line."""
    if rule.per is not Per.ORDER:
        return [money.portion(left, rule.percent_bp, _WHOLE) for left in parts.left]
    return _spread(money.portion(sum(parts.left), rule.percent_bp, _WHOLE), parts)


def _amount(rule: Rule, parts: _Parts) -> Sequence[int]:
    if rule.per is Per.ORDER:
        return _spread(min(rule.amount_minor, sum(parts.left)), parts)
    per_unit = rule.per is Per.UNIT
    return [
        min(rule.amount_minor * (quantity if per_unit else 1), left)
        for quantity, left in zip(parts.quantities, parts.left, strict=True)
    ]


def _cheapest(rule: Rule, parts: _Parts) -> Sequence[int]:
    return _off_cheapest(rule, parts, units=1)


def _buy_x_get_y(rule: Rule, parts: _Parts) -> Sequence[int]:
    """Of every ``buy + get`` units, wherever they stand, the cheapest ``get`` of all are reduced."""
    return _off_cheapest(rule, parts, units=sum(parts.quantities) // (rule.buy + rule.get) * rule.get)


def _tiers(rule: Rule, parts: _Parts) -> Sequence[int]:
    return [
        money.portion(left, _tier(rule, quantity), _WHOLE)
        for quantity, left in zip(parts.quantities, parts.left, strict=True)
    ]


def _tier(rule: Rule, quantity: int) -> int:
    return max((percent_bp for units, percent_bp in rule.tiers if units <= quantity), default=0)


def _off_cheapest(rule: Rule, parts: _Parts, *, units: int) -> Sequence[int]:
    """Take the percentage off so many of the cheapest units; of equals those that stand first."""
    off = [0] * len(parts.left)
    ranks = parts.unit_ranks()
    for i in sorted((i for i, left in enumerate(parts.left) if left), key=ranks.__getitem__):
        reduced = min(units, parts.quantities[i])
        off[i] = money.portion(parts.left[i] * reduced, rule.percent_bp, _WHOLE * parts.quantities[i])
        units -= reduced
    return off


def _spread(minor: int, parts: _Parts) -> Sequence[int]:
    """Split an amount over the lines by what is left of each."""
    return money.share(minor, parts.left) if minor else [0] * len(parts.left)


_WHOLE = 10_000
_BENEFITS: dict[Benefit, Callable[[Rule, _Parts], Sequence[int]]] = {
    Benefit.PERCENT: _percent,
    Benefit.AMOUNT: _amount,
    Benefit.CHEAPEST: _cheapest,
    Benefit.BUY_X_GET_Y: _buy_x_get_y,
    Benefit.TIERS: _tiers,
}
