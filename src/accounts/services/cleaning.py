"""What nobody needs any more."""

from __future__ import annotations

from datetime import datetime

from accounts.models import OneTimeToken, RefreshToken, TokenFamily
from accounts.services.throttling import forget_attempts
from core.sweeping import sweep


def forget_spent_tokens(*, at: datetime) -> int:
    """Remove tokens that expired and attempts that count no more; return how many tokens.

    A spent refresh token stays until it expires: it is how a second use is noticed.
    """
    refresh = sweep(RefreshToken.objects.filter(expires_at__lte=at), by="expires_at")
    sweep(TokenFamily.objects.filter(expires_at__lte=at), by="expires_at")
    links = sweep(OneTimeToken.objects.filter(expires_at__lte=at), by="expires_at")
    forget_attempts(at=at)
    return refresh + links
