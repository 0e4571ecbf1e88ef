"""Rules of the state machine: parcels, and orders or parts of them that are cancelled."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.agreeing import MOVES
from tests.model.compared import Compared, few, nth


class Sending(Compared):
    """What becomes of an order, beside its money."""

    @rule(number=nth, by=st.sampled_from(["customer", "customer", "staff"]))
    def cancel(self, number: int, by: str) -> None:
        order = self.mostly(lambda order: order.is_begun or order.state == "paid", number)
        headers = self.real.boss if by == "staff" else self.real.buyer(order.number)
        self.both(lambda: self.shop.cancel(order, by), lambda: self.real.cancel(order.number, headers))

    @rule(number=nth, line=nth, units=few, is_refunded=st.booleans())
    def cancel_part(self, number: int, line: int, units: int, is_refunded: bool) -> None:
        order = self.mostly(lambda order: order.state == "paid", number)
        wanted = {self.chosen(order.lines, line).sku: units}
        part = {"items": self.real.units(order.number, wanted), "refund": is_refunded}
        self.both(
            lambda: self.shop.cancel(order, "staff", wanted, is_refunded=is_refunded),
            lambda: self.real.cancel(order.number, self.real.boss, **part),
        )

    @rule(number=nth, to=st.sampled_from(["paid", "shipped", "delivered"]))
    def move(self, number: int, to: str) -> None:
        order = self.mostly(lambda order: to in MOVES.get(order.state, ()), number)
        self.both(lambda: self.shop.move(order, to), lambda: self.real.move(order.number, to))

    @rule(number=nth, line=nth, units=few)
    def send(self, number: int, line: int, units: int) -> None:
        order = self.mostly(lambda order: order.state == "paid", number)
        wanted = {self.chosen(order.lines, line).sku: units}
        self.both(
            lambda: self.shop.send(order, wanted),
            lambda: self.real.send(order.number, self.real.units(order.number, wanted)),
        )

    def has_parcels(self) -> bool:
        return any(order.parcels for order in self.shop.orders)

    @precondition(has_parcels)
    @rule(number=nth, parcel=nth)
    def deliver(self, number: int, parcel: int) -> None:
        order = self.chosen([order for order in self.shop.orders if order.parcels], number)
        place = parcel % len(order.parcels)
        self.both(lambda: self.shop.deliver(order, place), lambda: self.real.deliver(order.number, place))
