"""Goods that come back, as plain Python says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.model.agreeing import Order
from tests.model.cashing import STORE_CREDIT
from tests.model.goods import Refused
from tests.model.money import Refund
from tests.model.shop import Shop

MOVES_BACK = {
    "requested": ("approved", "rejected", "cancelled"),
    "approved": ("received", "rejected", "cancelled"),
    "received": ("completed",),
}


@dataclass(eq=False)
class Return:
    """What someone sends back: SKU -> units, as it was announced and as it came in."""

    order: Order
    wanted: str
    units: Mapping[str, int]
    # Of an exchange: the SKU of what is wanted.
    instead: str = ""
    state: str = "requested"
    received: Mapping[str, int] = field(default_factory=dict)
    delivery: int = 0
    kept: int = 0
    replaced_by: Order | None = None

    def refuse(self, to: str) -> None:
        """Refuse what may not follow."""
        if to not in MOVES_BACK.get(self.state, ()):
            raise Refused(409, "orders.return_move_refused", from_status=self.state)


@dataclass(frozen=True)
class Inspection:
    """What staff found and decide: units of the first line that are taken, or all; ``kept`` is pence for wear."""

    first: int | None = None
    is_restocked: bool = False
    to: str = ""
    kept: int = 0
    with_delivery: bool = False


@dataclass(eq=False)
class TakingBack(Shop):
    """The shop, and what was sent back to it."""

    returns: list[Return] = field(default_factory=list)

    def ask_back(self, order: Order, units: Mapping[str, int], wanted: str, instead: str) -> Return:
        """Let a buyer ask to send something back."""
        if wanted == STORE_CREDIT and order.who in self.guests:
            raise Refused(422, "payments.no_account_to_credit")
        if any(order.line(sku).away < n for sku, n in units.items()):
            raise Refused(409, "orders.not_returnable")
        for sku, n in units.items():
            order.line(sku).returning += n
        back = Return(order, wanted, units, instead)
        self.returns.append(back)
        return back

    def answer_return(self, back: Return, to: str) -> None:
        """Let staff approve or reject, or the buyer call it off."""
        if back.state == to:
            return
        back.refuse(to)
        back.state = to
        if to != "approved":
            self._let_go(back)

    def receive(self, back: Return, units: Mapping[str, int]) -> None:
        """Let a parcel come in, with what was in it; of other goods nothing."""
        if back.state == "received":
            return
        if any(n > back.units.get(sku, 0) for sku, n in units.items()):
            raise Refused(409, "orders.units_disagree")
        back.refuse("received")
        back.state, back.received = "received", units

    def settle_return(self, back: Return, found: Inspection, first: Mapping[str, int], fault: str) -> None:
        """Let staff take back for good, and give what that is worth."""
        if back.state == "completed":
            return
        order, accepted = back.order, {**back.received, **first}
        if any(n > back.received.get(sku, 0) for sku, n in accepted.items()):
            raise Refused(409, "orders.units_disagree")
        to = found.to or back.wanted
        if to == STORE_CREDIT and order.who in self.guests:
            raise Refused(422, "payments.no_account_to_credit")
        delivery = self._delivery_left(order) if found.with_delivery else 0
        owed = self._worth(order, accepted) + delivery - found.kept
        if owed < 0:
            raise Refused(409, "orders.deduction_too_large")
        back.refuse("completed")
        back.kept = found.kept
        items = [(sku, n) for sku, n in accepted.items() if n]
        refunds = self.pay_out(back, items, owed, to)
        back.state, back.delivery = "completed", delivery
        self._let_go(back)
        for sku, n in items:
            order.line(sku).returned += n
            self.goods[sku].on_hand += n if found.is_restocked else 0
        self.tell(order, refunds, fault)

    def pay_out(self, back: Return, items: Sequence[tuple[str, int]], owed: int, to: str) -> list[Refund]:
        """Promise what goods are worth that came back."""
        return self.promise(back.order, owed, items, to) if owed else []

    def _let_go(self, back: Return) -> None:
        for sku, n in back.units.items():
            back.order.line(sku).returning -= n

    def _worth(self, order: Order, accepted: Mapping[str, int]) -> int:
        """Return what units cost that were not paid back before."""
        done, worth = self.paid_back(order), 0
        for sku, (units, cost) in self.costs(order).items():
            before = min(units, done[sku])
            after = min(units, before + accepted.get(sku, 0))
            worth += cost * after // units - cost * before // units
        return worth

    def _delivery_left(self, order: Order) -> int:
        given = sum(back.delivery for back in self.returns if back.order is order)
        return max(0, order.price.shipping - given)
