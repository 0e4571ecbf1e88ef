"""What someone wants written: products, variants and prices as they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from products.domain.offers import STANDARD_TAX_CLASS

MAX_VARIANTS = 200
MAX_IMAGES = 20


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
    needs_shipping: bool = True
    is_gift_card: bool = False


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
    tax_class: str = STANDARD_TAX_CLASS
    variants: Sequence[VariantData] = (VariantData(),)


# What a bulk load is given is not frozen, which costs twice as much; nobody changes it.
@dataclass(slots=True, kw_only=True)
class NewVariant:
    """A variant of a bulk load, known by its SKU; amounts in minor units of ``currency``, stock in units.

    Where it is not told whether it needs shipping, a new one does, and one that is there stays as it is. Likewise a new
    one is no gift card.
    """

    sku: str
    price_minor: int | None
    currency: str
    compare_at_minor: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    weight_grams: int | None = None
    stock: int | None = None
    needs_shipping: bool | None = None
    is_gift_card: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImage:
    """A picture of a bulk load that stays where it is."""

    source_url: str
    alt: str = ""


@dataclass(slots=True, kw_only=True)
class NewProduct:
    """A product of a bulk load. It is known by the SKU of its first variant; without a slug it gets one.

    Without a tax class a new one has the standard one, and one that is there keeps its own.
    """

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
    tax_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a bulk load did with its products, counted."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
