"""What every shop has before its first customer."""

from __future__ import annotations

from datetime import datetime

from accounts import services as accounts
from inventory import services as inventory
from markets import services as markets


def open_shop(*, at: datetime) -> None:
    """Make the default market, the default place and the ready-made roles, as far as they are missing."""
    markets.ensure_default_market(at=at)
    inventory.ensure_default_place()
    accounts.ensure_roles()
