"""Who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from core.errors import Unauthenticated

if TYPE_CHECKING:
    from rest_framework.request import Request

    from accounts.models import User


def viewer_of(request: Request) -> User | None:
    """Return the signed-in user, or ``None`` for a guest."""
    return cast("User | None", request.user)


def customer_of(request: Request) -> User:
    """Return the signed-in user, where there has to be one.

    :raises Unauthenticated: a guest asks
    """
    user = viewer_of(request)
    if user is None:
        raise Unauthenticated
    return user
