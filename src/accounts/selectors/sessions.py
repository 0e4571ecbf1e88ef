"""Reads of someone's sign-ins."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import RefreshToken, TokenFamily, User


def list_sessions(*, user: User, at: datetime) -> QuerySet[TokenFamily]:
    """Return the person's sign-ins that can still go on, each with ``last_used_at``: when its newest tokens were made.

    One query. In the order of ``-expires_at``, which each use moves, the one used last is first.
    """
    tokens = RefreshToken.objects.filter(family=OuterRef("pk")).order_by("-created_at").values("created_at")
    live: QuerySet[TokenFamily] = TokenFamily.objects.filter(
        user=user, revoked_at__isnull=True, expires_at__gt=at, created_at__gt=at - settings.SIGN_IN_TTL
    )
    return live.annotate(last_used_at=Subquery(tokens[:1]))
