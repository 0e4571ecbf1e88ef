"""Facts that notifications announce, to themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class AnnouncementPartTold(Event):
    """The next subscribers were told of a new product; those after them are still to be told."""

    name: ClassVar[str] = "notifications.announcement_part_told"
    aggregate_field: ClassVar[str | None] = "product_id"

    product_id: UUID
    source: str
    """the delivery that the announcement began with: nobody is told twice of the same"""
    after: UUID
    """the last account of the part, in id order"""
    told: int
    """how many accounts were gone through by now"""
