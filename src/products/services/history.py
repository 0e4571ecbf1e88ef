"""What things cost the public, and since when: a point for every change, never altered.

What it is kept for stands in Directive 98/6/EC, Article 6a.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from core.sql import insert_values, uuid_array
from core.transactions import step
from products.domain import ListRow, amount_for_one, compared, deciding
from products.models import PricePoint

# Everybody's lists as documents show them, and the last point of each series.
_PRESENT = """
    SELECT v.id, r.currency, r.amount_minor, r.compare_at_minor, (
               SELECT json_agg(json_build_array(l.id, l.name, l.priority, x.min_quantity, x.amount_minor, l.currency,
                                                l.market_id))
                 FROM products_listprice x JOIN products_pricelist l ON l.id = x.price_list_id
                WHERE x.variant_id = v.id AND l.is_shown AND l.group_id IS NULL AND l.currency = r.currency)::text, (
               SELECT json_agg(json_build_array(last.market_id, last.amount_minor, last.is_reduced, last.from_at))
                 FROM (SELECT DISTINCT ON (h.market_id) h.market_id, h.amount_minor, h.is_reduced, h.from_at
                         FROM products_pricepoint h WHERE h.variant_id = v.id AND h.currency = r.currency
                        ORDER BY h.market_id, h.id DESC) last)::text
      FROM products_variant v JOIN products_price r ON r.variant_id = v.id
     WHERE v.id = ANY(%s::uuid[])
     ORDER BY v.id, r.currency
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for one unit, and whether a higher price is shown beside it."""

    amount_minor: int
    is_reduced: bool


@step
def note_prices(*, variant_ids: Collection[UUID], at: datetime) -> None:
    """Note what the variants cost the public from now on, where that changed. Two statements; one if nothing did.

    The caller holds the locks of their products and has written what changes: prices, lists, or which lists hold. Call
    it before rendering, which shows what stands in the history. A point is never older than the one before it.
    """
    if not variant_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT, [uuid_array(variant_ids)])
        found = cursor.fetchall()
    insert_values(PricePoint, [point for row in found for point in _points(*row, at=at)])


def _points(
    variant_id: UUID,
    currency: str,
    base_minor: int,
    compare_at_minor: int | None,
    listed: str | None,
    last: str | None,
    *,
    at: datetime,
) -> Iterator[dict[str, Any]]:
    rows = [ListRow(*row) for row in orjson.loads(listed or "[]")]
    before = {
        market: (_Asked(amount, is_reduced), datetime.fromisoformat(from_at))
        for market, amount, is_reduced, from_at in orjson.loads(last or "[]")
    }

    def now(market: str | None) -> _Asked:
        tiers = deciding([row for row in rows if row.market_id in (None, market)])
        amount = amount_for_one(base_minor, tiers)
        return _Asked(amount, compared(amount, base_minor, compare_at_minor) is not None)

    for market in _series(rows, before):
        asked = now(market)
        # A market follows the prices of all until a list of its own decides.
        was = before.get(market) or (None if market is None else (now(None), at))
        if was is None or was[0] != asked:
            yield {
                "variant_id": variant_id,
                "currency": currency,
                "market_id": market,
                "amount_minor": asked.amount_minor,
                "is_reduced": asked.is_reduced,
                "from_at": at if was is None else max(at, was[1]),
            }


def _series(rows: Collection[ListRow], before: Mapping[str | None, Any]) -> list[str | None]:
    """Markets first: what they had until now is what all had before the point that follows."""
    own = {row.market_id for row in rows} | before.keys()
    return [*sorted(market for market in own if market is not None), None]
