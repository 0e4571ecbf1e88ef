"""The rules of a market, held in the process: who prices a cart reads them from memory.

Every market row carries ``rules_version``, which changes in the transaction that changes a rule. A book is read after
its version, so it is at least as new; it is used as long as the market shows that version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from pricing.domain.shipping import ZoneFacts
from pricing.domain.taxes import TaxTable
from pricing.selectors.shipping import load_shipping
from pricing.selectors.taxes import load_taxes
from promotions import selectors as promotions

if TYPE_CHECKING:
    from markets.models import Market


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """What prices the carts of one market on one day. ``scoped`` is what a promotion names -> those that name it."""

    anywhere: tuple[promotions.TimedRule, ...]
    scoped: Mapping[UUID | str, Sequence[promotions.TimedRule]]
    zones: tuple[ZoneFacts, ...]
    taxes: TaxTable

    def about(self, keys: Iterable[UUID | str]) -> list[promotions.TimedRule]:
        """Return the promotions that could match a line of these keys. Those for other goods are not even tried."""
        found = {timed.rule.id: timed for key in set(keys) for timed in self.scoped.get(key, ())}
        return [*self.anywhere, *found.values()]


def rule_book(*, market: Market, on: date) -> RuleBook:
    """Return the market's rules of its version. No query; three when they changed, or with a new day."""
    return _read(market.pk, market.currency, market.rules_version, on)


@lru_cache(maxsize=64)
def _read(market_id: UUID, currency: str, _version: int, on: date) -> RuleBook:
    rules = promotions.load_rules(market_id=market_id, currency=currency)
    scoped: dict[UUID | str, list[promotions.TimedRule]] = defaultdict(list)
    for timed in rules:
        for key in timed.rule.keys:
            scoped[key].append(timed)
    return RuleBook(
        anywhere=tuple(timed for timed in rules if not timed.rule.is_scoped),
        scoped=dict(scoped),
        zones=tuple(load_shipping(currency=currency)),
        taxes=load_taxes(on=on),
    )
