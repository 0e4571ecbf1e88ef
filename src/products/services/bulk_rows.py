"""The rows of a bulk load: gathered as text, written by one COPY per table, and told as facts for the documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from core.ids import new_id_text
from core.lookups import array_literal
from products.domain import CategoryFacts, NewImage, NewProduct, NewVariant, ProductFacts, VariantFacts
from products.selectors.facts import image_document, to_html

Row = tuple[Any, ...]

_PRODUCTS = (
    "products_product (id, created_at, updated_at, name, slug, category_id, description, tags, brand, options,"
    " attributes, is_active)"
)
_VARIANTS = (
    "products_variant (id, created_at, updated_at, product_id, sku, options, position, weight_grams, is_available)"
)
_PRICES = "products_price (id, created_at, updated_at, variant_id, currency, amount_minor, compare_at_minor)"
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
    _images: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._at = self.at.isoformat()

    def add_product(self, product: NewProduct, slug: str) -> None:
        """Take in a product that is not there yet."""
        pk = new_id_text()
        options, attributes = as_stored(product.options), as_stored(product.attributes)
        self._products.append(
            (
                pk, self._at, self._at, product.name, slug, product.category_id, product.description,
                array_literal(product.tags), product.brand, _json(options), _json(attributes), True,
            )
        )  # fmt: skip
        category = self.categories[product.category_id]
        self.facts.append(
            ProductFacts(
                id=pk,
                name=product.name,
                slug=slug,
                description=product.description,
                description_html=to_html(product.description),
                tags=list(product.tags),
                brand=product.brand,
                options=options,
                attributes=attributes,
                is_active=True,
                deleted_at=None,
                created_at=self.at,
                updated_at=self.at,
                category=category.document,
                category_ids=category.ancestor_ids,
                images=[self._add_image(pk, image, position) for position, image in enumerate(product.images)],
                variants=[
                    self._add_variant(pk, variant, position) for position, variant in enumerate(product.variants)
                ],
            )
        )

    def add_variant(self, product_id: UUID, variant: NewVariant, position: int) -> None:
        """Take in another variant of a product that is there already."""
        self._add_variant(str(product_id), variant, position)

    def write(self) -> None:
        """Write all rows. A variant is available as its stock is declared; inventory takes that over."""
        _copy(_PRODUCTS, self._products)
        _copy(_VARIANTS, self._variants)
        _copy(_PRICES, self._prices)
        _copy(_IMAGES, self._images)

    def _add_variant(self, product_id: str, variant: NewVariant, position: int) -> VariantFacts:
        pk = new_id_text()
        options = as_stored(variant.options)
        units = variant.stock or 0
        self.units[pk] = units
        self._variants.append(
            (
                pk, self._at, self._at, product_id, variant.sku, _json(options), position, variant.weight_grams,
                units > 0,
            )
        )  # fmt: skip
        prices: dict[str, tuple[int | None, int | None]] = {}
        if variant.price_minor is not None:
            prices[variant.currency] = (variant.price_minor, variant.compare_at_minor)
            self._prices.append(
                (
                    new_id_text(), self._at, self._at, pk, variant.currency, variant.price_minor,
                    variant.compare_at_minor,
                )
            )  # fmt: skip
        return VariantFacts(
            id=pk,
            sku=variant.sku,
            options=options,
            weight_grams=variant.weight_grams,
            is_available=units > 0,
            prices=prices,
        )

    def _add_image(self, product_id: str, image: NewImage, position: int) -> dict[str, Any]:
        pk = new_id_text()
        self._images.append((pk, self._at, self._at, product_id, "", image.alt, 0, 0, position, "{}", image.source_url))
        return image_document(pk, "", image.alt, 0, 0, {}, image.source_url)


def as_stored(value: Any) -> Any:
    """Return a JSON value as ``jsonb`` gives it back: keys by length, then by bytes (``lengthCompareJsonbString``)."""
    if isinstance(value, Mapping):
        return {key: as_stored(value[key]) for key in sorted(value, key=_key_order)}
    if isinstance(value, (list, tuple)):
        return [as_stored(item) for item in value]
    return _number_as_stored(value) if isinstance(value, float) else value


def _number_as_stored(number: float) -> float:
    """``numeric`` knows no negative zero and no exponents: what is long and fits into 64 bits comes back whole."""
    whole = int(Decimal(repr(number))) if 1e16 <= abs(number) < 2e19 else 0
    return whole if whole and -(2**63) <= whole < 2**64 else number + 0.0


def _key_order(key: str) -> tuple[int, bytes]:
    text = key.encode()
    return len(text), text


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _copy(target: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
