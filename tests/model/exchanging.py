"""Something else for goods that came back, as plain Python says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.model.agreeing import OrderLine
from tests.model.goods import Refused
from tests.model.money import Attempt, Charge, Refund, Till
from tests.model.taking_back import Return, TakingBack

DRAFT_HOURS = 14 * 24
EXCHANGE = "exchange"


@dataclass(eq=False)
class Exchanging(TakingBack):
    """The shop, and what it sends instead of what came back. Each exchange has a balance of its own."""

    def pay_out(self, back: Return, items: Sequence[tuple[str, int]], owed: int, to: str) -> list[Refund]:
        """Promise what goods are worth, to the order that replaces them first."""
        if to != EXCHANGE:
            return super().pay_out(back, items, owed, to)
        line = self._instead(back, items, owed)
        taken = min(owed, line.quantity * line.price)
        if owed:
            self.check_left(back.order, owed)
        self.refuse_short({line.sku: line.quantity})
        account = f"{EXCHANGE} {self.returns.index(back)}"
        given = self.promise(back.order, taken, items, EXCHANGE, credited=account) if taken else []
        rest = self.promise(back.order, owed - taken, () if taken else items, "payment") if owed > taken else []
        self._replace(back, line, taken, account)
        return [*given, *rest]

    def _instead(self, back: Return, items: Sequence[tuple[str, int]], owed: int) -> OrderLine:
        """Return what is sent: at the price of now or, for the same goods, at what they were bought for."""
        if not items:
            raise Refused(422, "orders.exchange_refused", reason="no_variant")
        prices, units = [], sum(n for _, n in items)
        for sku, _ in items:
            bought, cost = self.costs(back.order)[sku]
            prices.append(cost // bought if sku == back.instead else self.goods[back.instead].price)
        is_even = not back.kept and all(sku == back.instead for sku, _ in items)
        beyond = units * min(prices) - owed
        return OrderLine(back.instead, units, min(prices) - (is_even and 0 < beyond <= units))

    def _replace(self, back: Return, line: OrderLine, taken: int, account: str) -> None:
        order = self.agree(back.order.who, [line], "", DRAFT_HOURS, is_sent_free=True)
        order.is_agreed, back.replaced_by = True, order
        if taken:
            order.till = Till(order.price.total, self.balances)
            self.balances[account] -= taken
            attempt = self.attempt(order, Attempt(taken, EXCHANGE, balance=account))
            self.learn(order, attempt, Charge(taken, EXCHANGE, "captured", captured=taken))

    def work(self) -> None:
        """Do what is owed; what an order gave back that an exchange had paid becomes its buyer's store credit."""
        super().work()
        for place, back in enumerate(self.returns):
            if left := self.balances.get(account := f"{EXCHANGE} {place}"):
                self.balances[account] = 0
                self.balances[back.order.who] = self.balances.get(back.order.who, 0) + left

    def kept(self) -> dict[str, int]:
        """Return account -> pence; of all exchanges together."""
        found: Counter[str] = Counter()
        for account, left in self.balances.items():
            found[account.partition(" ")[0]] += left
        return dict(found)
