"""What the pages say of signing in is what the code does: ways in, tries, passwords, sessions."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator, MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import authentication, domain
from accounts.api.fields import PasswordField
from accounts.domain import Limit
from accounts.tests.factories import make_session, make_user
from payments.domain import DECLINE_LIMITS
from tests.documented.pages import codes, numbers, section, table
from tests.journeys.world import Operation, document, operations, resolved

_UNITS = {"minutes": 60, "minute": 60, "hours": 3600, "hour": 3600, "days": 86400, "day": 86400}


def seconds(text: str) -> list[int]:
    """Return the spans of time that a text names: ``7 days``, ``an hour``."""
    found = re.findall(r"(\d+|an?) (minutes?|hours?|days?)\b", text)
    return [(int(count) if count.isdigit() else 1) * _UNITS[unit] for count, unit in found]


def answer_of(operation: Operation) -> dict[str, Any]:
    """Return the schema of what an operation answers when it is done."""
    for status, answer in operation.described["responses"].items():
        if status.startswith("2"):
            content = answer.get("content", {}).get("application/json", {})
            return resolved(content.get("schema", {}))
    return {}


class TestTries:
    ROWS = table("authentication.md", "Too many tries", first="what")

    def test_are_as_many_as_the_page_says(self) -> None:
        limits = [limit for limit in vars(domain).values() if isinstance(limit, Limit)]

        said = {
            codes(name)[0]: (int(limit.split()[0]), timedelta(seconds=seconds(limit.split(" in ")[1])[0]))
            for _, limit, name in self.ROWS
        }

        assert said == {limit.name: (limit.most, limit.within) for limit in limits}

    def test_of_cards_are_as_many_as_the_page_says(self) -> None:
        row = next(row for row in table("security.md", "Limits", first="of") if row[0].startswith("declined cards"))

        assert [int(found) for found in re.findall(r"(\d+) in (?:an? |the )", row[1])] == [
            limit.most for limit in DECLINE_LIMITS
        ]
        assert seconds(row[1].replace(", then", " then")) == [
            int(span.total_seconds())
            for span in (DECLINE_LIMITS[0].within, DECLINE_LIMITS[0].wait, DECLINE_LIMITS[1].within)
        ]


class TestPasswords:
    TEXT = section("security.md", "Passwords")

    def test_are_made_of_none_of_the_words_that_the_page_names(self, settings: Settings) -> None:
        settings.PUBLIC_URL, settings.STOREFRONT_URL = "https://api.harbour.example", "https://lantern.example"
        settings.SECOND_FACTOR_ISSUER, settings.PASSWORD_WORDS = "Northwind Lamps", ["Wharf"]
        said = re.search(r"\*([a-z, ]+)\*", self.TEXT)
        assert said
        words = said[1].split(", ")

        assert sorted(words) == sorted(authentication._WORDS)
        assert {"PUBLIC_URL", "STOREFRONT_URL", "SECOND_FACTOR_ISSUER", "PASSWORD_WORDS"} == set(codes(self.TEXT))
        for word in [*words, "harbour", "lantern", "northwind", "lamps", "wharf"]:
            with pytest.raises(ValidationError):
                authentication.ContextWordValidator().validate(f"{word}-12345"[: len(word) + 7])

    def test_are_as_long_as_the_page_says_and_not_the_commonest(self) -> None:
        commonest = len(CommonPasswordValidator().passwords)

        assert numbers(self.TEXT)[:3] == [MinimumLengthValidator().min_length, PasswordField().max_length, 20_000]
        assert 19_000 < commonest <= 20_000  # of the list of 20,000 some differ by their case alone


class TestReminders:
    def test_ask_for_no_hint_and_no_question(self) -> None:
        sent = {
            name for operation in operations() if operation.path.startswith(("/api/v1/auth", "/api/v1/me"))
            for name in operation.body_schema.get("properties", {})
        }  # fmt: skip
        kept = {field.name for model in apps.get_app_config("accounts").get_models() for field in model._meta.fields}

        assert {"email", "password"} <= sent
        assert [name for name in sent | kept if re.search("hint|question|answer|remind", name)] == []


class TestWaysIn:
    ROWS = table("security.md", "Ways in", first="who")
    SAID = " ".join(" ".join(row) for row in ROWS)

    def test_are_all_operations_that_give_tokens(self) -> None:
        giving = {
            operation.path.removeprefix("/api/v1/")
            for operation in operations()
            if "access" in answer_of(operation).get("properties", {}) and not operation.needs_sign_in
        }

        assert giving == {code for code in codes(self.SAID) if code.startswith("auth/")} - {
            "auth/password/reset/confirm"
        }

    def test_are_all_headers_that_bear_a_key(self) -> None:
        headers = {
            found["name"] for operation in operations() for found in operation.parameters("header")
            if found["name"].endswith("-Token")
        }  # fmt: skip

        assert headers == {code for code in codes(self.SAID) if code.startswith("X-")}
        assert list(document()["components"]["securitySchemes"]) == ["bearer"]

    def test_are_all_secrets_that_others_show(self) -> None:
        tokens = {name for name in dir(settings) if name.endswith("_TOKEN")}

        assert tokens == {code for code in codes(self.SAID) if code.endswith("_TOKEN")}

    def test_are_at_these_addresses(self, client: Client) -> None:
        assert reverse("admin:login") in codes(self.SAID)
        assert "/metrics" in codes(self.SAID)
        assert settings.AUTHENTICATION_BACKENDS == ["accounts.authentication.EmailBackend"]
        assert settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] == [
            "accounts.api.authentication.BearerAuthentication"
        ]


class TestSessions:
    ROWS = {row[0]: row for row in table("security.md", "Sessions", first="session")}

    def test_last_as_long_as_the_page_says(self) -> None:
        api = (settings.REFRESH_TOKEN_TTL, settings.SIGN_IN_TTL)

        said = {name: seconds(f"{idle} {most}") for name, idle, most, _ in self.ROWS.values()}

        assert said == {
            "back office": [settings.SESSION_IDLE_SECONDS, settings.SESSION_COOKIE_AGE],
            "API": [int(span.total_seconds()) for span in api],
            "access token": [int(settings.ACCESS_TOKEN_TTL.total_seconds())],
        }
        for _, idle, most, _ in self.ROWS.values():
            assert [name for name in codes(idle + most) if not hasattr(settings, name)] == []

    @pytest.mark.django_db
    def test_are_as_many_as_one_likes(self) -> None:
        user = make_user()

        for _ in range(60):
            make_session(user)

        assert "any number of sessions" in section("security.md", "Sessions")
        assert user.token_families.filter(revoked_at=None).count() == 60

    def test_end_by_the_operations_that_the_page_names(self) -> None:
        paths = {operation.path.removeprefix("/api/v1/") for operation in operations()}
        named = [
            code.removeprefix("DELETE ").removeprefix("GET ") for code in codes(section("security.md", "Sessions"))
        ]

        said = [name.replace("{id}", "{session_id}") for name in named if "/" in name]

        assert len(said) > 3
        assert [name for name in said if name not in paths] == []
