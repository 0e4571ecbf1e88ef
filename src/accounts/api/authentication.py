"""``Authorization: Bearer`` (RFC 6750, section 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication

from accounts import selectors
from accounts.errors import TokenRefused
from core import logs

if TYPE_CHECKING:
    from rest_framework.request import Request

    from accounts.domain import Claims
    from accounts.models import User


class BearerAuthentication(BaseAuthentication):
    """Signs a request in by its access token. Without the header it is a guest's; with a bad token it is refused."""

    def authenticate(self, request: Request) -> tuple[User, Claims] | None:
        """Return the user and the token's claims. One query; none for a guest.

        :raises TokenRefused: forged, expired, ended, or another scheme
        """
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise TokenRefused
        user, claims = selectors.user_of_token(token=token.strip(), at=timezone.now())
        logs.note(user_id=user.pk)
        return user, claims

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="nexus"'


class BearerScheme(OpenApiAuthenticationExtension):
    """How the schema tells of it."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
