"""Handing out all that the shop holds of a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts import selectors
from accounts.domain import EXPORTS_PER_ACCOUNT
from accounts.models import User
from accounts.services.roles import check_reach
from accounts.services.throttling import count_attempt, counter
from core.personal import personal_data
from core.transactions import command


def count_export(*, user_id: UUID, at: datetime) -> None:
    """Count an export that this account asks for, its own or another's.

    :raises TooManyAttempts: 10 within the hour
    """
    count_attempt([counter(EXPORTS_PER_ACCOUNT, "export", str(user_id))], at=at)


@command
def export_account(*, user_id: UUID, actor: User, at: datetime) -> Iterator[tuple[str, Any]]:
    """Let staff take what the shop holds of a person, who asked for it: name -> value, read while it is written.

    :raises UserNotFound: there is no such account
    :raises AboveYourRole: the account holds more than ``actor``
    """
    user = selectors.get_user(user_id=user_id)
    check_reach(actor, user, [])
    return personal_data(user_id=user.pk, at=at)
