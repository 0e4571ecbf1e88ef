"""The shop, as plain Python says it behaves: nothing here knows of the shop's own code, or of a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.model.agreeing import Order
from tests.model.cashing import STORE_CREDIT, Cashier
from tests.model.goods import Refused, share
from tests.model.money import LIVE, Attempt, Charge, Refund, Till


@dataclass(eq=False)
class Shop(Cashier):
    """All of it: what is also cancelled and given back, and what workers and the clock do."""

    told: list[tuple[Charge, Charge]] = field(default_factory=list)
    heard: set[Charge] = field(default_factory=set)

    def cancel(
        self, order: Order, by: str, units: Mapping[str, int] | None = None, *, is_refunded: bool = True
    ) -> None:
        """Cancel an order, or units of it."""
        if order.state in ("shipped", "delivered"):
            raise Refused(409, "orders.move_refused", from_status=order.state)
        if units is not None and order.state == "pending":
            raise Refused(409, "orders.cancel_refused", reason="pending_in_part")
        if by == "customer" and order.parcels:
            raise Refused(409, "orders.cancel_refused", reason="partly_shipped")
        wanted = {line.sku: line.open for line in order.lines} if units is None else units
        if any(order.line(sku).open < n for sku, n in wanted.items()):
            raise Refused(409, "orders.units_refused")
        if order.parcels or any(line.open != wanted.get(line.sku, 0) for line in order.lines):
            self._cancel_part(order, {sku: n for sku, n in wanted.items() if n}, is_refunded=is_refunded)
        elif order.state != "cancelled":
            self.let_go(order, by)

    def _cancel_part(self, order: Order, units: Mapping[str, int], *, is_refunded: bool) -> None:
        cost = self._cost(order, list(units.items()), is_cancelled=True) if is_refunded else 0
        if cost:
            for refund in self.promise(order, cost, list(units.items()), "payment"):
                refund.is_by_hand = refund.attempt.is_by_hand
        for sku, n in units.items():
            order.line(sku).cancelled += n
            self.goods[sku].reserved -= n
        self.complete(order)

    def refund(
        self,
        order: Order,
        amount: int | None = None,
        items: Sequence[tuple[str, int]] = (),
        *,
        to: str = "payment",
        is_restocked: bool = False,
        fault: str = "",
    ) -> list[Refund]:
        """Let staff give back an amount, or what goods cost, or all that is left."""
        if order.state == "pending":
            raise Refused(409, "payments.not_payable")
        wanted = self._cost(order, items) if items else amount
        beyond = [sku for sku, n in items if n > order.line(sku).away]
        if is_restocked and (beyond or order.state not in ("shipped", "delivered")):
            self.check_left(order, wanted)
            raise Refused(409, "orders.move_refused")
        refunds = self.promise(order, wanted, items, to)
        for sku, units in items if is_restocked else ():
            self.goods[sku].on_hand += units
            order.line(sku).restocked += units
        self.tell(order, refunds, fault)
        return refunds

    def tell(self, order: Order, refunds: Sequence[Refund], fault: str) -> None:
        """Tell the gateway of refunds; a fault befalls the first that there is something to tell of."""
        for refund in refunds:
            if refund.is_open:
                fault = self._tell(order, refund, fault)

    def check_left(self, order: Order, wanted: int | None) -> tuple[list[Attempt], int]:
        """Return who gives back, balances last, and how much."""
        givers = order.money.taken(with_surplus=order.state == "cancelled")
        left = sum(attempt.left for attempt in givers)
        wanted = left if wanted is None else wanted
        if not 0 < wanted <= left:
            raise Refused(409, "payments.refund_too_large")
        return sorted(givers, key=lambda attempt: bool(attempt.balance)), wanted

    def promise(
        self, order: Order, wanted: int | None, items: Sequence[tuple[str, int]], to: str, *, credited: str = ""
    ) -> list[Refund]:
        """Promise an amount, or all that is left, of what paid an order; balances give back last."""
        if to == STORE_CREDIT and order.who in self.guests:
            raise Refused(422, "payments.no_account_to_credit")
        givers, rest = self.check_left(order, wanted)
        credited = order.who if to == STORE_CREDIT else credited
        refunds: list[Refund] = []
        for attempt in givers:
            if part := min(rest, attempt.left):
                noted = () if refunds else tuple(items)
                refunds.append(order.money.promise(attempt, part, credited=credited, to=to, items=noted))
                rest -= part
        return refunds

    def _tell(self, order: Order, refund: Refund, fault: str) -> str:
        """Tell the gateway of a refund; return the fault, unless it has befallen this one."""
        charge = refund.attempt.charge
        if not fault or charge is None:
            self._carry_out(order, refund)
            return fault
        refund.state = "unknown"
        refund.is_sent = fault == "lost" and self.gateway.refund(charge, refund.amount)
        if fault == "lost" and not refund.is_sent:
            order.money.settle(refund, is_done=False)
            return fault
        return ""

    def _carry_out(self, order: Order, refund: Refund) -> None:
        charge = refund.attempt.charge
        is_done = charge is None or refund.is_sent or self.gateway.refund(charge, refund.amount)
        order.money.settle(refund, is_done=is_done)

    def _cost(self, order: Order, items: Sequence[tuple[str, int]], *, is_cancelled: bool = False) -> int:
        """Return what these units cost, with their part of the discount and without delivery."""
        costs, done = self.costs(order), self.paid_back(order)
        for line in order.lines if is_cancelled else ():
            done[line.sku] = max(done[line.sku], line.cancelled)
        total = 0
        for sku, wanted in items:
            units, cost = costs.get(sku, (0, 0))
            if done[sku] + wanted > units:
                raise Refused(409, "payments.refund_too_large")
            total += cost * (done[sku] + wanted) // units - cost * done[sku] // units
        return total

    def costs(self, order: Order) -> dict[str, tuple[int, int]]:
        """Return SKU -> how many were bought, and what they cost together after the discount."""
        gross = [line.quantity * line.price for line in order.lines]
        off = share(order.price.discount, gross) if any(gross) else [0] * len(gross)
        net = [cost - less for cost, less in zip(gross, off, strict=True)]
        paid = share(sum(net), net) if any(net) else net
        return {line.sku: (line.quantity, cost) for line, cost in zip(order.lines, paid, strict=True)}

    def paid_back(self, order: Order) -> Counter[str]:
        """Return SKU -> units for which refunds were made that did not fail."""
        done: Counter[str] = Counter()
        for refund in order.money.refunds:
            if refund.state != "failed":
                done.update(dict(refund.items))
        return done

    # What the clock and the workers do.

    def hear(self, charge: Charge, webhook: Charge) -> None:
        """Take a webhook in; again is nothing new."""
        if webhook not in self.heard:
            self.heard.add(webhook)
            self.told.append((charge, webhook))

    def work(self) -> None:
        """Do what is owed: give back what was paid for cancelled orders, read the webhooks."""
        for order in self.left_behind:
            if order.till is not None and order.state == "cancelled" and not order.till.is_closed:
                self._close(order, order.till)
        self.left_behind.clear()
        for charge, said in self.told:
            order, attempt = next((o, a) for o, a in self.attempts if a.charge is charge)
            self.learn(order, attempt, said)
        self.told.clear()

    def _close(self, order: Order, till: Till) -> None:
        till.is_closed = True
        if till.live is not None:
            till.live.is_unwanted = True
        if order.was_paid:
            till.give_back(till.taken())
        else:
            till.take_out(till.taken())

    def sweep(self) -> None:
        """Ask about every attempt that lives, and carry out every refund that is owed."""
        for order, attempt in list(self.attempts):
            if attempt.state in LIVE and attempt.charge is not None:
                self._look(order, attempt)
        for order in self.orders:
            for refund in order.till.refunds if order.till else ():
                if refund.is_open and not refund.is_by_hand:
                    self._carry_out(order, refund)

    def expire(self) -> None:
        """Let go of what was not paid in time."""
        for order in self.orders:
            if order.state == "pending" and order.lapses_at <= self.hours:
                self.let_go(order, "system")

    def lapse(self, hours: float) -> None:
        """Let time pass while the workers stand still."""
        self.hours += hours
        self.expire()

    def rest(self, hours: float) -> None:
        """Let time pass, and all that it brings."""
        self.hours += hours
        self.work()
        self.sweep()
        self.expire()
        self.work()
        self.sweep()
        self.work()
