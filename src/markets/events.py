"""Facts about markets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class MarketSaved(Event):
    """A market was opened or changed; what it lists has to be rendered."""

    name: ClassVar[str] = "markets.market_saved"
    aggregate_field: ClassVar[str | None] = "market_id"

    market_id: UUID
