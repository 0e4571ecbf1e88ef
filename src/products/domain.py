"""Rules and shapes of the catalogue that need no database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from core import money

SLUG_LENGTH = 120
SKU_LENGTH = 64
MAX_VARIANTS = 200
MAX_IMAGES = 20
# PostgreSQL refuses a text search vector of a megabyte; this much of a description is searched.
SEARCHED_CHARACTERS = 50_000

# Addresses below ``products/`` that are no products.
RESERVED_SLUGS = frozenset({"prices"})

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SLUG = re.compile(r"[A-Za-z0-9_-]{1,150}")
_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/+#-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A variant as it is sold in one market, now."""

    variant_id: UUID
    product_id: UUID
    sku: str
    name: str
    slug: str
    options: Mapping[str, str]
    unit_price_minor: int
    compare_at_minor: int | None
    currency: str
    is_available: bool
    image_url: str | None


class Label(NamedTuple):
    """What a variant was called, sold or not."""

    product_id: UUID
    sku: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """What a document depends on of its market."""

    id: UUID
    code: str
    currency: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryFacts:
    """What the documents of a category's products show of it; ids from the root to itself."""

    document: Mapping[str, str]
    ancestor_ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantFacts:
    """A living variant; ``prices`` is currency -> (amount, compare-at or ``None``) in minor units."""

    id: str
    sku: str
    options: Mapping[str, str]
    weight_grams: int | None
    is_available: bool
    prices: Mapping[str, Sequence[int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFacts:
    """All that the documents of one product depend on, read under its lock. Ids are text; variants in their order."""

    id: str
    name: str
    slug: str
    description: str
    description_html: str
    tags: list[str]
    brand: str
    options: list[dict[str, Any]]
    attributes: Mapping[str, Any]
    is_active: bool
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    category: Mapping[str, str]
    category_ids: list[str]
    images: list[dict[str, Any]] = field(default_factory=list)
    variants: list[VariantFacts] = field(default_factory=list)


def render(product: ProductFacts, market: MarketFacts) -> dict[str, Any] | None:
    """Return the product as the public reads it in that market, or ``None`` where it is not sold.

    Sold are the variants with a price in the market's currency; the product's price is that of the cheapest of them.
    """
    sold = [variant for variant in product.variants if market.currency in variant.prices]
    if not sold or not product.is_active or product.deleted_at is not None:
        return None
    cheapest = min(sold, key=lambda variant: variant.prices[market.currency][0] or 0)
    return {
        "id": product.id,
        "name": product.name,
        "slug": product.slug,
        "description": product.description,
        "description_html": product.description_html,
        "category": dict(product.category),
        "tags": product.tags,
        "brand": product.brand,
        "market": market.code,
        **_prices(cheapest, market.currency),
        "in_stock": any(variant.is_available for variant in sold),
        "images": product.images,
        "options": product.options,
        "attributes": dict(product.attributes),
        "variants": [_variant(variant, product.options, market.currency) for variant in sold],
        "rating": {"average": 0, "count": 0},
        "is_active": True,
        "created_at": _time(product.created_at),
        "updated_at": _time(product.updated_at),
    }


def show_availability(document: dict[str, Any], available: Mapping[str, bool]) -> None:
    """Change in a rendered document which variants (id -> whether any unit is free) can be had, as ``render`` would."""
    for variant in document["variants"]:
        variant["in_stock"] = available.get(variant["id"], variant["in_stock"])
    document["in_stock"] = any(variant["in_stock"] for variant in document["variants"])


def lowest_price(product: ProductFacts, currency: str) -> int:
    """Return the price, in minor units, that lists in that currency go by."""
    return min(variant.prices[currency][0] or 0 for variant in product.variants if currency in variant.prices)


def _variant(variant: VariantFacts, options: list[dict[str, Any]], currency: str) -> dict[str, Any]:
    return {**_described(variant, options), **_prices(variant, currency)}


def _described(variant: VariantFacts, options: list[dict[str, Any]]) -> dict[str, Any]:
    ordered = [option["name"] for option in options if option["name"] in variant.options]
    ordered += [name for name in variant.options if name not in ordered]
    return {
        "id": variant.id,
        "sku": variant.sku,
        "options": {name: variant.options[name] for name in ordered},
        "in_stock": variant.is_available,
        "weight_grams": variant.weight_grams,
    }


def _prices(variant: VariantFacts, currency: str) -> dict[str, Any]:
    amount, compare_at = variant.prices[currency]
    return {
        "price": money.as_document(amount or 0, currency),
        "compare_at_price": None if compare_at is None else money.as_document(compare_at, currency),
    }


@lru_cache(maxsize=256)
def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def is_uuid(text: str) -> bool:
    """Tell whether the text is an id rather than a slug."""
    return len(text) == 36 and _UUID.fullmatch(text) is not None


def is_slug(text: str) -> bool:
    """Tell whether the text can be a slug at all."""
    return _SLUG.fullmatch(text) is not None and not is_uuid(text) and text not in RESERVED_SLUGS


def is_sku(text: str) -> bool:
    """Tell whether the text can be a SKU: letters, digits and ``. _ / + # -`` or blanks inside, at most 64."""
    return _SKU.fullmatch(text) is not None and text == text.strip()


def is_timestamp(text: str) -> bool:
    """Tell whether the text is a moment as PostgreSQL writes it (ISO 8601)."""
    try:
        return len(text) <= 35 and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def make_slug(name: str, *, fallback: str) -> str:
    """Return a slug for a name: ASCII letters and digits with hyphens, the nearest that NFKD gives.

    :param fallback: what to use where nothing of the name remains
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_LENGTH].rstrip("-")
    if not is_slug(slug):
        return f"{slug or 'product'}-{fallback}"[:SLUG_LENGTH]
    return slug


def numbered_slug(slug: str, taken: Iterable[str]) -> str:
    """Return the slug itself or with the first free number behind it."""
    used = set(taken)
    if slug not in used:
        return slug
    number = 2
    while f"{slug}-{number}" in used:
        number += 1
    return f"{slug}-{number}"


def make_sku(slug: str) -> str:
    """Return the SKU that a product gets that was given none."""
    return slug.upper()[:SKU_LENGTH].rstrip("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountGiven:
    """A price as someone wrote it: major units; without a currency it is that of the default market."""

    amount: Decimal
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantData:
    """What a new variant is like. Without a SKU it gets one; without a price it is sold nowhere."""

    sku: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    price: AmountGiven | None = None
    compare_at_price: AmountGiven | None = None
    stock: int | None = None
    weight_grams: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductData:
    """What a new product is like. ``category`` is a slug or an id; without a slug it gets one from its name."""

    name: str
    category: str
    slug: str | None = None
    description: str = ""
    tags: Sequence[str] = ()
    brand: str = ""
    options: Sequence[Mapping[str, Any]] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = True
    variants: Sequence[VariantData] = (VariantData(),)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVariant:
    """A variant of a bulk load, known by its SKU; amounts in minor units of ``currency``, stock in units."""

    sku: str
    price_minor: int | None
    currency: str
    compare_at_minor: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    weight_grams: int | None = None
    stock: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImage:
    """A picture of a bulk load that stays where it is."""

    source_url: str
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """A product of a bulk load. It is known by the SKU of its first variant; without a slug it gets one."""

    name: str
    category_id: UUID
    variants: Sequence[NewVariant]
    slug: str | None = None
    description: str = ""
    tags: Sequence[str] = ()
    brand: str = ""
    options: Sequence[Mapping[str, Any]] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    images: Sequence[NewImage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a bulk load did with its products, counted."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffProduct:
    """A product as staff see it, with the version that ``If-Match`` takes."""

    document: Mapping[str, Any]
    version: str


def version_of(updated_at: datetime) -> str:
    """Return the version of a product as staff see it."""
    return f"{int(updated_at.timestamp() * 1_000_000):x}"


def render_for_staff(product: ProductFacts, *, currency: str, units: Mapping[str, int]) -> dict[str, Any]:
    """Return the product with everything: the public shape, all prices of all variants, its state, live stock.

    :param currency: the one in which ``price`` and ``compare_at_price`` stand; they are null where there is none
    :param units: variant id -> free units
    """
    priced = [variant for variant in product.variants if currency in variant.prices]
    cheapest = min(priced, key=lambda variant: variant.prices[currency][0] or 0, default=None)
    nothing = {"price": None, "compare_at_price": None}
    variants = [
        {
            **_described(variant, product.options),
            **(_prices(variant, currency) if currency in variant.prices else nothing),
            "prices": [_prices(variant, code) for code in sorted(variant.prices)],
        }
        for variant in product.variants
    ]
    living = {variant.id: units.get(variant.id, 0) for variant in product.variants}
    return {
        "id": product.id,
        "name": product.name,
        "slug": product.slug,
        "description": product.description,
        "description_html": product.description_html,
        "category": dict(product.category),
        "tags": product.tags,
        "brand": product.brand,
        **(_prices(cheapest, currency) if cheapest else nothing),
        "in_stock": any(variant.is_available for variant in product.variants),
        "images": product.images,
        "options": product.options,
        "attributes": dict(product.attributes),
        "variants": variants,
        "rating": {"average": 0, "count": 0},
        "is_active": product.is_active,
        "created_at": _time(product.created_at),
        "updated_at": _time(product.updated_at),
        "deleted_at": None if product.deleted_at is None else _time(product.deleted_at),
        "stock": {"total": sum(living.values()), "variants": living},
    }
