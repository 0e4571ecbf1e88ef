"""The receipt: every rule that was tried on a cart, in order, and what it did or why it did nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

import msgspec

from core import money
from promotions.domain import Outcome, Rule


class Kind(Enum):
    """Which part of the price a step is about."""

    BASE_PRICE = "base_price"
    PRICE_LIST = "price_list"
    AGREED_PRICE = "agreed_price"
    PROMOTION = "promotion"
    COUPON = "coupon"
    SHIPPING = "shipping"
    TAX = "tax"
    TOTAL = "total"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: what it changed of the total, in minor units; and by line (position from 0 -> minor units).

    ``reason`` says why it did not apply; empty where it did. Tax that the prices contain changes nothing: its amount
    is zero and ``contained_minor`` has it.
    """

    kind: Kind
    rule: str
    amount_minor: int = 0
    contained_minor: int = 0
    reason: str = ""
    lines: Mapping[int, int] = msgspec.field(default_factory=dict)

    @property
    def is_applied(self) -> bool:
        return not self.reason


class Tried(msgspec.Struct, frozen=True, gc=False):
    """A promotion that was tried, and what it did."""

    rule: Rule
    outcome: Outcome

    @property
    def amount_minor(self) -> int:
        """What it took off the whole."""
        return sum(self.outcome.off)

    @property
    def step(self) -> Step:
        kind = Kind.COUPON if self.rule.code else Kind.PROMOTION
        if self.outcome.reason is not None:
            return Step(kind=kind, rule=self.rule.name or self.rule.code, reason=self.outcome.reason.value)
        return Step(kind=kind, rule=self.rule.name, amount_minor=-self.amount_minor, lines=self.outcome.discounts)


IN_WORDS = ("Step", "Rule", "Amount", "Contained", "Not applied because")


def in_words(steps: Iterable[Step], currency: str) -> list[tuple[str, str, str, str, str]]:
    """Return the steps as staff read them, under the heads ``IN_WORDS``."""
    return [
        (
            step.kind.value.replace("_", " ").capitalize(),
            step.rule,
            money.to_text(step.amount_minor, currency),
            money.to_text(step.contained_minor, currency) if step.contained_minor else "",
            step.reason.replace("_", " "),
        )
        for step in steps
    ]
