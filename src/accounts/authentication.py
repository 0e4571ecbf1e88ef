"""How Django checks a password: by e-mail, in equal time for accounts that do not exist."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password

from accounts.domain import email_key
from accounts.models import User


class EmailBackend(ModelBackend):
    """Signs in by e-mail and password: the admin's form and, through ``accounts.services``, the API."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        user: User | None = User.objects.filter(email_key=email_key(username)).first()
        if user is None:
            make_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None


class CheapArgon2(Argon2PasswordHasher):
    """Argon2 with its smallest cost, for tests."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
