"""Rules of the state machine: orders that staff write, and change while they wait for their payment."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.agreeing import Order
from tests.model.compared import COUPONS, nth, skus
from tests.model.real import CUSTOMERS
from tests.model.shopping import Shopping

_units = st.dictionaries(skus, st.integers(1, 2), min_size=1)
_COUPONS = st.sampled_from(["", "", *sorted(COUPONS), "NOTHING"])


class Staffing(Shopping):
    """What customers ask for by telephone."""

    @rule(number=nth, units=_units, coupon=st.one_of(st.none(), _COUPONS))
    def edit(self, number: int, units: dict[str, int], coupon: str | None) -> None:
        """Change what is in an order, and its coupon or not."""
        order = self.mostly(lambda order: order.state == "pending", number)
        self.change_to(order, units, order.coupon if coupon is None or order.is_agreed else coupon)

    @rule(number=nth, sku=skus, is_late=st.booleans())
    def add_unit(self, number: int, sku: str, is_late: bool) -> None:
        """Add one of the goods to an order: to one that waits, or to one for which it is too late."""
        order = self.mostly(lambda order: (order.state == "pending") is not is_late, number)
        units = {line.sku: line.quantity for line in order.lines}
        self.change_to(order, units | {sku: units.get(sku, 0) + 1}, order.coupon)

    def change_to(self, order: Order, units: dict[str, int], coupon: str) -> None:
        changes = {} if coupon == order.coupon else {"coupon": coupon}
        _, said = self.both(
            lambda: self.shop.edit(order, units, coupon), lambda: self.real.edit(order.number, units, changes)
        )
        if said is not None:
            self.seen["edited"] += 1
            self.compare_order(order, said)

    @precondition(Shopping.has_few_pending)
    @rule(who=st.sampled_from(CUSTOMERS), units=_units, coupon=_COUPONS, agreed=st.sampled_from([0, 0, 500, 2605]))
    def draft(self, who: str, units: dict[str, int], coupon: str, agreed: int) -> None:
        """Write and place an order; what is agreed for the first of its goods no coupon touches."""
        prices = {next(iter(units)): agreed} if agreed else {}
        code = "" if agreed else coupon
        order, said = self.both(
            lambda: self.shop.draft(who, units, code, prices), lambda: self.real.draft(who, units, code, prices)
        )
        if order is not None:
            self.seen["drafted"] += 1
            self.compare_order(order, said)
