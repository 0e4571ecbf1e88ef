"""The rows of a bulk load: gathered from drafts, written by one COPY per table, and told as facts for the documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection

from core.batching import send_batch
from products.domain import CategoryFacts, NewVariant, ProductFacts
from products.services.drafts import Draft, Row, VariantDraft, draft_variant

_PRODUCTS = (
    "products_product (slug, category_id, id, created_at, updated_at, name, description, tags, brand, options,"
    " attributes, is_active, tax_class)"
)
_VARIANTS = (
    "products_variant (id, created_at, updated_at, product_id, sku, options, position, weight_grams, is_available,"
    " needs_shipping, is_gift_card)"
)
_PRICES = "products_price (id, created_at, updated_at, variant_id, currency, amount_minor, compare_at_minor)"
_POINTS = "products_pricepoint (variant_id, currency, amount_minor, is_reduced, from_at)"
_IMAGES = (
    "products_productimage (id, created_at, updated_at, product_id, file, alt, width, height, position, thumbnails,"
    " source_url)"
)


@dataclass
class BulkRows:
    """The rows of one batch. ``units`` is variant id -> units declared; ``facts`` are those of the new products."""

    at: datetime
    categories: Mapping[UUID, CategoryFacts]
    facts: list[ProductFacts] = field(default_factory=list)
    units: dict[str, int] = field(default_factory=dict)
    _products: list[Row] = field(default_factory=list)
    _variants: list[Row] = field(default_factory=list)
    _prices: list[Row] = field(default_factory=list)
    _points: list[Row] = field(default_factory=list)
    _images: list[Row] = field(default_factory=list)

    def add_product(self, draft: Draft, slug: str) -> None:
        """Take in a product that is not there yet."""
        self._products.append((slug, draft.category_id, *draft.row))
        self._images += draft.image_rows
        for variant in draft.variants:
            self._add_variant(variant)
        self.facts.append(draft.facts(slug, self.categories[draft.category_id], self.at))

    def add_variant(self, product_id: UUID, variant: NewVariant, position: int) -> None:
        """Take in another variant of a product that is there already."""
        self._add_variant(draft_variant(str(product_id), variant, position, self.at.isoformat()))

    def write(self) -> None:
        """Write all rows."""
        _copy(_PRODUCTS, self._products)
        _copy(_VARIANTS, self._variants)
        _copy(_PRICES, self._prices)
        _copy(_POINTS, self._points)
        _copy(_IMAGES, self._images)

    def _add_variant(self, variant: VariantDraft) -> None:
        self._variants.append(variant.row)
        self.units[variant.facts.id] = variant.units
        if variant.price is not None and variant.point is not None:
            self._prices.append(variant.price)
            self._points.append(variant.point)


def _copy(target: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    send_batch()
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
