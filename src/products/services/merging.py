"""Bringing products that are there already to the state that a bulk load gives them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.transactions import step
from products.domain import NewProduct, NewVariant
from products.models import Price, Product, ProductImage, Variant
from products.services.prices import Amounts, write_prices

AddVariant = Callable[[UUID, NewVariant, int], None]
_FIELDS = ("name", "category_id", "description", "tags", "brand", "options", "attributes", "tax_class")
_OF_VARIANT = ("options", "weight_grams", "needs_shipping", "is_gift_card")


@step
def merge_products(given: Mapping[UUID, NewProduct], *, at: datetime, add_variant: AddVariant) -> set[UUID]:
    """Write what differs and return the products that it concerned. The caller holds their locks, and renders.

    Variants and prices that are not given stay; imported pictures are replaced when their list differs. Eleven
    statements for any number of products; four if nothing differs.

    :param add_variant: takes product id, variant and position of those that are new
    """
    changed = _merge_fields(given, at) | _merge_variants(given, at, add_variant) | _merge_images(given, at)
    if changed:
        Product.objects.filter(pk__any_of=changed).update(updated_at=at)
    return changed


def _merge_fields(given: Mapping[UUID, NewProduct], at: datetime) -> set[UUID]:
    rows = Product.objects.filter(pk__any_of=given).values_list("pk", *_FIELDS)
    differing = {pk for pk, *fields in rows if fields != list(_wanted(given[pk], fields[-1]).values())}
    products = list(Product.objects.filter(pk__any_of=differing)) if differing else []
    for product in products:
        for name, value in _wanted(given[product.pk], product.tax_class).items():
            setattr(product, name, value)
        product.updated_at = at
    Product.objects.bulk_update(products, [*_FIELDS, "updated_at"])
    return differing


def _wanted(product: NewProduct, tax_class: str) -> dict[str, Any]:
    """Return the fields in the order of ``_FIELDS``; without a tax class it keeps its own."""
    return {
        "name": product.name,
        "category_id": product.category_id,
        "description": product.description,
        "tags": list(product.tags),
        "brand": product.brand,
        "options": [{"name": option["name"], "values": list(option["values"])} for option in product.options],
        "attributes": dict(product.attributes),
        "tax_class": product.tax_class or tax_class,
    }


def _merge_variants(given: Mapping[UUID, NewProduct], at: datetime, add_variant: AddVariant) -> set[UUID]:
    rows = Variant.objects.filter(product__any_of=given).values_list("sku", "pk", *_OF_VARIANT)
    present = {sku: (pk, fields) for sku, pk, *fields in rows}
    prices = _prices([pk for pk, _ in present.values()])
    changed: set[UUID] = set()
    differing: dict[UUID, NewVariant] = {}
    amounts: dict[UUID, list[Amounts]] = {}
    for product_id, product in given.items():
        for position, variant in enumerate(product.variants):
            if variant.sku not in present:
                add_variant(product_id, variant, position)
                changed.add(product_id)
                continue
            pk, fields = present[variant.sku]
            if fields != _fields(variant, *fields[-2:]):
                differing[pk] = variant
                changed.add(product_id)
            if (price := _price(variant)) is not None and price not in prices[pk]:
                amounts[pk] = [price]
                changed.add(product_id)
    _write_variants(differing, at)
    if amounts:
        write_prices(amounts, at=at)
    return changed


def _fields(variant: NewVariant, needs_shipping: bool, is_gift_card: bool) -> list[Any]:
    """Return the fields in the order of ``_OF_VARIANT``; what is not told of sending and gift cards is as before."""
    is_card = is_gift_card if variant.is_gift_card is None else variant.is_gift_card
    is_sent = needs_shipping if variant.needs_shipping is None else variant.needs_shipping
    return [dict(variant.options), variant.weight_grams, is_sent and not is_card, is_card]


def _write_variants(differing: Mapping[UUID, NewVariant], at: datetime) -> None:
    variants = list(Variant.objects.filter(pk__any_of=differing)) if differing else []
    for row in variants:
        fields = _fields(differing[row.pk], row.needs_shipping, row.is_gift_card)
        row.options, row.weight_grams, row.needs_shipping, row.is_gift_card = fields
        row.updated_at = at
    Variant.objects.bulk_update(variants, [*_OF_VARIANT, "updated_at"])


def _prices(variant_ids: Collection[UUID]) -> dict[UUID, list[Amounts]]:
    prices: dict[UUID, list[Amounts]] = defaultdict(list)
    rows = Price.objects.filter(variant__any_of=variant_ids)
    for variant_id, currency, amount, compare_at in rows.values_list(
        "variant_id", "currency", "amount_minor", "compare_at_minor"
    ):
        prices[variant_id].append(Amounts(currency, amount, compare_at))
    return prices


def _price(variant: NewVariant) -> Amounts | None:
    if variant.price_minor is None:
        return None
    return Amounts(variant.currency, variant.price_minor, variant.compare_at_minor)


def _merge_images(given: Mapping[UUID, NewProduct], at: datetime) -> set[UUID]:
    """Of a picture that was imported only its address is ours; uploaded ones stay."""
    present: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    imported = ProductImage.objects.filter(product__any_of=given, file="").order_by("position", "pk")
    for product_id, *image in imported.values_list("product_id", "source_url", "alt"):
        present[product_id].append((image[0], image[1]))
    changed = {
        pk
        for pk, product in given.items()
        if present[pk] != [(image.source_url, image.alt) for image in product.images]
    }
    if changed:
        ProductImage.objects.filter(product__in=changed, file="").delete()
        ProductImage.objects.bulk_create(
            ProductImage(product_id=pk, source_url=image.source_url, alt=image.alt, position=index, created_at=at)
            for pk in changed
            for index, image in enumerate(given[pk].images)
        )
    return changed
