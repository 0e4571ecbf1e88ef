"""The rules of a market, held in the process: who prices a cart reads them from memory.

Every market row carries ``rules_version``, which changes in the transaction that changes a rule. A book is read after
its version, so it is at least as new; it is used as long as the market shows that version. Each request reads the
market's row: what others have committed counts from the next quote on. Times are compared with that of each quote, and
limits are checked again, under a lock, by the order that takes a use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING
from uuid import UUID

from pricing.domain.shipping import ZoneFacts
from pricing.domain.taxes import TaxTable
from pricing.selectors.shipping import load_shipping
from pricing.selectors.taxes import load_taxes
from promotions import selectors as promotions

if TYPE_CHECKING:
    from markets.models import Market


# When rules change, all threads of a process miss them at once: one reads, and the others wait for what it finds.
_READING = Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """What prices the carts of one market on one day. ``rules`` stand in the order in which they are tried.

    ``anywhere`` are the places there of those that are about all goods; ``scoped`` is what a promotion names -> the
    places of those that name it.
    """

    rules: tuple[promotions.TimedRule, ...]
    anywhere: Sequence[int]
    scoped: Mapping[UUID | str, Sequence[int]]
    zones: tuple[ZoneFacts, ...]
    taxes: TaxTable

    def about(self, keys: Iterable[UUID | str]) -> list[promotions.TimedRule]:
        """Return the promotions that could match a line of these keys. Those for other goods are not even tried."""
        named = chain.from_iterable(self.scoped.get(key, ()) for key in set(keys))
        return [self.rules[place] for place in sorted({*self.anywhere, *named})]


def rule_book(*, market: Market, on: date) -> RuleBook:
    """Return the market's rules of its version. No query; three when they changed, or with a new day."""
    with _READING:
        return _read(market.pk, market.currency, market.rules_version, on)


@lru_cache(maxsize=64)
def _read(market_id: UUID, currency: str, _version: int, on: date) -> RuleBook:
    rules = promotions.load_rules(market_id=market_id, currency=currency)
    scoped: dict[UUID | str, list[int]] = defaultdict(list)
    for place, timed in enumerate(rules):
        for key in timed.rule.keys:
            scoped[key].append(place)
    return RuleBook(
        rules=tuple(rules),
        anywhere=tuple(place for place, timed in enumerate(rules) if not timed.rule.is_scoped),
        scoped=dict(scoped),
        zones=tuple(load_shipping(currency=currency)),
        taxes=load_taxes(on=on),
    )
