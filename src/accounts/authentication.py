"""How Django checks a password: by e-mail, in equal time for accounts that do not exist."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.core.exceptions import ValidationError

from accounts.models import User

# What is tried first at a shop, whatever it is called.
_WORDS = ("nexus", "admin", "administrator", "backoffice", "customer", "password", "shop", "staff", "store")
_BESIDE = 8
_SHORTEST = 4


class EmailBackend(ModelBackend):
    """Signs in by e-mail and password: the admin's form and, through ``accounts.services``, the API."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        user: User | None = User.objects.with_email(username).first()
        if user is None:
            make_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None


class ContextWordValidator:
    """Refuses a password that is little more than what this shop, a part of it or a role in it is called."""

    def validate(self, password: str, user: object = None) -> None:
        """:raises ValidationError: fewer than eight characters are left without such a word"""
        said = password.casefold()
        for word in sorted(_context_words(), key=len, reverse=True):
            said = said.replace(word, "")
        if len(said) < _BESIDE <= len(password):
            raise ValidationError("This password is little more than a name of this shop.", code="password_of_context")

    def get_help_text(self) -> str:
        return "Your password must be more than a name of this shop."


def _context_words() -> set[str]:
    hosts = [urlsplit(address).hostname or "" for address in (settings.PUBLIC_URL, settings.STOREFRONT_URL)]
    named = [*_WORDS, *settings.PASSWORD_WORDS, *settings.SECOND_FACTOR_ISSUER.split(), *".".join(hosts).split(".")]
    return {word.casefold() for word in named if len(word) >= _SHORTEST and not word.isdigit()}


class CheapArgon2(Argon2PasswordHasher):
    """Argon2 with its smallest cost, for tests."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
