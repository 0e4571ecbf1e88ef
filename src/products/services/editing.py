"""A whole product changed at once, as a form shows it: its fields, its variants, its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max

from core.images import StoredImage
from core.transactions import command, step
from products.domain import VariantData
from products.errors import ImageNotFound, LastVariant, VariantNotFound
from products.models import Product, ProductImage, Variant
from products.services import images, slugs
from products.services.documents import render_locked, render_once
from products.services.products import change_fields, change_variant, lock_category, lock_product
from products.services.tree import share_tree
from products.services.variants import create_variants


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantEdit:
    """``changes`` as ``update_variant`` takes them, without ``stock``; or the variant goes."""

    id: UUID
    changes: Mapping[str, Any] = field(default_factory=dict)
    is_removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEdit:
    """What a picture shows and where it stands; or it goes."""

    id: UUID
    alt: str = ""
    position: int = 0
    is_removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductEdit:
    """What is to change. ``changes`` are those of ``update_product`` that concern the product itself.

    ``pictures`` are stored and come last, with ``alts`` in the same order. With ``version`` the product must still be
    in it.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    variants: Sequence[VariantEdit] = ()
    new_variants: Sequence[VariantData] = ()
    images: Sequence[ImageEdit] = ()
    pictures: Sequence[StoredImage] = ()
    alts: Sequence[str] = ()
    version: str | None = None


@command
def edit_product(*, product_id: UUID, edit: ProductEdit, at: datetime, actor_id: UUID | None = None) -> Product:
    """Change a product with its variants and pictures: all of it, or nothing.

    :raises ProductNotFound, VariantNotFound, ImageNotFound: there is none
    :raises PreconditionFailed: it is in another version
    :raises LastVariant: no variant would be left
    :raises TooManyImages: it would have too many pictures
    :raises CategoryNotFound, SlugTaken, SkuTaken, ProductInvalid, PriceInvalid: as ``create_product``
    """
    fields = dict(edit.changes)
    if fields.get("slug") is not None:
        fields["slug"] = slugs.claim_slug(wanted=fields["slug"], name="", product_id=product_id)
    if "category" in fields:
        share_tree()
    versions = None if edit.version is None else [edit.version]
    with slugs.refused_when_taken(), render_once():
        product = lock_product(product_id=product_id, versions=versions)
        if "category" in fields:
            fields["category_id"] = lock_category(named=fields.pop("category"))
        _edit_variants(product, edit, actor_id=actor_id, at=at)
        change_fields(product, {"options": product.options} | fields, at=at)
        _edit_images(product, edit, at=at)
        render_locked(product_ids=[product_id])
    return product


@step
def _edit_variants(product: Product, edit: ProductEdit, *, actor_id: UUID | None, at: datetime) -> None:
    present = {variant.pk: variant for variant in Variant.objects.filter(product=product)}
    if not {each.id for each in edit.variants} <= present.keys():
        raise VariantNotFound
    gone = {each.id for each in edit.variants if each.is_removed}
    if gone >= present.keys() and not edit.new_variants:
        raise LastVariant
    if gone:
        Variant.objects.filter(pk__in=gone).update(deleted_at=at, updated_at=at)
    for each in edit.variants:
        if each.is_removed:
            continue
        if "options" in each.changes:
            Variant.objects.filter(pk=each.id).update(options=each.changes["options"], updated_at=at)
        change_variant(present[each.id], each.changes, at=at)
    if edit.new_variants:
        last = Variant.all_objects.filter(product=product).aggregate(last=Max("position"))["last"]
        create_variants(product, edit.new_variants, actor_id=actor_id, at=at, first=(last or 0) + 1)


@step
def _edit_images(product: Product, edit: ProductEdit, *, at: datetime) -> None:
    present = {image.pk: image for image in ProductImage.objects.filter(product=product)}
    if not {each.id for each in edit.images} <= present.keys():
        raise ImageNotFound
    gone = [present[each.id] for each in edit.images if each.is_removed]
    if gone:
        images.drop_images(gone)
    kept = [each for each in edit.images if not each.is_removed]
    for each in kept:
        row = present[each.id]
        row.alt, row.position, row.updated_at = each.alt, each.position, at
    ProductImage.objects.bulk_update([present[each.id] for each in kept], ["alt", "position", "updated_at"])
    if edit.pictures:
        images.append_images(owner=product, pictures=edit.pictures, alts=edit.alts, at=at)
