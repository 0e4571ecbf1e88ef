"""Rules of the state machine: orders that staff write, and change while they wait for their payment."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

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
        changes = {} if coupon is None or order.is_agreed else {"coupon": coupon}
        _, said = self.both(
            lambda: self.shop.edit(order, units, changes.get("coupon", order.coupon)),
            lambda: self.real.edit(order.number, units, changes),
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
