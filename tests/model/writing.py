"""Orders that staff write or change, as plain Python says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tests.model.agreeing import Order, OrderLine
from tests.model.exchanging import DRAFT_HOURS, Exchanging
from tests.model.goods import Refused
from tests.model.money import Attempt, Charge, Till


@dataclass(eq=False)
class Office(Exchanging):
    """The whole shop."""

    def draft(self, who: str, units: Mapping[str, int], coupon: str, agreed: Mapping[str, int]) -> Order:
        """Let staff place an order for a customer; ``agreed``: SKU -> what it costs them, in pence."""
        lines = [OrderLine(sku, n, agreed.get(sku, self.goods[sku].price)) for sku, n in units.items()]
        order = self.agree(who, lines, coupon, DRAFT_HOURS)
        order.is_agreed = bool(agreed)
        return order

    def edit(self, order: Order, units: Mapping[str, int], coupon: str) -> None:
        """Let staff say anew what is in an order, and its coupon. What it has already keeps its price."""
        if order.state != "pending":
            raise Refused(409, "orders.edit_refused", order_status=order.state)
        prices = {line.sku: line.price for line in order.lines}
        lines = [OrderLine(sku, n, prices.get(sku, self.goods[sku].price)) for sku, n in units.items()]
        price = self.quote(order.who, lines, coupon, again=order).sent(is_free=order.is_sent_free)
        more = Counter(units)
        more.subtract({line.sku: line.quantity for line in order.lines})
        self.refuse_short(more)
        if price.total != order.price.total and not self._make_room(order):
            self.edit(order, units, coupon)
            return
        self.promise_goods(more)
        if order.coupon:
            self.coupons[order.coupon].uses.remove((order.who, order.number))
        if coupon:
            self.coupons[coupon].uses.append((order.who, order.number))
        order.lines, order.price, order.coupon = lines, price, coupon
        order.till = order.till or Till(price.total, self.balances)
        if order.till.amount != price.total:
            self._follow(order, order.till)

    def _make_room(self, order: Order) -> bool:
        """Tell whether nobody is about to pay the old total; who is on a page is called off."""
        live = order.till.live if order.till else None
        if live is None:
            return True
        if live.state != "requires_action" or live.is_unwanted:
            raise Refused(409, "payments.in_progress")
        assert live.charge is not None
        self.gateway.void(live.charge)
        self.learn(order, live, live.charge)
        return False

    def _follow(self, order: Order, till: Till) -> None:
        """Give back of what was paid what is too much; from a balance the rest is taken anew."""
        taken, undone, total = till.taken(), list[Attempt](), order.price.total
        while till.captured - sum(attempt.captured for attempt in undone) > total:
            undone.append(taken.pop(0))
        till.take_out(undone)
        till.amount = total
        again = next((attempt for attempt in reversed(undone) if attempt.balance), None)
        if again is not None and till.captured < total:
            amount = min(again.captured, self.balances[again.balance], total - till.captured)
            self.balances[again.balance] -= amount
            anew = self.attempt(order, Attempt(amount, again.card, balance=again.balance))
            self.learn(order, anew, Charge(amount, again.card, "captured", captured=amount))
        elif till.captured == total:
            self.confirm(order)
