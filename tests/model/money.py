"""The gateway and what the shop knows of it, as plain Python says it. Amounts are pence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

# What is known of an attempt only moves down this list.
KNOWN = ("created", "unknown", "requires_action", "pending", "failed", "cancelled", "captured")
LIVE = frozenset(KNOWN[:4])
OUTCOMES = {
    "": "requires_action",
    "success": "captured",
    "declined": "failed",
    "3ds": "requires_action",
    "slow": "pending",
}


@dataclass(eq=False)
class Charge:
    """A charge, as the gateway knows it."""

    amount: int
    card: str
    state: str
    captured: int = 0
    refunded: int = 0
    disputed: int = 0
    # Each webhook that tells of it, with the charge as it was then.
    webhooks: list[Charge] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.captured - self.refunded - self.disputed


@dataclass(eq=False)
class Gateway:
    """The gateway and its charges, the oldest first."""

    charges: list[Charge] = field(default_factory=list)

    def create(self, amount: int, card: str) -> Charge:
        charge = Charge(amount, card, "")
        self.charges.append(charge)
        self._become(charge, OUTCOMES[card])
        return charge

    def show_card(self, charge: Charge, card: str) -> None:
        """On the page of a charge that waits for one."""
        if charge.state == "requires_action" and not charge.card:
            charge.card = card
            self._become(charge, OUTCOMES[card])

    def answer(self, charge: Charge, *, is_approved: bool) -> None:
        """Answer the challenge of 3-D Secure."""
        if charge.state == "requires_action" and charge.card == "3ds":
            self._become(charge, "captured" if is_approved else "failed")

    def look(self, charge: Charge) -> Charge:
        """Return it; what was pending is decided by then."""
        if charge.state == "pending":
            self._become(charge, "captured")
        return charge

    def void(self, charge: Charge) -> None:
        if charge.state in LIVE:
            self._become(charge, "cancelled")

    def refund(self, charge: Charge, amount: int) -> bool:
        """Give back, and tell whether there was enough left."""
        if amount > charge.left:
            return False
        charge.refunded += amount
        self._tell(charge)
        return True

    def dispute(self, charge: Charge) -> None:
        """Charge back all that is left."""
        if charge.left and not charge.disputed:
            charge.disputed = charge.left
            self._tell(charge)

    def _become(self, charge: Charge, state: str) -> None:
        charge.state = state
        charge.captured = charge.amount if state == "captured" else 0
        if state not in LIVE:
            self._tell(charge)

    def _tell(self, charge: Charge) -> None:
        charge.webhooks.append(replace(charge, webhooks=[]))


@dataclass(eq=False)
class Attempt:
    """One try to be paid, as the shop knows it. By hand, or from a balance, there is no charge."""

    amount: int
    card: str
    state: str = "created"
    charge: Charge | None = None
    # The balance that it is paid from.
    balance: str = ""
    captured: int = 0
    refunded: int = 0
    promised: int = 0
    disputed: int = 0
    is_surplus: bool = False
    is_unwanted: bool = False

    @property
    def left(self) -> int:
        return max(0, self.captured - self.promised - self.disputed)

    @property
    def is_by_hand(self) -> bool:
        return self.charge is None and not self.balance


@dataclass(eq=False)
class Refund:
    """Money on its way back, as the shop knows it; ``items`` is (SKU, units)."""

    attempt: Attempt
    amount: int
    to: str = "payment"
    state: str = "created"
    items: tuple[tuple[str, int], ...] = ()
    # The gateway did it; the shop may not know yet.
    is_sent: bool = False
    # It waits for staff, who say that they gave it back.
    is_by_hand: bool = False

    @property
    def is_open(self) -> bool:
        return self.state in ("created", "unknown")


@dataclass(eq=False)
class Till:
    """All that was tried to pay one order, and what came back. ``balances`` are the shop's: account -> pence."""

    amount: int
    balances: dict[str, int]
    attempts: list[Attempt] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    # The order was cancelled, and what was captured went back.
    is_closed: bool = False

    @property
    def captured(self) -> int:
        return sum(attempt.captured for attempt in self.attempts if not attempt.is_surplus)

    @property
    def refunded(self) -> int:
        done = (refund for refund in self.refunds if refund.state == "succeeded")
        return sum(refund.amount for refund in done if not refund.attempt.is_surplus)

    @property
    def live(self) -> Attempt | None:
        return next((attempt for attempt in self.attempts if attempt.state in LIVE), None)

    @property
    def status(self) -> str:
        captured, last = self.captured, self.attempts[-1].state if self.attempts else "created"
        if captured and self.refunded >= captured:
            return "refunded"
        if self.refunded:
            return "partially_refunded"
        if captured and captured >= self.amount:
            return "captured"
        if last in ("created", "unknown"):
            return "pending"
        if captured:
            return last if last in ("requires_action", "failed") else "pending"
        return "refunded" if last == "captured" else last

    def learn(self, attempt: Attempt, said: Charge) -> bool:
        """Join what is known of an attempt with what the gateway says; tell whether the whole was captured by that."""
        before = attempt.captured
        if not before and said.captured:
            attempt.is_surplus = self.captured + said.captured > self.amount
        attempt.state = max(attempt.state, said.state, key=KNOWN.index)
        attempt.captured = max(before, said.captured)
        attempt.disputed = max(attempt.disputed, said.disputed)
        if attempt.captured == before:
            return False
        if attempt.is_surplus:
            self.give_back([attempt])
        elif self.captured < self.amount and self.is_closed:
            self.take_out([attempt])
        return not attempt.is_surplus and self.captured == self.amount

    def taken(self, *, with_surplus: bool = False) -> list[Attempt]:
        """Return what was captured, the newest first."""
        took = [attempt for attempt in self.attempts if attempt.state == "captured"]
        return [attempt for attempt in reversed(took) if with_surplus or not attempt.is_surplus]

    def take_out(self, attempts: list[Attempt]) -> None:
        """Count them no more, and give them back."""
        for attempt in attempts:
            attempt.is_surplus = attempt.is_surplus or not attempt.promised
        self.give_back(attempts)

    def give_back(self, attempts: list[Attempt]) -> None:
        """Promise, without anybody's doing, all that is left of attempts."""
        for attempt in attempts:
            if attempt.left:
                self.promise(attempt, attempt.left).is_by_hand = attempt.is_by_hand

    def promise(self, attempt: Attempt, amount: int, *, credited: str = "", **more: Any) -> Refund:
        """Promise a part of an attempt. What goes to a balance is there at once."""
        refund = Refund(attempt, amount, **more)
        self.refunds.append(refund)
        attempt.promised += amount
        if account := credited or attempt.balance:
            self.balances[account] = self.balances.get(account, 0) + amount
            self.settle(refund, is_done=True)
        return refund

    def settle(self, refund: Refund, *, is_done: bool) -> None:
        """Take in how a refund ended."""
        refund.state = "succeeded" if is_done else "failed"
        if not is_done:
            refund.attempt.promised -= refund.amount
        elif refund.to == "payment":
            refund.attempt.refunded += refund.amount

    def compare(self, attempt: Attempt, total: int) -> None:
        """Settle what is under way by the gateway's own total, once that holds all of it."""
        mine = [r for r in self.refunds if r.attempt is attempt and r.to == "payment" and r.state != "failed"]
        if total < sum(refund.amount for refund in mine) or total <= attempt.refunded:
            return
        for refund in mine:
            if refund.is_open:
                self.settle(refund, is_done=True)
