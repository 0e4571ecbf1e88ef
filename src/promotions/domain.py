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

    def __post_init__(self) -> None:
        places: dict[UUID | str, list[int]] = defaultdict(list)
        for place, line in enumerate(self.lines):
            for key in line.keys:
                places[key].append(place)
        object.__setattr__(self, "places", dict(places))

    def about(self, rule: Rule) -> Sequence[int]:
        """Return the positions of the lines that the rule is about, ascending."""
        if not rule.is_scoped:
            return range(len(self.lines))
        return sorted({place for key in rule.keys for place in self.places.get(key, ())})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a rule did: position of a line -> minor units off; or why it did nothing."""

    discounts: Mapping[int, int] = field(default_factory=dict)
    frees_shipping: bool = False
    reason: Reason | None = None

    @property
    def is_applied(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, slots=True)
class _Part:
    """A line that matches: its units, and what is left of its price."""

    quantity: int
    left_minor: int

    @property
    def unit_rank(self) -> int:
        """What a unit costs, as a whole number that keeps the order: quantities have 32 bits at most."""
        return (self.left_minor << 64) // self.quantity


_Parts = Mapping[int, _Part]


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return rules as they are tried: higher priority first, then the older promotion."""
    return tuple(sorted(rules, key=lambda rule: (-rule.priority, rule.id)))


def apply(rule: Rule, basket: Basket, left: Sequence[int]) -> Outcome:
    """Try a rule on a basket. It never takes more off a line than is left of it.

    :param left: what is left of each line's price after the rules before, in minor units
    """
    if reason := _against_buyer(rule, basket):
        return Outcome(reason=reason)
    parts = {place: _Part(basket.lines[place].quantity, left[place]) for place in basket.about(rule)}
    if reason := _against_goods(rule, parts):
        return Outcome(reason=reason)
    if rule.benefit is Benefit.FREE_SHIPPING:
        return Outcome(frees_shipping=True)
    found = _BENEFITS[rule.benefit](rule, parts)
    discounts = {place: minor for place, minor in found.items() if minor}
    return Outcome(discounts=discounts) if discounts else Outcome(reason=Reason.NOTHING_LEFT)


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
    if not parts:
        return Reason.NOTHING_MATCHES
    if rule.minimum_spend_minor and sum(part.left_minor for part in parts.values()) < rule.minimum_spend_minor:
        return Reason.BELOW_MINIMUM_SPEND
    if rule.minimum_quantity and sum(part.quantity for part in parts.values()) < rule.minimum_quantity:
        return Reason.BELOW_MINIMUM_QUANTITY
    return None


def _percent(rule: Rule, parts: _Parts) -> dict[int, int]:
    """Off all together the percentage is rounded once, off each line once a line."""
    if rule.per is not Per.ORDER:
        return {place: money.portion(part.left_minor, rule.percent_bp, _WHOLE) for place, part in parts.items()}
    left = sum(part.left_minor for part in parts.values())
    return _spread(money.portion(left, rule.percent_bp, _WHOLE), parts)


def _amount(rule: Rule, parts: _Parts) -> dict[int, int]:
    if rule.per is Per.ORDER:
        return _spread(min(rule.amount_minor, sum(part.left_minor for part in parts.values())), parts)
    per_unit = rule.per is Per.UNIT
    return {
        place: min(rule.amount_minor * (part.quantity if per_unit else 1), part.left_minor)
        for place, part in parts.items()
    }


def _cheapest(rule: Rule, parts: _Parts) -> dict[int, int]:
    return _off_cheapest(rule, parts, units=1)


def _buy_x_get_y(rule: Rule, parts: _Parts) -> dict[int, int]:
    """Of every ``buy + get`` units, wherever they stand, the cheapest ``get`` of all are reduced."""
    units = sum(part.quantity for part in parts.values())
    return _off_cheapest(rule, parts, units=units // (rule.buy + rule.get) * rule.get)


def _tiers(rule: Rule, parts: _Parts) -> dict[int, int]:
    return {place: money.portion(part.left_minor, _tier(rule, part.quantity), _WHOLE) for place, part in parts.items()}


def _tier(rule: Rule, quantity: int) -> int:
    return max((percent_bp for units, percent_bp in rule.tiers if units <= quantity), default=0)


def _off_cheapest(rule: Rule, parts: _Parts, *, units: int) -> dict[int, int]:
    """Take the percentage off so many of the cheapest units; of equals those that stand first."""
    if not units:
        return {}
    priced = {place: part for place, part in parts.items() if part.left_minor}
    off = {}
    for place in sorted(priced, key=lambda place: (priced[place].unit_rank, place)):
        part = priced[place]
        reduced = min(units, part.quantity)
        off[place] = money.portion(part.left_minor * reduced, rule.percent_bp, _WHOLE * part.quantity)
        units -= reduced
    return off


def _spread(minor: int, parts: _Parts) -> dict[int, int]:
    """Split an amount over the lines by what is left of each."""
    weights = [part.left_minor for part in parts.values()]
    if not minor or not any(weights):
        return {}
    return dict(zip(parts, money.share(minor, weights), strict=True))


_WHOLE = 10_000
_BENEFITS: dict[Benefit, Callable[[Rule, _Parts], dict[int, int]]] = {
    Benefit.PERCENT: _percent,
    Benefit.AMOUNT: _amount,
    Benefit.CHEAPEST: _cheapest,
    Benefit.BUY_X_GET_Y: _buy_x_get_y,
    Benefit.TIERS: _tiers,
}
