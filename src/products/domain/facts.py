"""What documents are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from products.domain.offers import STANDARD_TAX_CLASS, ListRow


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """What a document depends on of its market. The id is text."""

    id: str
    code: str
    currency: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryFacts:
    """What the documents of a category's products show of it; ids from the root to itself."""

    document: Mapping[str, str]
    ancestor_ids: list[str]


# Facts of products are not frozen, for that costs twice as much, and there are many; nobody changes them.
@dataclass(slots=True, kw_only=True)
class VariantFacts:
    """A living variant; ``prices`` is currency -> (amount, compare-at or ``None``) in minor units.

    ``listed`` are the prices of all lists that documents show. ``lowest`` is (currency, market or ``None``) -> the
    lowest price of the 30 days before the reduction that is announced; where none is, there is no entry.
    """

    id: str
    sku: str
    options: Mapping[str, str]
    weight_grams: int | None
    is_available: bool
    prices: Mapping[str, Sequence[int | None]]
    needs_shipping: bool = True
    is_gift_card: bool = False
    listed: Sequence[ListRow] = ()
    lowest: Mapping[tuple[str, str | None], int | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
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
    tax_class: str = STANDARD_TAX_CLASS
    images: list[dict[str, Any]] = field(default_factory=list)
    variants: list[VariantFacts] = field(default_factory=list)
