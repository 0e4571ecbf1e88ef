"""Goods, coupons and what a cart costs, as plain Python says it. Amounts are pence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

SHIPPING, FREE_FROM = 395, 5000


class Refused(Exception):
    """The shop says no: with which status, code and facts."""

    def __init__(self, status: int, code: str, /, **facts: object) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.facts = status, code, facts


@dataclass
class Good:
    """Something to buy: what a unit costs, how many there are, and how many of them are promised."""

    price: int
    on_hand: int
    reserved: int = 0

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved


@dataclass
class Coupon:
    """Per cent or pence off the goods; how often in all and by one buyer, and by whom it is used now."""

    percent: int = 0
    amount: int = 0
    minimum: int = 0
    limit: int | None = None
    each: int | None = None
    uses: list[tuple[str, int]] = field(default_factory=list)  # who, for which order

    def against(self, buyer: str) -> str:
        """Return why nobody, or not this buyer, may use it (again)."""
        if self.limit is not None and len(self.uses) >= self.limit:
            return "used_up"
        if self.each is not None and sum(who == buyer for who, _ in self.uses) >= self.each:
            return "used_before"
        return ""


@dataclass
class Line:
    """How many are wanted, and what one cost when the cart was last told."""

    quantity: int
    seen: int


@dataclass
class Cart:
    """What someone is about to buy: SKU -> line, in the order in which they came."""

    lines: dict[str, Line] = field(default_factory=dict)
    coupon: str = ""


@dataclass(frozen=True)
class Price:
    """What a cart costs; ``refused`` is why its coupon does nothing."""

    subtotal: int
    discount: int
    shipping: int
    refused: str

    @property
    def total(self) -> int:
        return self.subtotal - self.discount + self.shipping

    def sent(self, *, is_free: bool) -> Price:
        """Return it as it is where the shop sends the goods at its own cost, or not."""
        return replace(self, shipping=0) if is_free else self


def price_of(cart: Cart, goods: Mapping[str, Good], coupons: Mapping[str, Coupon], buyer: str) -> Price:
    """Price a cart as its goods cost now."""
    return price_goods(
        [(line.quantity, goods[sku].price) for sku, line in cart.lines.items()], cart.coupon, coupons, buyer
    )


def price_goods(lines: Sequence[tuple[int, int]], code: str, coupons: Mapping[str, Coupon], buyer: str) -> Price:
    """Price units at so much each: the coupon off the goods, and delivery by what is left of them."""
    subtotal = sum(quantity * price for quantity, price in lines)
    refused = _against(code, coupons, subtotal if lines else None, buyer)
    discount = 0
    if code and not refused:
        coupon = coupons[code]
        discount = min(coupon.amount, subtotal) or (subtotal * coupon.percent + 50) // 100
    is_free = not lines or subtotal - discount >= FREE_FROM
    return Price(subtotal, discount, 0 if is_free else SHIPPING, refused)


def _against(code: str, coupons: Mapping[str, Coupon], subtotal: int | None, buyer: str) -> str:
    if not code:
        return ""
    if code not in coupons:
        return "unknown_code"
    coupon = coupons[code]
    if refused := coupon.against(buyer):
        return refused
    if subtotal is None:
        return "nothing_matches"
    return "below_minimum_spend" if subtotal < coupon.minimum else ""


def share(whole: int, weights: list[int]) -> list[int]:
    """Split by weights; whoever lost most by rounding down gets a penny more, of equals the first."""
    total = sum(weights)
    parts = [whole * weight // total for weight in weights]
    by_loss = sorted(range(len(weights)), key=lambda i: (-(whole * weights[i] % total), i))
    for place in by_loss[: whole - sum(parts)]:
        parts[place] += 1
    return parts
