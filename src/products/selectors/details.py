"""One product as the public, or a customer group, reads it: one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from markets.errors import UnknownMarket
from products import domain
from products.errors import ProductMoved, ProductNotFound
from products.selectors.prepared import fetch_one
from products.selectors.reading import DEFAULT_MARKET, NAMED_MARKET, OVERLAY, for_group


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One product's document as it is sent, its version, and live units by variant (those that the market sells)."""

    document: str
    version: str
    units: Mapping[str, int]


_DETAIL = """
    SELECT d.document, d.version, products_live_stock(d.product_id)::text
      FROM markets_market m LEFT JOIN products_productdocument d ON d.market_id = m.id AND {key}
     WHERE {market} AND m.is_active
"""


def get_document(*, key: str, market: str | None, group_id: UUID | None = None) -> Detail:
    """Return the document of the product of that id or slug, with live stock. One statement; a second on a miss.

    :param market: its code; ``None`` is the default one
    :param group_id: the customer group that reads; without one, everybody
    :raises UnknownMarket: there is none of that code
    :raises ProductMoved: the product had that slug once
    :raises ProductNotFound: there is none, or it is not sold there
    """
    is_id = domain.is_uuid(key)
    if not is_id and not domain.is_slug(key):
        raise ProductNotFound
    statement = _DETAIL.format(
        key="d.product_id = %(key)s::uuid" if is_id else "d.slug = %(key)s::text",
        market=DEFAULT_MARKET if market is None else NAMED_MARKET,
    )
    values = {"key": key} if market is None else {"key": key, "market": market}
    if group_id is not None:
        statement = for_group(statement.replace("     WHERE ", f"{OVERLAY} WHERE ", 1))
        values["group"] = str(group_id)
    row = fetch_one(statement, values)
    if row is None:
        raise UnknownMarket.field("market", "There is no such market.")
    document, version, units = row
    if document is None:
        raise _missing(key)
    sold = {variant: count for variant, count in orjson.loads(units).items() if f'"id":"{variant}"' in document}
    return Detail(document=document, version=version, units=sold)


def _missing(key: str) -> ProductMoved | ProductNotFound:
    moved = """
        SELECT p.slug FROM products_formerslug f JOIN products_product p ON p.id = f.product_id
         WHERE f.slug = %(key)s::text AND p.deleted_at IS NULL AND p.is_active AND p.slug <> f.slug
    """
    row = fetch_one(moved, {"key": key})
    return ProductMoved(slug=row[0]) if row else ProductNotFound()
