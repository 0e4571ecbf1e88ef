"""Carts, orders and parcels, as plain Python says they behave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.model.goods import Cart, Coupon, Good, Line, Price, Refused, price_goods, price_of
from tests.model.money import Till

PAID = ("paid", "shipped", "delivered")
MOVES = {"pending": ("paid", "cancelled"), "paid": ("shipped", "cancelled"), "shipped": ("delivered",)}
UNPAID_HOURS = 24


@dataclass(eq=False)
class OrderLine:
    """What was bought: how many at which price, and what became of them."""

    sku: str
    quantity: int
    price: int
    shipped: int = 0
    cancelled: int = 0
    restocked: int = 0
    returning: int = 0
    returned: int = 0

    @property
    def counted(self) -> tuple[str | int, ...]:
        return self.sku, self.quantity, self.shipped, self.cancelled, self.returning, self.returned

    @property
    def away(self) -> int:
        """Units that were sent and are neither back, by a return or a refund, nor on their way."""
        return self.shipped - self.returned - self.returning - self.restocked

    @property
    def open(self) -> int:
        return self.quantity - self.shipped - self.cancelled


@dataclass(eq=False)
class Order:
    """What someone agreed to buy. ``parcels``: for each that left, whether it arrived."""

    number: int
    who: str
    lines: list[OrderLine]
    price: Price
    coupon: str
    lapses_at: float
    state: str = "pending"
    moved_by: str = "customer"
    till: Till | None = None
    was_paid: bool = False
    # Of what has a price that staff agreed to, no coupon changes it.
    is_agreed: bool = False
    is_sent_free: bool = False
    parcels: list[bool] = field(default_factory=list)

    @property
    def is_begun(self) -> bool:
        """An attempt to pay it is under way."""
        return self.till is not None and self.till.live is not None

    @property
    def money(self) -> Till:
        assert self.till is not None
        return self.till

    def line(self, sku: str) -> OrderLine:
        return next(line for line in self.lines if line.sku == sku)


@dataclass(eq=False)
class Stall:
    """Where things are bought. Who buys is named; of those in ``guests`` nothing is known before they order."""

    goods: dict[str, Good]
    coupons: dict[str, Coupon]
    guests: frozenset[str] = frozenset()
    carts: dict[str, Cart] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    bought_last: dict[str, Order] = field(default_factory=dict)
    left_behind: list[Order] = field(default_factory=list)
    hours: float = 0.0

    def price(self, who: str) -> Price:
        buyer = "" if who in self.guests else who
        return price_of(self.carts.get(who, Cart()), self.goods, self.coupons, buyer)

    def add(self, who: str, sku: str, units: int) -> None:
        cart = self.carts.get(who) or Cart()
        line = cart.lines.get(sku)
        self._put(cart, sku, (line.quantity if line else 0) + units)
        self.carts[who] = cart

    def change(self, who: str, sku: str, units: int) -> None:
        self._put(self.carts[who], sku, units)

    def _put(self, cart: Cart, sku: str, units: int) -> None:
        good, line = self.goods[sku], cart.lines.get(sku)
        before = line.quantity if line else 0
        if units > before and units > good.free:
            raise Refused(409, "inventory.out_of_stock", short={sku: units - good.free})
        cart.lines[sku] = Line(units, good.price)

    def remove(self, who: str, sku: str) -> None:
        del self.carts[who].lines[sku]

    def clear(self, who: str) -> None:
        if who in self.carts:
            self.carts[who].lines.clear()

    def enter(self, who: str, coupon: str) -> None:
        before = self.carts.get(who)
        self.carts[who] = replace(before or Cart(), coupon=coupon)
        refused = self.price(who).refused
        if refused in ("unknown_code", "used_up", "used_before"):
            if before is None:
                del self.carts[who]
            else:
                self.carts[who] = before
            raise Refused(422, "carts.coupon_refused", coupon=coupon, reason=refused)

    def warnings(self, who: str) -> list[tuple[str, str]]:
        """Return (code, SKU) of each, in their order."""
        cart = self.carts.get(who, Cart())
        found = []
        for sku, line in cart.lines.items():
            good = self.goods[sku]
            if line.quantity > good.free:
                found.append(("low_stock" if good.free else "out_of_stock", sku))
            if line.seen != good.price:
                found.append(("price_changed", sku))
        if cart.lines and self.price(who).refused:
            found.append(("coupon_not_applied", ""))
        return found

    def place(self, who: str, expected: int | None) -> Order:
        cart = self.carts.get(who)
        if cart is None and who in self.guests and who in self.bought_last:
            return self.bought_last[who]  # the token still names the cart that became this order
        if cart is None or not cart.lines:
            raise Refused(409, "carts.cart_empty")
        lines = [OrderLine(sku, line.quantity, self.goods[sku].price) for sku, line in cart.lines.items()]
        order = self.bought_last[who] = self.agree(who, lines, cart.coupon, UNPAID_HOURS, expected)
        del self.carts[who]
        return order

    def agree(
        self,
        who: str,
        lines: list[OrderLine],
        coupon: str,
        hours: float,
        expected: int | None = None,
        *,
        is_sent_free: bool = False,
    ) -> Order:
        """Make an order that may be paid for so many hours."""
        price = self.quote(who, lines, coupon).sent(is_free=is_sent_free)
        if expected is not None and expected != price.total:
            raise Refused(409, "orders.total_changed")
        self.promise_goods({line.sku: line.quantity for line in lines})
        order = Order(len(self.orders), who, lines, price, coupon, self.hours + hours, is_sent_free=is_sent_free)
        if coupon:
            self.coupons[coupon].uses.append((who, order.number))
        self.orders.append(order)
        return order

    def quote(self, who: str, lines: Sequence[OrderLine], coupon: str, again: Order | None = None) -> Price:
        """Return what lines cost, instead of those of an order; their coupon is to apply."""
        mine = (who, again.number) if again else None
        coupons = {
            code: replace(known, uses=[use for use in known.uses if use != mine])
            for code, known in self.coupons.items()
        }
        price = price_goods([(line.quantity, line.price) for line in lines], coupon, coupons, who)
        if price.refused == "unknown_code":
            raise Refused(422, "orders.coupon_unknown")
        if price.refused:
            raise Refused(409, "orders.coupon_refused", reason=price.refused)
        return price

    def buy(self, who: str, sku: str) -> Order:
        """Put one of it into an empty cart, and order."""
        self.add(who, sku, 1)
        return self.place(who, None)

    def promise_goods(self, units: Mapping[str, int]) -> None:
        self.refuse_short(units)
        for sku, n in units.items():
            self.goods[sku].reserved += n

    def refuse_short(self, units: Mapping[str, int]) -> None:
        short = {sku: n - self.goods[sku].free for sku, n in units.items() if n > self.goods[sku].free}
        if short:
            raise Refused(409, "inventory.out_of_stock", short=short)

    def let_go(self, order: Order, by: str) -> None:
        """Cancel an order of which nothing was sent: goods and coupon are free again, money goes back later."""
        order.state, order.moved_by = "cancelled", by
        for line in order.lines:
            self.goods[line.sku].reserved -= line.open
            line.cancelled = line.quantity
        if order.coupon:
            self.coupons[order.coupon].uses.remove((order.who, order.number))
        self.left_behind.append(order)

    def send(self, order: Order, units: Mapping[str, int]) -> None:
        """Send units in a parcel; the last ones move the order on."""
        if order.state != "paid":
            raise Refused(409, "orders.move_refused", from_status=order.state)
        if any(order.line(sku).open < n for sku, n in units.items()):
            raise Refused(409, "orders.units_refused")
        for sku, n in units.items():
            order.line(sku).shipped += n
            self.goods[sku].reserved -= n
            self.goods[sku].on_hand -= n
        order.parcels.append(False)
        self.complete(order)

    def complete(self, order: Order) -> None:
        """Move an order on of which nothing is owed any more."""
        if not any(line.open for line in order.lines):
            order.state = "delivered" if all(order.parcels) else "shipped"
            order.moved_by = "staff"

    def deliver(self, order: Order, parcel: int) -> None:
        order.parcels[parcel] = True
        if order.state == "shipped" and all(order.parcels):
            order.state = "delivered"

    def adjust(self, sku: str, difference: int) -> None:
        good = self.goods[sku]
        if good.on_hand + difference < good.reserved:
            raise Refused(409, "inventory.stock_promised")
        good.on_hand += difference
