"""``Authorization: Bearer``."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication


class BearerAuthentication(BaseAuthentication):
    """Signs a request in by its access token."""

    def authenticate(self, request: Any) -> Any:
        return None
