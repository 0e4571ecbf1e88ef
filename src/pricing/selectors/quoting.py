"""The quote of a cart, from what stands in the database now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from inventory import selectors as stock_reads
from pricing.domain.quoting import Quote, price_lines
from products import selectors as product_reads

if TYPE_CHECKING:
    from markets.models import Market


def quote(*, wanted: Mapping[UUID, int], market: Market, agreed_minor: Mapping[UUID, int] | None = None) -> Quote:
    """Price ``wanted`` (variant id -> units) as it would be bought in a market now. Two queries for any number.

    A third asks what those are called that are not sold (any more), if there are any.
    """
    offers = product_reads.offers(variant_ids=wanted.keys(), market=market)
    free = stock_reads.free_units(variant_ids=wanted.keys())
    labels = product_reads.labels(variant_ids=wanted.keys() - offers.keys())
    return price_lines(
        wanted=wanted, offers=offers, free=free, currency=market.currency, agreed_minor=agreed_minor, labels=labels
    )
