"""Loading many products at once: a constant number of statements per batch, whatever its size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from core import money, outbox
from core.ids import new_id
from core.transactions import command, step
from products import domain
from products.domain import CategoryFacts, NewProduct, NewVariant, Written
from products.errors import CategoryNotFound, PriceInvalid, ProductInvalid
from products.events import StockDeclared
from products.models import FormerSlug, Product, Variant
from products.services import slugs
from products.services.bulk_rows import BulkRows
from products.services.documents import lock_products, render_once, render_products, write_first_documents
from products.services.merging import merge_products
from products.services.variants import check_options


@command
def create_many(
    *, products: Sequence[NewProduct], at: datetime, reference: str = "import", actor_id: UUID | None = None
) -> Written:
    """Do as ``write_many`` does, in a transaction of its own."""
    return write_many(products=products, at=at, reference=reference, actor_id=actor_id)


@step
def write_many(
    *, products: Sequence[NewProduct], at: datetime, reference: str = "import", actor_id: UUID | None = None
) -> Written:
    """Write products with variants, prices, pictures, stock and documents; batches of 500 to 1,000 are best.

    A product whose first SKU is there already is brought to the given state: what is the same stays untouched, a
    second run changes nothing. Stock is declared for new variants only, since that of others has moved on.

    :raises ProductInvalid, PriceInvalid: what ``check_new_product`` refuses, or a SKU stands there twice
    :raises CategoryNotFound: a category is not there
    """
    for product in products:
        check_new_product(product)
    _check_distinct(products)
    slugs.lock_slugs()
    known = _known([product.variants[0].sku for product in products])
    lock_products(product_ids=set(known.values()))
    categories = _lock_categories({product.category_id for product in products})
    new = [product for product in products if product.variants[0].sku not in known]
    old = {known[p.variants[0].sku]: p for p in products if p.variants[0].sku in known}

    rows = BulkRows(at=at, categories=categories)
    for product, slug in zip(new, _slugs_for(new), strict=True):
        rows.add_product(product, slug)
    with slugs.refused_when_taken(), render_once():
        changed = merge_products(old, at=at, add_variant=rows.add_variant) if old else set()
        rows.write()
        if rows.units:
            outbox.publish(StockDeclared(units=rows.units, actor_id=actor_id, reference=reference), at=at)
        write_first_documents(products=rows.facts)
        render_products(product_ids=changed)
    return Written(created=len(new), changed=len(changed), unchanged=len(old) - len(changed))


def check_new_product(product: NewProduct) -> None:
    """Check what can be checked without the database, so that an import can refuse one row and go on.

    :raises ProductInvalid: name, slug, SKUs, options or the number of variants are wrong
    :raises PriceInvalid: an amount is not a price in its currency
    """
    if not product.name.strip() or len(product.name) > 300:
        raise ProductInvalid("A name has 1 to 300 characters.", field="name")
    if product.slug is not None and not domain.is_slug(product.slug):
        raise ProductInvalid("A slug is made of ASCII letters, digits, - and _.", field="slug")
    if any(len(tag) > 100 for tag in product.tags) or len(product.brand) > 100:
        raise ProductInvalid("Tags and brands have up to 100 characters.", field="tags")
    if "\0" in product.name + product.description + product.brand:
        raise ProductInvalid("NUL characters are not allowed.", field="description")
    check_options(product.options, [variant.options for variant in product.variants])
    for variant in product.variants:
        _check_variant(variant)


def _check_variant(variant: NewVariant) -> None:
    if not domain.is_sku(variant.sku):
        raise ProductInvalid("A SKU has 1 to 64 letters, digits or . _ / + # -", field="sku")
    if variant.stock is not None and variant.stock < 0:
        raise ProductInvalid("Stock is not negative.", field="stock")
    if variant.price_minor is None:
        return
    if not money.is_currency(variant.currency):
        raise PriceInvalid("The currency is not in ISO 4217.", field="currency")
    if not 0 <= variant.price_minor <= money.MAX_MINOR:
        raise PriceInvalid("A price is not negative, nor too large.", field="price")
    if variant.compare_at_minor is not None and not variant.price_minor < variant.compare_at_minor <= money.MAX_MINOR:
        raise PriceInvalid("It must be higher than the price.", field="compare_at_price")


def _check_distinct(products: Iterable[NewProduct]) -> None:
    seen: set[str] = set()
    for product in products:
        for variant in product.variants:
            if variant.sku in seen:
                raise ProductInvalid("A SKU stands there twice.", field="sku", sku=variant.sku)
            seen.add(variant.sku)


def _known(skus: Sequence[str]) -> dict[str, UUID]:
    return dict(Variant.objects.filter(sku__any_of=skus).values_list("sku", "product_id"))


def _lock_categories(wanted: set[UUID]) -> dict[UUID, CategoryFacts]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, name, slug, path, ancestor_ids FROM products_category WHERE id = ANY(%s) ORDER BY id FOR SHARE",
            [list(wanted)],
        )
        found = {
            pk: CategoryFacts(
                document={"id": str(pk), "name": name, "slug": slug, "path": path},
                ancestor_ids=[str(ancestor) for ancestor in ancestor_ids],
            )
            for pk, name, slug, path, ancestor_ids in cursor.fetchall()
        }
    if missing := wanted - found.keys():
        raise CategoryNotFound(category=str(min(missing)))
    return found


def _slugs_for(products: Sequence[NewProduct]) -> list[str]:
    """Return a free slug for each; a taken one gets the product's SKU behind it, and a random end if that is taken."""
    bases = [p.slug or domain.make_slug(p.name, fallback=p.variants[0].sku.lower()[:20]) for p in products]
    longer = [
        domain.make_slug(f"{base[:60]} {p.variants[0].sku}", fallback="sku")
        for base, p in zip(bases, products, strict=True)
    ]
    wanted = [*bases, *longer]
    taken = set(Product.objects.filter(slug__any_of=wanted).values_list("slug", flat=True))
    taken |= set(FormerSlug.objects.filter(slug__any_of=wanted).values_list("slug", flat=True))
    given = []
    for choices in zip(bases, longer, strict=True):
        slug = next((choice for choice in choices if choice not in taken), f"{choices[0][:100]}-{new_id().hex[-12:]}")
        taken.add(slug)
        given.append(slug)
    return given
