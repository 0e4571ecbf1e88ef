"""What a request says about where it comes from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rest_framework.request import Request


def address_of(request: Request) -> str:
    """Return the network address of whoever asks; who may say so is up to ``settings.TRUSTED_PROXIES``."""
    return str(request.META.get("REMOTE_ADDR", ""))


def program_of(request: Request) -> str:
    """Return what the program that asks calls itself, as it was sent."""
    return str(request.META.get("HTTP_USER_AGENT", ""))


def cart_token_of(request: Request) -> str | None:
    """Return the SHA-256, in hex, of the guest's cart token in ``X-Cart-Token``, or ``None`` without that header."""
    token = request.META.get("HTTP_X_CART_TOKEN")
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest() if token else None
