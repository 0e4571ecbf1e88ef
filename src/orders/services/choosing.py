"""What staff put into an order: variants by id or SKU, units, and prices that they agreed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from core.errors import Malformed
from core.money import NotMoney, to_minor
from orders.errors import ItemsUnknown
from products import selectors as product_reads


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemWish:
    """Units of a variant, by id or SKU; with ``unit_price`` (major units) that price was agreed."""

    variant: UUID | None = None
    sku: str | None = None
    quantity: int
    unit_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A wish whose variant is known."""

    variant_id: UUID
    sku: str = ""
    name: str = ""
    quantity: int
    unit_price_minor: int | None


def choose_items(*, items: Sequence[ItemWish], currency: str) -> list[Chosen]:
    """Return what the wishes name, in their order. At most three queries.

    :raises Malformed: a variant is named twice, there are too many lines, or a price is none in that currency (400)
    :raises ItemsUnknown: naming every one that does not exist (422)
    """
    if len(items) > settings.CART_MAX_LINES:
        raise Malformed.field("items", f"At most {settings.CART_MAX_LINES} lines.", code="max_length")
    variants = _variants(items)
    if len(set(variants)) < len(variants):
        raise Malformed.field("items", "Name each variant once.", code="doubled")
    labels = product_reads.labels(variant_ids=variants)
    return [
        Chosen(
            variant_id=variant,
            sku=labels[variant].sku,
            name=labels[variant].name,
            quantity=item.quantity,
            unit_price_minor=_minor(item, currency),
        )
        for variant, item in zip(variants, items, strict=True)
    ]


def _variants(items: Sequence[ItemWish]) -> list[UUID]:
    skus = {item.sku for item in items if item.sku is not None}
    by_sku = product_reads.variants_by_sku(skus=skus) if skus else {}
    named = {item.variant for item in items if item.variant is not None}
    unknown = product_reads.unknown_variants(variant_ids=named) if named else set()
    missing = sorted(skus - by_sku.keys())
    if unknown or missing:
        raise ItemsUnknown(skus=missing, variants=sorted(map(str, unknown)))
    return [item.variant or by_sku[str(item.sku)] for item in items]


def _minor(item: ItemWish, currency: str) -> int | None:
    if item.unit_price is None:
        return None
    try:
        return to_minor(item.unit_price, currency)
    except NotMoney as error:
        raise Malformed.field("items", str(error)) from error
