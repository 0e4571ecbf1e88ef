"""What orders do when others announce a fact."""

from __future__ import annotations

from uuid import UUID

from orders import services


def scrub_customer(*, user_id: str, **_: object) -> None:
    """Remove a deleted person from their orders."""
    services.scrub_customer(user_id=UUID(user_id))
