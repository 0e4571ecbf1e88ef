"""Rules and shapes of the catalogue that need no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


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
