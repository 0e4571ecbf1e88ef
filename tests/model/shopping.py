"""Rules of the state machine: carts, coupons, stock and orders."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.agreeing import Order
from tests.model.compared import COUPONS, EVERYBODY, Compared, few, money, nth, people, skus
from tests.model.goods import Price

_FEW = 4
_PRICES = st.sampled_from([70, 999, 1250, 2495])


class Shopping(Compared):
    """Until an order is placed, and what can become of it without money."""

    def has_items(self) -> bool:
        return any(self.items.values())

    def item(self, number: int) -> tuple[str, str, str]:
        """Return whose, what and which id."""
        found = [(who, sku, pk) for who in EVERYBODY for sku, pk in self.items[who].items()]
        return found[number % len(found)]

    @rule(who=people, sku=skus, units=few)
    def add(self, who: str, sku: str, units: int) -> None:
        body = {"variant": self.real.variants[sku], "quantity": units}
        _, said = self.both(
            lambda: self.shop.add(who, sku, units), lambda: self.real.fill(who, "POST", "cart/items", body)
        )
        self.compare_cart(who, said)

    @precondition(has_items)
    @rule(number=nth, units=few)
    def change(self, number: int, units: int) -> None:
        who, sku, pk = self.item(number)
        _, said = self.both(
            lambda: self.shop.change(who, sku, units),
            lambda: self.real.fill(who, "PATCH", f"cart/items/{pk}", {"quantity": units}),
        )
        self.compare_cart(who, said)

    @precondition(has_items)
    @rule(number=nth)
    def remove(self, number: int) -> None:
        who, sku, pk = self.item(number)
        self.both(lambda: self.shop.remove(who, sku), lambda: self.real.fill(who, "DELETE", f"cart/items/{pk}", None))
        del self.items[who][sku]

    @precondition(has_items)
    @rule(who=people)
    def clear(self, who: str) -> None:
        self.both(lambda: self.shop.clear(who), lambda: self.real.fill(who, "DELETE", "cart", None))
        self.items[who].clear()

    @rule(who=people, code=st.sampled_from([*sorted(COUPONS), *sorted(COUPONS), "NOTHING", ""]))
    def enter(self, who: str, code: str) -> None:
        _, said = self.both(
            lambda: self.shop.enter(who, code), lambda: self.real.fill(who, "PATCH", "cart", {"coupon": code})
        )
        self.compare_cart(who, said)

    @precondition(has_items)
    @rule(who=people)
    def look(self, who: str) -> None:
        self.compare_cart(who, self.real.cart(who))

    def compare_cart(self, who: str, said: Any) -> None:
        """Compare a cart with the model's, and keep the ids of its items."""
        if said is None:
            return
        cart = self.shop.carts.get(who)
        lines = [(sku, line.quantity) for sku, line in cart.lines.items()] if cart else []
        assert [(item["sku"], item["quantity"]) for item in said["items"]] == lines
        for item in said["items"]:
            price = self.shop.goods[item["sku"]].price
            assert (item["unit_price"], item["line_total"]) == (money(price), money(price * item["quantity"]))
        self.compare_price(self.shop.price(who), said)
        assert said["coupon"] == (cart.coupon if cart else "")
        self.items[who] = {item["sku"]: item["id"] for item in said["items"]}
        names = {pk: sku for sku, pk in self.items[who].items()}
        warnings = [(warning["code"], names.get(warning["item"], "")) for warning in said["warnings"]]
        assert warnings == self.shop.warnings(who)

    def compare_price(self, price: Price, said: Any) -> None:
        shown = {name: said[name] for name in ("subtotal", "discount", "shipping", "total")}
        assert shown == {name: money(getattr(price, name)) for name in shown}

    def has_few_pending(self) -> bool:
        return sum(order.state == "pending" for order in self.shop.orders) < _FEW

    @precondition(has_few_pending)
    @rule(who=people, sku=skus)
    def buy(self, who: str, sku: str) -> None:
        """Put one more in and order at once."""
        self.add(who, sku, 1)
        if who in self.shop.carts:
            self.place(who, "right", 0)

    @precondition(has_items)
    @rule(who=people, agreed=st.sampled_from(["", "", "right", "wrong"]), extra=st.sampled_from([-1, 1, 395]))
    def place(self, who: str, agreed: str, extra: int) -> None:
        total = self.shop.price(who).total
        expected = {"": None, "right": total, "wrong": max(0, total + extra)}[agreed]
        order, said = self.both(lambda: self.shop.place(who, expected), lambda: self.real.place(who, expected))
        if order is not None:
            self.items[who] = {}
            self.compare_order(order, said)

    @rule(number=nth)
    def show_order(self, number: int) -> None:
        order = self.chosen(self.shop.orders, number)
        known = self.real.orders[order.number]
        self.compare_order(order, self.real.read(f"orders/{known['id']}", self.real.buyer(order.number)))

    def compare_order(self, order: Order, said: Any) -> None:
        assert (said["status"], said["coupon"]) == (order.state, order.coupon)
        lines = [(item["sku"], item["quantity"], item["unit_price"]) for item in said["items"]]
        assert lines == [(line.sku, line.quantity, money(line.price)) for line in order.lines]
        self.compare_price(order.price, said)

    @rule(sku=skus, difference=st.sampled_from([-3, -1, 1, 2, 5]))
    def adjust(self, sku: str, difference: int) -> None:
        body = {"items": [{"sku": sku, "difference": difference}], "reason": "stocktake"}
        self.both(
            lambda: self.shop.adjust(sku, difference),
            lambda: self.real.write("POST", "inventory/adjustments", body, self.real.boss),
        )

    @rule(sku=skus, price=_PRICES)
    def reprice(self, sku: str, price: int) -> None:
        self.shop.goods[sku].price = price
        body = {"items": [{"sku": sku, "price": money(price)["amount"]}]}
        self.real.write("POST", "products/prices", body, self.real.boss)
