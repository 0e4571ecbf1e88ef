"""What is paid, as plain Python says it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.model.agreeing import MOVES, PAID, Order, Stall
from tests.model.goods import Refused
from tests.model.money import Attempt, Charge, Gateway, Till

GIFT_CARD, STORE_CREDIT = "gift_card", "store_credit"


@dataclass(eq=False)
class Cashier(Stall):
    """The stall, and what is paid there. ``balances``: whose credit, or the gift card -> pence."""

    gateway: Gateway = field(default_factory=Gateway)
    balances: dict[str, int] = field(default_factory=dict)
    attempts: list[tuple[Order, Attempt]] = field(default_factory=list)

    def move(self, order: Order, to: str) -> None:
        """Let staff move an order on."""
        if order.state == to:
            return
        if to not in MOVES.get(order.state, ()):
            raise Refused(409, "orders.move_refused", from_status=order.state)
        if to == "paid":
            order.state, order.moved_by, order.was_paid = "paid", "staff", True
            self._settle_by_hand(order)
        elif to == "shipped":
            self.send(order, {line.sku: line.open for line in order.lines if line.open})
        elif to == "delivered":
            order.state, order.moved_by = "delivered", "staff"
            order.parcels = [True] * len(order.parcels)

    def pay(self, order: Order, card: str, fault: str = "") -> None:
        """Pay, with a gateway that is well, is ``down``, or whose answer is ``lost``; or from a balance."""
        if card == STORE_CREDIT and order.who in self.guests:
            raise Refused(422, "payments.balance_not_usable", reason="no_account")
        if not self._make_way(order, card):
            return
        till = order.till or Till(order.price.total, self.balances)
        if card in (GIFT_CARD, STORE_CREDIT):
            self._spend(order, till, card)
            return
        attempt = self.attempt(order, Attempt(till.amount - till.captured, card))
        if fault == "down":
            attempt.state = "failed"
            raise Refused(503, "payments.provider_unavailable")
        attempt.charge = self.gateway.create(attempt.amount, card)
        if fault == "lost":
            attempt.state = "unknown"
        else:
            self.learn(order, attempt, attempt.charge)

    def _make_way(self, order: Order, card: str) -> bool:
        """Call off what is in the way; tell whether a new attempt is wanted."""
        self._check_payable(order)
        live = order.till.live if order.till else None
        if live is None:
            return True
        if live.state in ("created", "unknown") or live.is_unwanted:
            raise Refused(409, "payments.in_progress")
        if live.card == card:
            return False
        if live.state != "requires_action":
            raise Refused(409, "payments.in_progress")
        assert live.charge is not None
        self.gateway.void(live.charge)
        self.learn(order, live, live.charge)
        self._check_payable(order)
        return True

    def _check_payable(self, order: Order) -> None:
        if order.state in PAID:
            raise Refused(409, "payments.already_paid")
        if order.state != "pending":
            raise Refused(409, "payments.not_payable")

    def _spend(self, order: Order, till: Till, card: str) -> None:
        account = GIFT_CARD if card == GIFT_CARD else order.who
        amount = min(self.balances.get(account, 0), till.amount - till.captured)
        if not amount:
            raise Refused(422, "payments.balance_not_usable", reason="empty")
        self.balances[account] -= amount
        attempt = self.attempt(order, Attempt(amount, card, balance=account))
        self.learn(order, attempt, Charge(amount, card, "captured", captured=amount))

    def attempt(self, order: Order, attempt: Attempt) -> Attempt:
        order.till = order.till or Till(order.price.total, self.balances)
        order.till.attempts.append(attempt)
        self.attempts.append((order, attempt))
        return attempt

    def _settle_by_hand(self, order: Order) -> None:
        if order.till is not None and order.till.live is not None:
            order.till.live.is_unwanted = True
        left = order.price.total - (order.till.captured if order.till else 0)
        self.attempt(order, Attempt(left, "", "captured", captured=left))

    def learn(self, order: Order, attempt: Attempt, said: Charge) -> None:
        """Take in what the gateway says of an attempt."""
        if order.money.learn(attempt, said):
            self.confirm(order)
        if said.refunded:
            order.money.compare(attempt, said.refunded)

    def confirm(self, order: Order) -> None:
        if order.state == "cancelled":
            if not self._take_up_again(order):
                order.money.give_back(order.money.taken(with_surplus=True))
                return
            order.money.is_closed = False
        if order.state in ("pending", "cancelled"):
            order.state, order.moved_by, order.was_paid = "paid", "system", True

    def _take_up_again(self, order: Order) -> bool:
        """Take the goods and the coupon of a lapsed order anew, if they can be had."""
        if order.moved_by != "system":
            return False
        coupon = self.coupons.get(order.coupon)
        if coupon is not None and coupon.against(order.who):
            return False
        try:
            self.promise_goods({line.sku: line.quantity for line in order.lines})
        except Refused:
            return False
        for line in order.lines:
            line.cancelled = 0
        if coupon is not None:
            coupon.uses.append((order.who, order.number))
        return True

    def ask(self, order: Order) -> None:
        """The shopper is back: the gateway is asked about what is under way."""
        live = order.money.live
        if live is not None and live.charge is not None:
            self._look(order, live)

    def _look(self, order: Order, attempt: Attempt) -> None:
        assert attempt.charge is not None
        self.gateway.look(attempt.charge)
        if attempt.is_unwanted:
            self.gateway.void(attempt.charge)
        self.learn(order, attempt, attempt.charge)
