"""Variants: what of a product is priced, stocked and bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core import outbox
from core.ids import new_id
from products.domain import MAX_VARIANTS, VariantData, is_slug
from products.errors import ProductInvalid
from products.events import StockDeclared
from products.models import Product, Variant
from products.services import prices, slugs


def check_options(options: Sequence[Mapping[str, Any]], chosen: Sequence[Mapping[str, str]]) -> None:
    """Check that every variant has one value for each option, and no two have the same.

    :raises ProductInvalid: naming what is wrong
    """
    if not 1 <= len(chosen) <= MAX_VARIANTS:
        raise ProductInvalid(f"A product has 1 to {MAX_VARIANTS} variants.", field="variants")
    if not options and len(chosen) == 1 and not chosen[0]:
        return
    values = {option["name"]: set(option["values"]) for option in options}
    if len(values) < len(options):
        raise ProductInvalid("An option stands there twice.", field="options")
    if any(len(values[option["name"]]) < len(option["values"]) for option in options):
        raise ProductInvalid("A value of an option stands there twice.", field="options")
    seen = set()
    for variant in chosen:
        if variant.keys() != values.keys() or any(value not in values[name] for name, value in variant.items()):
            raise ProductInvalid("A variant has one of the listed values for each option.", field="variants")
        seen.add(tuple(sorted(variant.items())))
    if len(seen) < len(chosen):
        raise ProductInvalid("Two variants have the same options.", field="variants")


def check_tax_class(tax_class: str) -> None:
    """Check that rates of tax can name the class.

    :raises ProductInvalid: they cannot
    """
    if not is_slug(tax_class) or len(tax_class) > 50:
        raise ProductInvalid("A tax class is up to 50 ASCII letters, digits, - and _.", field="tax_class")


def create_variants(
    product: Product, variants: Sequence[VariantData], *, actor_id: UUID | None, at: datetime, first: int = 0
) -> list[Variant]:
    """Write variants of a locked or new product with prices and declared stock. Does not render.

    :raises SkuTaken, ProductInvalid, PriceInvalid: as ``create_product``
    """
    currency = prices.default_currency()
    skus = slugs.claim_skus(wanted=[variant.sku for variant in variants], slug=product.slug)
    rows = [
        Variant(
            id=new_id(),
            product=product,
            sku=sku,
            options=dict(variant.options),
            position=first + index,
            weight_grams=variant.weight_grams,
            needs_shipping=variant.needs_shipping and not variant.is_gift_card,
            is_gift_card=variant.is_gift_card,
            created_at=at,
        )
        for index, (sku, variant) in enumerate(zip(skus, variants, strict=True))
    ]
    amounts = {
        row.pk: [prices.check_price(data.price, data.compare_at_price, default_currency=currency)]
        for row, data in zip(rows, variants, strict=True)
        if data.price is not None
    }
    Variant.objects.bulk_create(rows)
    prices.write_prices(amounts, at=at)
    units = {str(row.pk): data.stock or 0 for row, data in zip(rows, variants, strict=True)}
    outbox.publish(StockDeclared(units=units, actor_id=actor_id, reference="new variant"), at=at)
    return rows
