"""Who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.utils import timezone

from accounts import selectors
from accounts.errors import TokenRefused
from core.errors import Unauthenticated

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request

    from accounts.domain import Claims
    from accounts.models import User
    from core.api.public import Asked


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


def session_of(request: Request) -> UUID:
    """Return the id of the sign-in whose access token asks, where there is one."""
    return cast("Claims", request.auth).family_id


def group_of(request: Asked) -> UUID | None:
    """Return the customer group of whoever reads something public, where DRF signs nobody in.

    ``None`` for guests and for everybody else without one. A token that is not good (any more) hides nothing that is
    public: its bearer is a guest. One query; none without a token.
    """
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        user, _ = selectors.user_of_token(token=token.strip(), at=timezone.now())
    except TokenRefused:
        return None
    return user.customer_group_id
