"""Rules about people that need no database."""

from __future__ import annotations

import unicodedata
from enum import Enum


class Visibility(Enum):
    """Who sees a profile: nobody else, or other customers (display name and avatar only)."""

    PRIVATE = "private"
    PUBLIC = "public"


class Purpose(Enum):
    """What a one-time token is good for."""

    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, not a password
    VERIFY_EMAIL = "verify_email"


class Role(Enum):
    """The groups that come ready-made."""

    CUSTOMER_SUPPORT = "customer support"
    CATALOGUE_MANAGER = "catalogue manager"
    ORDER_MANAGER = "order manager"
    ADMINISTRATOR = "administrator"


def email_key(email: str) -> str:
    """Return the form in which e-mails are compared: NFKC, case-folded (Unicode, section 3.13)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).casefold()).strip()
