"""Handing a batch of rows to the catalogue.

Facts of an import are not announced: thousands of mails about new products are of no use to anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, QuerySet

from core.transactions import command, step
from products.domain import NewImage, NewProduct, NewVariant
from products.errors import ProductInvalid
from products.models import ImportRun, Variant
from products.services.bulk import write_many
from products.services.importing.rows import ProductRow
from products.services.importing.tree import ensure_paths

# What batches look rows up by.
_KEYS = (
    "products_category",
    "products_product (id, slug, category_id)",
    "products_variant (id, sku, product_id)",
    "products_price (variant_id)",
    "products_productimage (product_id)",
    "products_productdocument (market_id, product_id)",
)
# What shoppers and staff look for.
_SEARCHED = (
    "products_category",
    "products_product (id, created_at, name, slug, category_id, tags, brand, is_active, deleted_at)",
    "products_variant",
    "products_price",
    "products_productimage (id, product_id, position)",
    (
        "products_productdocument (market_id, product_id, slug, name, category_ids, tags, skus, price_minor, in_stock,"
        " rating, published_at, search)"
    ),
)


@dataclass
class Tally:
    """How many rows became what."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def add(self, more: Tally) -> None:
        """Count another batch in."""
        self.created += more.created
        self.changed += more.changed
        self.unchanged += more.unchanged


@command
def write_batch(*, rows: Sequence[ProductRow], currency: str, run_id: UUID, done: int, at: datetime) -> Tally:
    """Write rows, and with them how far the import has come. A constant number of statements.

    :param done: the row up to which all is written with this batch
    :param at: the time of the import: of what it makes, ``created_at``
    :raises ProductInvalid: a SKU stood in an earlier row, or belongs to a product with several variants
    """
    skus = [row.sku for row in rows]
    _refuse(Variant.objects.filter(sku__any_of=skus, created_at=at), "stands in an earlier row")
    _refuse(_of_several(skus), "belongs to a product with several variants")
    categories = ensure_paths(paths={row.category for row in rows}, at=at)
    products = [_product(row, categories[row.category], currency) for row in rows]
    written = write_many(products=products, at=at)
    ImportRun.objects.filter(pk=run_id).update(rows_done=done)
    return Tally(written.created, written.changed, written.unchanged)


def refresh_statistics() -> None:
    """Tell the database what its tables hold by now, so that it plans well before it would notice itself."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def refresh_plans() -> None:
    """Tell the database how the tables that an import fills have grown, as far as the next batches depend on it."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(_KEYS)}")


def refresh_catalogue_statistics() -> None:
    """Tell the database what the catalogue holds by now, but for the long texts that nothing is searched by."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(_SEARCHED)}")


@step
def _refuse(variants: QuerySet[Variant], reason: str) -> None:
    skus = sorted(variants.values_list("sku", flat=True))
    if skus:
        raise ProductInvalid(f"sku: {', '.join(skus)} {reason}", field="sku")


def _of_several(skus: Sequence[str]) -> QuerySet[Variant]:
    owners = Variant.objects.filter(sku__any_of=skus).values("product_id")
    several = Variant.objects.filter(product__in=owners).values("product_id").annotate(n=Count("pk")).filter(n__gt=1)
    found: QuerySet[Variant] = Variant.objects.filter(sku__any_of=skus, product__in=several.values("product_id"))
    return found


def _product(row: ProductRow, category_id: UUID, currency: str) -> NewProduct:
    variant = NewVariant(
        sku=row.sku,
        price_minor=row.price_minor,
        currency=currency,
        compare_at_minor=row.compare_at_minor,
        weight_grams=row.weight_grams,
        stock=row.stock or 0,
    )
    return NewProduct(
        name=row.name,
        category_id=category_id,
        variants=[variant],
        description=row.description,
        tags=row.tags,
        brand=row.brand,
        attributes=row.attributes,
        images=[NewImage(source_url=url, alt=row.name) for url in row.images],
    )
