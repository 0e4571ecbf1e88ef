"""What inventory does when others announce a fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from inventory import services


def set_declared_stock(
    *, units: Mapping[str, int], actor_id: str | None, reference: str, at: datetime, **_: object
) -> None:
    """Take over what the catalogue's writer said is there, in the same transaction."""
    services.declare_stock(
        units={UUID(variant): count for variant, count in units.items()},
        reference=reference,
        actor_id=UUID(actor_id) if actor_id else None,
        at=at,
    )
