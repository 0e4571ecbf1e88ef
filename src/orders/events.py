"""Facts about orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class OrderPlaced(Event):
    """An order was accepted and its stock reserved."""

    name: ClassVar[str] = "orders.order_placed"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID
    total_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class OrderMoved(Event):
    """An order went from one state to another."""

    name: ClassVar[str] = "orders.order_moved"
    aggregate_field: ClassVar[str | None] = "order_id"

    order_id: UUID
    move_id: int
    from_status: str
    to_status: str
