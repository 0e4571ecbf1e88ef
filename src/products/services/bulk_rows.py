"""The rows of a bulk load: gathered from drafts, written by one COPY per table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.sql import copy_lines
from products.domain import MarketFacts, NewVariant
from products.services.documents import announce_rendered
from products.services.drafts import Draft, VariantDraft, draft_variant
from products.services.sketches import Place, fill_in, sketch_documents, write_lines

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
    """The rows of one batch, as lines for COPY. ``units`` is variant id -> units declared."""

    at: datetime
    places: Mapping[UUID, Place]
    units: dict[str, int] = field(default_factory=dict)
    _new: list[tuple[Draft, str]] = field(default_factory=list)
    _products: list[str] = field(default_factory=list)
    _variants: list[VariantDraft] = field(default_factory=list)
    _prices: list[str] = field(default_factory=list)
    _points: list[str] = field(default_factory=list)
    _images: list[str] = field(default_factory=list)

    def add_product(self, draft: Draft, slug: str) -> None:
        """Take in a product that is not there yet."""
        self._new.append((draft, slug))
        self._products.append(f"{slug}\t{draft.category_id}\t{draft.row}")
        self._images += draft.image_rows
        for variant in draft.variants:
            self._add_variant(variant)

    def add_variant(self, product_id: UUID, variant: NewVariant, position: int) -> None:
        """Take in another variant of a product that is there already."""
        self._add_variant(draft_variant(str(product_id), variant, position, self.at.isoformat()))

    def write(self) -> None:
        """Write all rows but the documents. A COPY for each table that has any.

        Slugs and SKUs stand in their order: of two who bring the same ones, one waits for the other, never in a circle.
        """
        tables = {
            _PRODUCTS: sorted(self._products),
            _VARIANTS: [variant.row for variant in sorted(self._variants, key=_sku)],
            _PRICES: self._prices,
            _POINTS: self._points,
            _IMAGES: self._images,
        }
        for target, lines in tables.items():
            if lines:
                copy_lines(target, lines)

    def write_documents(self, markets: Sequence[MarketFacts]) -> None:
        """Write the documents of the new products, in these markets.

        :param markets: those that there are now that the rows are written
        """
        if self._new:
            write_lines(line for draft, slug in self._new for line in self._documents(draft, slug, markets))
            announce_rendered([UUID(draft.facts.id) for draft, _ in self._new])

    def _documents(self, draft: Draft, slug: str, markets: Sequence[MarketFacts]) -> Iterator[str]:
        sketches = draft.documents
        if sketches.markets != markets:
            sketches = sketch_documents(draft.facts, markets)
        return fill_in(sketches, slug, self.places[draft.category_id])

    def _add_variant(self, variant: VariantDraft) -> None:
        self._variants.append(variant)
        self.units[variant.facts.id] = variant.units
        if variant.price:
            self._prices.append(variant.price)
            self._points.append(variant.point)


def _sku(variant: VariantDraft) -> str:
    return variant.facts.sku
