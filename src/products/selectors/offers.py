"""What can be bought now, for carts and orders: raw values, one statement."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.core.files.storage import default_storage
from django.db import connection

from core.sql import uuid_array
from products.domain import Label, Offer
from products.models import Variant

if TYPE_CHECKING:
    from markets.models import Market

_OFFERS = """
    SELECT v.id, p.id, v.sku, p.name, p.slug, v.options::text, r.amount_minor, r.compare_at_minor, r.currency,
           v.is_available,
           (SELECT i.file FROM products_productimage i WHERE i.product_id = p.id ORDER BY i.position, i.id LIMIT 1)
      FROM products_variant v
      JOIN products_product p ON p.id = v.product_id AND p.deleted_at IS NULL AND p.is_active
      JOIN products_price r ON r.variant_id = v.id AND r.currency = %s
     WHERE v.deleted_at IS NULL AND
"""
_BY_ID = _OFFERS + "v.id = ANY(%s::uuid[])"
_BY_SKU = _OFFERS + "v.sku = ANY(%s)"


def offers(*, variant_ids: Collection[UUID], market: Market) -> dict[UUID, Offer]:
    """Return variant id -> offer of those that are on sale in the market. One query.

    On sale is a living variant of a living, active product with a price in the market's currency; it may be sold out.
    """
    found = _fetch(_BY_ID, market.currency, uuid_array(variant_ids)) if variant_ids else []
    return {offer.variant_id: offer for offer in found}


def offers_by_sku(*, skus: Collection[str], market: Market) -> dict[str, Offer]:
    """Return SKU -> offer of those that are on sale in the market. One query."""
    return {offer.sku: offer for offer in _fetch(_BY_SKU, market.currency, list(skus))}


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


def _fetch(statement: str, currency: str, keys: Any) -> list[Offer]:
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, [currency, keys])
        rows = cursor.fetchall()
    return [
        Offer(
            variant_id=row[0],
            product_id=row[1],
            sku=row[2],
            name=row[3],
            slug=row[4],
            options=orjson.loads(row[5]),
            unit_price_minor=row[6],
            compare_at_minor=row[7],
            currency=row[8],
            is_available=row[9],
            image_url=default_storage.url(row[10]) if row[10] else None,
        )
        for row in rows
    ]
