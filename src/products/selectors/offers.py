"""What can be bought now, for carts and orders: raw values, one statement."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.core.files.storage import default_storage
from django.db import connection

from core.sql import uuid_array
from products.domain import Label, ListedPrice, ListRow, Offer, amount_for_one, compared, deciding
from products.models import Variant
from products.selectors.prepared import fetch_all

if TYPE_CHECKING:
    from markets.models import Market

# Why an array stands in a query of its own, see ``core.lookups.AnyOf``.
# Lists that hold are read with their names: which of them decides, ``products.domain`` knows.
_OFFERS = """
    SELECT v.id, p.id, v.sku, p.name, p.slug, v.options::text, r.amount_minor, r.compare_at_minor, r.currency,
           v.is_available,
           (SELECT i.file FROM products_productimage i WHERE i.product_id = p.id ORDER BY i.position, i.id LIMIT 1),
           p.tax_class, v.needs_shipping, v.weight_grams, to_json(p.tags)::text,
           c.ancestor_ids::text,
           (SELECT json_agg(json_build_array(l.id, l.name, l.priority, lp.min_quantity, lp.amount_minor))
              FROM products_listprice lp JOIN products_pricelist l ON l.id = lp.price_list_id
             WHERE lp.variant_id = v.id AND l.currency = r.currency AND l.is_active
               AND (l.market_id IS NULL OR l.market_id = %(market)s::uuid)
               AND (l.group_id IS NULL OR l.group_id = %(group)s::uuid)
               AND (l.starts_at IS NULL OR l.starts_at <= coalesce(%(at)s::timestamptz, statement_timestamp()))
               AND (l.ends_at IS NULL OR l.ends_at > coalesce(%(at)s::timestamptz, statement_timestamp())))::text,
           v.is_gift_card
      FROM products_variant v
      JOIN products_product p ON p.id = v.product_id AND p.deleted_at IS NULL AND p.is_active
      JOIN products_category c ON c.id = p.category_id
      JOIN products_price r ON r.variant_id = v.id AND r.currency = %(currency)s::text
     WHERE v.deleted_at IS NULL AND
"""
_BY_ID = _OFFERS + "v.id = ANY((SELECT %(keys)s::uuid[])::uuid[])"
_BY_SKU = _OFFERS + "v.sku = ANY((SELECT %(keys)s::text[])::text[])"


def offers(
    *, variant_ids: Collection[UUID], market: Market, group_id: UUID | None = None, at: datetime | None = None
) -> dict[UUID, Offer]:
    """Return variant id -> offer of those that are on sale in the market. One query.

    On sale is a living variant of a living, active product with a price in the market's currency; it may be sold out.
    In a market that is closed nothing is.

    :param group_id: the customer group of whoever buys; without one, the prices of everybody
    :param at: by which moment price lists hold; without one, now
    """
    if not variant_ids or not market.is_active:
        return {}
    found = _fetch(_BY_ID, uuid_array(variant_ids), market, group_id, at)
    return {offer.variant_id: offer for offer in found}


def offers_by_sku(
    *, skus: Collection[str], market: Market, group_id: UUID | None = None, at: datetime | None = None
) -> dict[str, Offer]:
    """Return SKU -> offer of those that are on sale in the market, as ``offers`` does. One query."""
    if not skus or not market.is_active:
        return {}
    return {offer.sku: offer for offer in _fetch(_BY_SKU, list(skus), market, group_id, at)}


def variants_by_sku(*, skus: Collection[str]) -> dict[str, UUID]:
    """Return SKU -> variant id of living variants, sold or not. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sku, id FROM products_variant WHERE deleted_at IS NULL AND sku = ANY(%s)", [list(skus)])
        return dict(cursor.fetchall())


def labels(*, variant_ids: Collection[UUID]) -> dict[UUID, Label]:
    """Return variant id -> what it was called, of all there ever were, deleted ones too. One query."""
    if not variant_ids:
        return {}
    rows = Variant.all_objects.filter(pk__any_of=variant_ids).values_list("pk", "product_id", "sku", "product__name")
    return {pk: Label(product_id, sku, name) for pk, product_id, sku, name in rows}


def unknown_variants(*, variant_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ids that are not living variants, sold or not. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wanted.id FROM unnest(%s::uuid[]) wanted (id)"
            " LEFT JOIN products_variant v ON v.id = wanted.id AND v.deleted_at IS NULL WHERE v.id IS NULL",
            [uuid_array(variant_ids)],
        )
        return {row[0] for row in cursor.fetchall()}


def _fetch(statement: str, keys: Any, market: Market, group_id: UUID | None, at: datetime | None) -> list[Offer]:
    values = {"keys": keys, "currency": market.currency, "market": market.pk, "group": group_id, "at": at}
    return [_offer(row) for row in fetch_all(statement, values)]


def _offer(row: Sequence[Any]) -> Offer:
    base, compare_at = row[6], row[7]
    tiers = deciding([ListRow(*each) for each in orjson.loads(row[16])]) if row[16] else []
    amount = amount_for_one(base, tiers)
    return Offer(
        variant_id=row[0],
        product_id=row[1],
        sku=row[2],
        name=row[3],
        slug=row[4],
        options=orjson.loads(row[5]),
        unit_price_minor=amount,
        compare_at_minor=compared(amount, base, compare_at),
        currency=row[8],
        is_available=row[9],
        image_url=default_storage.url(row[10]) if row[10] else None,
        base_price_minor=base,
        tax_class=row[11],
        needs_shipping=row[12],
        is_gift_card=row[17],
        weight_grams=row[13],
        tags=_tags(row[14]),
        category_ids=_ids(row[15]),
        listed=tuple([_listed(tier) for tier in tiers]) if tiers else (),
    )


def _listed(tier: ListRow) -> ListedPrice:
    return ListedPrice(UUID(tier.list_id), tier.name, tier.min_quantity, tier.amount_minor)


# Carts ask for the same few again and again, and a set of ids costs more to make than the rest of its row.
@lru_cache(maxsize=4096)
def _ids(array: str) -> frozenset[UUID]:
    return frozenset(map(UUID, array.strip("{}").split(",")))


@lru_cache(maxsize=4096)
def _tags(array: str) -> frozenset[str]:
    return frozenset(orjson.loads(array))
