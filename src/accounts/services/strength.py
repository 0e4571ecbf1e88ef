"""Which passwords are taken."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.errors import PasswordTooWeak
from accounts.models import User


def check_strength(*, password: str, email: str) -> None:
    """Ask Django's validators. No query.

    :raises PasswordTooWeak: one of them refuses it
    """
    try:
        validate_password(password, User(email=email))
    except ValidationError as refusal:
        raise PasswordTooWeak(
            errors=[
                {"field": "password", "code": error.code or "invalid", "message": " ".join(error.messages)}
                for error in refusal.error_list
            ]
        ) from refusal
