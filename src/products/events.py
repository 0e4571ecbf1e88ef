"""Facts about the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class _ProductEvent(Event):
    aggregate_field: ClassVar[str | None] = "product_id"

    product_id: UUID


@dataclass(frozen=True, kw_only=True)
class ProductCreated(_ProductEvent):
    """Staff added a product."""

    name: ClassVar[str] = "products.product_created"


@dataclass(frozen=True, kw_only=True)
class ProductDeleted(_ProductEvent):
    """Staff deleted a product (softly)."""

    name: ClassVar[str] = "products.product_deleted"


@dataclass(frozen=True, kw_only=True)
class ImageAdded(_ProductEvent):
    """A product got an image that has no thumbnails yet."""

    name: ClassVar[str] = "products.image_added"

    image_id: UUID


@dataclass(frozen=True, kw_only=True)
class MarketPartRendered(Event):
    """The next products of a market are shown as the market wants them; those after them are still to be rendered."""

    name: ClassVar[str] = "products.market_part_rendered"
    aggregate_field: ClassVar[str | None] = "market_id"

    market_id: UUID
    after: UUID
    """the last product of the part, in id order"""


@dataclass(frozen=True, kw_only=True)
class ProductsRendered(Event):
    """The documents of these products have changed, come or gone. Announced where a search engine follows them."""

    name: ClassVar[str] = "products.products_rendered"

    product_ids: Sequence[UUID]


@dataclass(frozen=True, kw_only=True)
class StockDeclared(Event):
    """Whoever wrote the catalogue said how many there are. Inventory takes it over in the same transaction."""

    name: ClassVar[str] = "products.stock_declared"

    units: Mapping[str, int]
    """variant id -> units on hand"""
    actor_id: UUID | None
    reference: str
