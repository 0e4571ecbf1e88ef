"""Erasing again those who were erased, in a shop that was brought back to a moment before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from accounts import services as accounts
from accounts.events import UserDeleted
from core import outbox
from core.media import left_to_sweep


def replay_erasures(erased: Mapping[UUID, datetime]) -> tuple[int, int]:
    """Erase those of them who are there, with all that follows; return how many, and how much of that is still owed.

    Each is erased in a transaction of their own. What a run that was broken off left is done by the next one, as is
    what had not followed yet at the moment that came back. Files are left to the sweep: they may come back after this.
    """
    with left_to_sweep():
        again = sum(accounts.erase_again(user_id=user_id, at=at) for user_id, at in erased.items())
        return again, outbox.deliver_owed(event=UserDeleted.name)
