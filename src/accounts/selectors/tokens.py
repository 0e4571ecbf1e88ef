"""Whom a token belongs to: JSON Web Tokens (RFC 7519), read as RFC 8725 advises."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from uuid import UUID

import jwt
from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts.domain import Claims
from accounts.errors import TokenRefused
from accounts.models import User

ISSUER = "nexus"
AUDIENCE = "nexus-api"
ALGORITHM = "HS256"
# Exactly what we write: no ``kid``, ``jku`` or other say of the bearer in which key is used.
_HEADER = {"alg": ALGORITHM, "typ": "JWT"}
_REQUIRED = ["iss", "aud", "typ", "sub", "ver", "fam", "iat", "exp"]
_OPTIONS = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "strict_aud": True}
_MAX_LENGTH = 2000


def user_of_token(*, token: str, at: datetime) -> tuple[User, Claims]:
    """Return who an access token belongs to, and what it says. One query, none for a token that is not ours.

    :raises TokenRefused: forged, expired or of another kind; or the account or the sign-in has ended
    """
    claims = read_token(token=token, kind="access", at=at)
    user: User | None = User.objects.filter(
        pk=claims.user_id,
        is_active=True,
        deleted_at__isnull=True,
        token_version=claims.token_version,
        token_families__pk=claims.family_id,
        token_families__revoked_at__isnull=True,
    ).first()
    if user is None or lacks_second_factor(user):
        raise TokenRefused
    return user, claims


def lacks_second_factor(user: User) -> bool:
    """Tell whether the account may not come in before it has a second factor (``settings.STAFF_SECOND_FACTOR``)."""
    return user.second_factor_at is None and user.is_staff and settings.STAFF_SECOND_FACTOR


def read_token(*, token: str, kind: str, at: datetime) -> Claims:
    """Return what a token of that kind (``access``, ``refresh``) says. No query: whether it still holds is not told.

    :raises TokenRefused: forged, expired, or of another kind
    """
    try:
        if len(token) > _MAX_LENGTH or jwt.get_unverified_header(token) != _HEADER:
            raise TokenRefused
        said = jwt.decode(
            token,
            token_key(settings.SECRET_KEY),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options=_OPTIONS,  # type: ignore[arg-type]
        )
        if said["typ"] != kind or int(said["exp"]) <= at.timestamp():
            raise TokenRefused
        return Claims(UUID(said["sub"]), int(said["ver"]), UUID(said["fam"]))
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise TokenRefused from error


@cache
def token_key(secret: str) -> bytes:
    """Return the key that signs tokens: made from the shop's secret for this purpose alone."""
    return salted_hmac("accounts.tokens", "", secret=secret, algorithm="sha256").digest()
