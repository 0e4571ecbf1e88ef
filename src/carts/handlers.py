"""What carts do when others announce a fact."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from carts import services


def merge_guest_cart(*, user_id: str, cart_token: str, at: datetime, **_: object) -> None:
    """Bring the guest's cart along when they sign in, in the same transaction."""
    services.merge_guest_cart(user_id=UUID(user_id), token_digest=cart_token, at=at)
