"""Slugs and SKUs: one owner each, among the living and, for slugs, among the former ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from uuid import UUID

from django.db import IntegrityError, connection

from core.batching import send_batch
from core.ids import new_id
from products import domain
from products.errors import ProductInvalid, SkuTaken, SlugTaken
from products.models import FormerSlug, Product, Variant


def lock_slugs() -> None:
    """Take turns with whoever else gives out slugs, until the transaction ends. Before any product is locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('products_slugs'))")


def share_slugs() -> None:
    """Have slugs given out by nobody but those who share, too: of two of them the unique index lets one pass."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtext('products_slugs'))")


def taken_slugs(*, like: str, but_for: UUID | None = None) -> set[str]:
    """Return the slugs that begin like this and are, or once were, those of another product; ``lock_slugs`` first."""
    living = Product.objects.filter(slug__startswith=like).exclude(pk=but_for).values_list("slug", flat=True)
    former = FormerSlug.objects.filter(slug__startswith=like).exclude(product=but_for).values_list("slug", flat=True)
    return set(living.union(former))


def claim_slug(*, wanted: str | None, name: str, product_id: UUID) -> str:
    """Return the slug for a product: the wanted one, or one made from the name with a number if need be.

    :raises ProductInvalid: the wanted one is none
    :raises SlugTaken: it belongs to another product
    """
    lock_slugs()
    if wanted is None:
        slug = domain.make_slug(name, fallback=product_id.hex[-8:])
        return domain.numbered_slug(slug, taken_slugs(like=slug, but_for=product_id))
    if not domain.is_slug(wanted):
        raise ProductInvalid("A slug is made of ASCII letters, digits, - and _.", field="slug")
    if wanted in taken_slugs(like=wanted, but_for=product_id):
        raise SlugTaken(slug=wanted)
    return wanted


def choose_slugs(*, choices: Sequence[tuple[str, str]], beside: AbstractSet[str] = frozenset()) -> list[str]:
    """Return a free slug for each product: the first that it wants, or one with a random end if all are taken.

    After ``lock_slugs`` or ``share_slugs``. Two queries for any number.

    :param beside: slugs that are taken, too, though nobody sees them yet
    """
    wanted = {slug for some in choices for slug in some}
    taken = set(Product.objects.filter(slug__any_of=wanted).values_list("slug", flat=True)) | beside
    taken |= set(FormerSlug.objects.filter(slug__any_of=wanted).values_list("slug", flat=True))
    given = []
    for some in choices:
        slug = next((choice for choice in some if choice not in taken), f"{some[0][:100]}-{new_id().hex[-12:]}")
        taken.add(slug)
        given.append(slug)
    return given


def claim_skus(*, wanted: Collection[str | None], slug: str) -> list[str]:
    """Return the SKUs of new variants in their order; those without one get one made from the slug.

    :raises ProductInvalid: one of them is none
    :raises SkuTaken: some belong to others, or are given twice
    """
    given = [sku for sku in wanted if sku is not None]
    if wrong := [sku for sku in given if not domain.is_sku(sku)]:
        raise ProductInvalid("A SKU has 1 to 64 letters, digits or . _ / + # -", field="sku", skus=wrong)
    doubled = {sku for sku in given if given.count(sku) > 1}
    base = domain.make_sku(slug)[: domain.SKU_LENGTH - 6]
    taken = set(Variant.objects.filter(sku__startswith=base).values_list("sku", flat=True)) if None in wanted else set()
    if doubled or (doubled := set(Variant.objects.filter(sku__in=given).values_list("sku", flat=True))):
        raise SkuTaken(skus=sorted(doubled))
    skus = []
    for sku in wanted:
        skus.append(sku or domain.numbered_slug(base, taken | set(given)))
        taken.add(skus[-1])
    return skus


@contextmanager
def refused_when_taken() -> Iterator[None]:
    """Turn the database's veto, for which others were a moment faster, into the refusal that it means."""
    try:
        yield
        send_batch()
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
        if constraint == "variant_sku_living":
            raise SkuTaken(skus=[]) from error
        if constraint in ("product_slug_living", "products_formerslug_slug_key"):
            raise SlugTaken from error
        raise
