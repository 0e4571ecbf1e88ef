"""Adding, changing and removing single variants of a product."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max

from core import outbox
from core.transactions import command
from products.domain import VariantData
from products.errors import LastVariant, VariantNotFound
from products.events import StockDeclared
from products.models import Product, Variant
from products.services import slugs
from products.services.documents import render_locked, render_once
from products.services.products import change_variant, lock_product
from products.services.variants import check_options, create_variants


@command
def add_variant(*, product_id: UUID, data: VariantData, at: datetime, actor_id: UUID | None = None) -> Variant:
    """Add a variant to a product.

    :raises ProductNotFound: there is none
    :raises SkuTaken, ProductInvalid, PriceInvalid: as ``create_product``
    """
    product = lock_product(product_id=product_id)
    present = list(Variant.objects.filter(product=product).values_list("options", flat=True))
    check_options(product.options, [*present, data.options])
    last = Variant.all_objects.filter(product=product).aggregate(last=Max("position"))["last"]
    with slugs.refused_when_taken(), render_once():
        variant = create_variants(product, [data], actor_id=actor_id, at=at, first=(last or 0) + 1)[0]
        _touch(product, at)
    return variant


@command
def update_variant(
    *, product_id: UUID, variant_id: UUID, changes: Mapping[str, Any], at: datetime, actor_id: UUID | None = None
) -> Variant:
    """Change some of ``sku``, ``options``, ``price``, ``compare_at_price``, ``weight_grams``, ``needs_shipping``,
    ``is_gift_card`` and ``stock``.

    Stock is declared before the product is locked.

    :raises ProductNotFound, VariantNotFound: there is none
    :raises SkuTaken, ProductInvalid, PriceInvalid: as ``create_product``
    """
    with slugs.refused_when_taken(), render_once():
        variant = _variant(product_id, variant_id)
        if changes.get("stock") is not None:
            units = {str(variant_id): changes["stock"]}
            outbox.publish(StockDeclared(units=units, actor_id=actor_id, reference="variant edit"), at=at)
        product = lock_product(product_id=product_id)
        variant = _variant(product_id, variant_id)
        if "options" in changes:
            others = Variant.objects.filter(product=product).exclude(pk=variant_id).values_list("options", flat=True)
            check_options(product.options, [*others, changes["options"]])
            Variant.objects.filter(pk=variant_id).update(options=changes["options"], updated_at=at)
        change_variant(variant, changes, at=at)
        _touch(product, at)
    return variant


@command
def remove_variant(*, product_id: UUID, variant_id: UUID, at: datetime) -> None:
    """Delete a variant softly: its SKU is free again.

    :raises ProductNotFound, VariantNotFound: there is none
    :raises LastVariant: the product has no other
    """
    product = lock_product(product_id=product_id)
    variant = _variant(product_id, variant_id)
    if not Variant.objects.filter(product=product).exclude(pk=variant_id).exists():
        raise LastVariant
    Variant.objects.filter(pk=variant.pk).update(deleted_at=at, updated_at=at)
    _touch(product, at)


def _variant(product_id: UUID, variant_id: UUID) -> Variant:
    found: Variant | None = Variant.objects.filter(pk=variant_id, product=product_id).first()
    if found is None:
        raise VariantNotFound
    return found


def _touch(product: Product, at: datetime) -> None:
    Product.objects.filter(pk=product.pk).update(updated_at=at)
    render_locked(product_ids=[product.pk])
