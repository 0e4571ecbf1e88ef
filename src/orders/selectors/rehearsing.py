"""What a promotion would have done to the orders that there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from orders.selectors.receipts import read_facts, receipts_that_hold
from pricing.domain import CartFacts, Priced, price_cart
from promotions import selectors as promotions
from promotions.domain import Rule, in_order

_AT_ONCE = 500


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """What would have come of it. ``cost`` is currency -> minor units that the orders would have cost less.

    ``clashes`` is the name of another promotion -> orders that would have lost it.
    """

    orders: int = 0
    uses: int = 0
    cost: Counter[str] = field(default_factory=Counter)
    clashes: Counter[str] = field(default_factory=Counter)

    def add(self, rule: Rule, facts: CartFacts) -> None:
        """Price one order without the promotion and with it."""
        others = tuple(each for each in facts.rules if each.id != rule.id)
        before = price_cart(replace(facts, rules=others))
        after = price_cart(replace(facts, rules=in_order((*others, rule))))
        self.orders += 1
        if rule.id not in _applied(after):
            return
        self.uses += 1
        self.cost[facts.currency] += before.total_minor - after.total_minor
        self.clashes.update(name for pk, name in _applied(before).items() if pk not in _applied(after))


def rehearse_promotion(
    *, promotion_id: UUID, last: int, progress: Callable[[int], object] = lambda _: None
) -> Rehearsal:
    """Price the newest orders again with a promotion, active or not, and say what would have come of it.

    Limits of use and times do not count, and of one with coupons everybody is taken to have entered one. Changes
    nothing. Memory does not grow with the orders; two queries, and one for each currency.

    :param progress: is told how many orders were priced since it was last told
    :raises PromotionNotFound: there is none
    """
    promotions.get_promotion(promotion_id=promotion_id)
    found, rules = Rehearsal(), _RulesByCurrency(promotion_id)
    for facts in _newest(last):
        rule = rules[facts.currency]
        if rule is not None:
            found.add(rule, facts)
        progress(1)
    return found


class _RulesByCurrency(dict[str, Rule | None]):
    """The promotion as a rule in each currency; ``None`` where it gives nothing."""

    def __init__(self, promotion_id: UUID) -> None:
        self._promotion_id = promotion_id

    def __missing__(self, currency: str) -> Rule | None:
        self[currency] = promotions.find_rule(promotion_id=self._promotion_id, currency=currency)
        return self[currency]


def _newest(last: int) -> Iterator[CartFacts]:
    rows = receipts_that_hold().order_by("-order__placed_at", "-pk").values_list("facts", flat=True)[:last]
    return map(read_facts, rows.iterator(chunk_size=_AT_ONCE))


def _applied(priced: Priced) -> dict[UUID, str]:
    return {use.rule.id: use.rule.name for use in priced.uses}
