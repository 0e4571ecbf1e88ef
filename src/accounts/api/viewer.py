"""Who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rest_framework.request import Request

    from accounts.models import User


def viewer_of(request: Request) -> User | None:
    """Return the signed-in user, or ``None`` for a guest."""
    user: User | None = request.user
    return user
