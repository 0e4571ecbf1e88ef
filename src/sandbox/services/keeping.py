"""Cards that shoppers let the gateway keep."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from core.transactions import command
from sandbox import selectors
from sandbox.errors import MethodNotFound
from sandbox.models import Method


def find_method(*, token: str) -> Method:
    """Return the card that is kept under a token. One query.

    :raises MethodNotFound: there is none, or it was removed
    """
    match = re.fullmatch(r"pm_([0-9a-f]{32})", token, re.ASCII)
    if match is None:
        raise MethodNotFound
    return selectors.get_method(method_id=UUID(match[1]))


@command
def remove_method(*, token: str, at: datetime) -> None:
    """Forget a card for good: its token pays nothing any more.

    :raises MethodNotFound: there is none, or it was removed
    """
    method: Method = Method.objects.filter(pk=find_method(token=token).pk).locked().get()
    method.removed_at = at
    method.save(update_fields=["removed_at", "updated_at"])
