"""Creating, changing, deleting and restoring products."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from core import outbox
from core.errors import PreconditionFailed
from core.ids import new_id
from core.transactions import command
from products import domain
from products.domain import ProductData
from products.errors import CategoryNotFound, NotDeleted, ProductInvalid, ProductNotFound, SkuTaken
from products.events import ProductCreated, ProductDeleted, StockDeclared
from products.models import FormerSlug, Product, ProductDocument, Variant
from products.services import prices, slugs
from products.services.documents import lock_products, render_locked, render_once
from products.services.tree import share_tree
from products.services.variants import check_options, check_tax_class, create_variants


@command
def create_product(*, data: ProductData, at: datetime, actor_id: UUID | None = None) -> Product:
    """Add a product with its variants, prices and declared stock, and publish ``ProductCreated``.

    :raises CategoryNotFound: there is none of that slug or id
    :raises SlugTaken: the slug that was asked for belongs to another product
    :raises SkuTaken: some SKUs belong to others
    :raises ProductInvalid: slug, SKUs, options or the number of variants are wrong
    :raises PriceInvalid: an amount is not a price in its currency
    """
    pk = new_id()
    slug = slugs.claim_slug(wanted=data.slug, name=data.name, product_id=pk)
    share_tree()
    category_id = lock_category(named=data.category)
    check_options(data.options, [variant.options for variant in data.variants])
    check_tax_class(data.tax_class)
    with slugs.refused_when_taken(), render_once():
        product: Product = Product.objects.create(
            id=pk,
            name=data.name,
            slug=slug,
            category_id=category_id,
            description=data.description,
            tags=list(data.tags),
            brand=data.brand,
            options=list(data.options),
            attributes=dict(data.attributes),
            is_active=data.is_active,
            tax_class=data.tax_class,
            created_at=at,
        )
        create_variants(product, data.variants, actor_id=actor_id, at=at)
        render_locked(product_ids=[pk])
    outbox.publish(ProductCreated(product_id=pk), at=at)
    return product


def lock_category(*, named: str) -> UUID:
    """Return the id of the category of that slug or id, and keep it from being renamed or moved meanwhile.

    Call ``share_tree`` before, and lock the products that it concerns between the two. One statement.

    :raises CategoryNotFound: there is none
    """
    column = "id = %s::uuid" if domain.is_uuid(named) else "slug = %s"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM products_category WHERE {column} FOR SHARE", [named])  # nosec B608  # noqa: S608 - ours
        found = cursor.fetchone()
    if found is None:
        raise CategoryNotFound(category=named)
    category_id: UUID = found[0]
    return category_id


@command
def update_product(
    *,
    product_id: UUID,
    changes: Mapping[str, Any],
    at: datetime,
    actor_id: UUID | None = None,
    versions: Collection[str] | None = None,
) -> Product:
    """Change some fields. A new slug leaves the old one behind as a redirect.

    ``price``, ``compare_at_price`` (``AmountGiven``), ``sku``, ``weight_grams``, ``needs_shipping``, ``is_gift_card``
    and ``stock`` are those of the only variant; of a product with several they are refused. Stock is declared before
    the product is locked.

    :param versions: only if the product, or one of its documents, is in one of these
    :raises ProductNotFound: there is none, or it is deleted
    :raises PreconditionFailed: it is in another version
    :raises CategoryNotFound, SlugTaken, SkuTaken, ProductInvalid, PriceInvalid: as ``create_product``
    """
    fields = dict(changes)
    if fields.get("slug") is not None:
        fields["slug"] = slugs.claim_slug(wanted=fields["slug"], name="", product_id=product_id)
    if "category" in fields:
        share_tree()
    with slugs.refused_when_taken(), render_once():
        is_of_variant = bool(_OF_VARIANT & fields.keys())
        variant = _only_variant(product_id) if is_of_variant else None
        if variant is not None and fields.get("stock") is not None:
            units = {str(variant.pk): fields["stock"]}
            outbox.publish(StockDeclared(units=units, actor_id=actor_id, reference="product edit"), at=at)
        product = lock_product(product_id=product_id, versions=versions)
        if "category" in fields:
            fields["category_id"] = lock_category(named=fields.pop("category"))
        if is_of_variant:
            variant = _same(variant, fields, _only_variant(product_id))
        if variant is not None:
            change_variant(variant, fields, at=at)
        change_fields(product, fields, at=at)
        render_locked(product_ids=[product_id])
    return product


_OF_VARIANT = frozenset({"price", "compare_at_price", "sku", "stock", "weight_grams", "needs_shipping", "is_gift_card"})
_OF_PRODUCT = ("name", "description", "tags", "brand", "options", "attributes", "is_active", "category_id", "tax_class")


def lock_product(*, product_id: UUID, versions: Collection[str] | None = None) -> Product:
    """Return the living product, locked.

    :raises ProductNotFound: there is none
    :raises PreconditionFailed: neither it nor a document of it is in one of these versions
    """
    product: Product | None = Product.objects.filter(pk=product_id).locked().first()
    if product is None:
        raise ProductNotFound
    if versions is not None and domain.version_of(product.updated_at) not in versions:
        shown = ProductDocument.objects.filter(product=product, version__in=versions)
        if not shown.exists():
            raise PreconditionFailed
    return product


def _only_variant(product_id: UUID) -> Variant | None:
    found = list(Variant.objects.filter(product=product_id)[:2])
    if len(found) > 1:
        raise ProductInvalid("The product has several variants; change those.", field="variants")
    return found[0] if found else None


def _same(before: Variant | None, fields: Mapping[str, Any], now: Variant | None) -> Variant | None:
    """Return the only variant as it is under the lock.

    :raises ProductInvalid: its stock was declared, and it is another
    """
    if fields.get("stock") is not None and before != now:
        raise ProductInvalid("Its variants were changed meanwhile.", field="stock")
    return now


def change_variant(variant: Variant, fields: Mapping[str, Any], *, at: datetime) -> None:
    """Write SKU, weight, shipping and price of a variant of a locked product, as far as they are among the fields.

    A gift card is never sent, whatever is said.

    :raises SkuTaken, ProductInvalid, PriceInvalid: as ``create_product``
    """
    if fields.get("sku") not in (None, variant.sku):
        variant.sku = slugs.claim_skus(wanted=[fields["sku"]], slug="")[0]
        variant.save(update_fields=["sku", "updated_at"])
    plain = [name for name in ("weight_grams", "needs_shipping", "is_gift_card") if name in fields]
    for name in plain:
        setattr(variant, name, fields[name])
    if plain:
        variant.needs_shipping = variant.needs_shipping and not variant.is_gift_card
        variant.save(update_fields=[*plain, "needs_shipping", "updated_at"])
    if "price" in fields or "compare_at_price" in fields:
        prices.change_price(
            variant,
            price=fields.get("price"),
            compare_at=fields.get("compare_at_price"),
            keep_compare_at="compare_at_price" not in fields,
            at=at,
        )


def change_fields(product: Product, fields: Mapping[str, Any], *, at: datetime) -> None:
    """Write a locked product's own fields, as far as they are among the fields. Does not render.

    :raises ProductInvalid: its variants do not have these options
    """
    if "options" in fields:
        living = Variant.objects.filter(product=product).values_list("options", flat=True)
        check_options(fields["options"], list(living))
    if "tax_class" in fields:
        check_tax_class(fields["tax_class"])
    if fields.get("slug") not in (None, product.slug):
        FormerSlug.objects.filter(slug=fields["slug"], product=product).delete()
        FormerSlug.objects.update_or_create(slug=product.slug, defaults={"product": product})
        product.slug = fields["slug"]
    for name in _OF_PRODUCT:
        if name in fields:
            setattr(product, name, fields[name])
    product.updated_at = at
    product.save()


@command
def delete_product(*, product_id: UUID, at: datetime, versions: Collection[str] | None = None) -> None:
    """Delete a product softly, with its variants: its slug and SKUs are free again. Publishes ``ProductDeleted``.

    :raises ProductNotFound: there is none, or it is deleted already
    :raises PreconditionFailed: it is in another version
    """
    product = lock_product(product_id=product_id, versions=versions)
    product.deleted_at = product.updated_at = at
    product.save(update_fields=["deleted_at", "updated_at"])
    Variant.objects.filter(product=product).update(deleted_at=at, updated_at=at)
    render_locked(product_ids=[product_id])
    outbox.publish(ProductDeleted(product_id=product_id), at=at)


@command
def restore_product(*, product_id: UUID, at: datetime, slug: str | None = None) -> Product:
    """Bring a deleted product back with the variants that it had then.

    :param slug: another slug than it had, where that is taken
    :raises ProductNotFound: there is none
    :raises NotDeleted: it lives
    :raises SlugTaken, SkuTaken: they belong to others now
    """
    slugs.lock_slugs()
    share_tree()
    product: Product | None = Product.all_objects.filter(pk=product_id).locked().first()
    if product is None:
        raise ProductNotFound
    if product.deleted_at is None:
        raise NotDeleted
    gone = Variant.all_objects.filter(product=product, deleted_at=product.deleted_at)
    skus = list(gone.values_list("sku", flat=True))
    if taken := sorted(Variant.objects.filter(sku__in=skus).values_list("sku", flat=True)):
        raise SkuTaken(skus=taken)
    product.slug = slugs.claim_slug(wanted=slug or product.slug, name="", product_id=product_id)
    with slugs.refused_when_taken():
        gone.update(deleted_at=None, updated_at=at)
        product.deleted_at, product.updated_at = None, at
        product.save(update_fields=["deleted_at", "updated_at", "slug"])
    render_locked(product_ids=[product_id])
    return product


@command
def set_active(*, product_ids: Collection[UUID], is_active: bool, at: datetime) -> int:
    """Show or hide many products and return how many changed. Locks them in id order."""
    locked = lock_products(product_ids=product_ids)
    rows = Product.objects.filter(pk__in=locked).exclude(is_active=is_active)
    changed = list(rows.values_list("pk", flat=True))
    rows.update(is_active=is_active, updated_at=at)
    render_locked(product_ids=changed)
    return len(changed)
