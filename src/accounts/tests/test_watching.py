"""What the log says of what happens at the door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from structlog.testing import capture_logs

from accounts import services
from accounts.domain import Purpose, Role
from accounts.errors import (
    AboveYourRole,
    LinkRefused,
    PasswordTooWeak,
    SecondFactorNeeded,
    SecondFactorRefused,
    SignInRefused,
    TokenReused,
    TooManyAttempts,
    WrongPassword,
)
from accounts.models import User
from accounts.tests.factories import PASSWORD, make_second_factor, make_session, make_user

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOME, CAFE = "192.0.2.1", "198.51.100.7"
NEW = "another good passphrase"


def mailed_token(user: User) -> str:
    with transaction.atomic():
        return services.make_one_time_token(user_id=user.pk, purpose=Purpose.RESET_PASSWORD, now=NOON)


def said(lines: list[Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(line.get(name) for name in ("event", "outcome", *names)) for line in lines]


@pytest.mark.django_db
class TestSignIn:
    def test_is_told_with_who_and_by_how_many_factors(self) -> None:
        user, careful = make_user(), make_user()
        app = make_second_factor(careful, at=NOON)

        with capture_logs() as lines:
            services.sign_in(email=user.email, password=PASSWORD, address=HOME, at=NOON)
            services.sign_in(email=careful.email, password=PASSWORD, code=app.code(NOON), address=HOME, at=NOON)

        assert said(lines, "via", "user_id", "factors") == [
            ("sign in", "done", "api", user.pk, 1),
            ("sign in", "done", "api", careful.pk, 2),
        ]

    def test_is_told_where_it_is_refused(self) -> None:
        user = make_user()
        make_second_factor(user, at=NOON)

        with capture_logs() as lines:
            with pytest.raises(SignInRefused):
                services.sign_in(email=user.email, password="wrong", address=HOME, at=NOON)
            with pytest.raises(SecondFactorNeeded):
                services.sign_in(email=user.email, password=PASSWORD, address=HOME, at=NOON)
            with pytest.raises(SecondFactorRefused):
                services.sign_in(email=user.email, password=PASSWORD, code="000000", address=HOME, at=NOON)

        assert said(lines, "log_level", "code", "user_id") == [
            ("sign in", "refused", "warning", "accounts.sign_in_refused", None),
            ("sign in", "refused", "warning", "accounts.second_factor_needed", user.pk),
            ("sign in", "refused", "warning", "accounts.second_factor_refused", user.pk),
        ]

    def test_lets_guesses_be_told_apart_by_account_and_by_address(self) -> None:
        def guess(email: str, address: str) -> None:
            with pytest.raises(SignInRefused):
                services.sign_in(email=email, password="wrong", address=address, at=NOON)

        with capture_logs() as lines:
            guess("ada@example.com", HOME)
            guess("ADA@example.com", HOME)
            guess("eve@example.com", HOME)
            guess("ada@example.com", CAFE)

        tried, origin = ([line[name] for line in lines] for name in ("tried", "origin"))
        assert tried[0] == tried[1]
        assert len(set(tried)) == 3
        assert origin[0] == origin[1] == origin[2] != origin[3]

    def test_is_told_where_there_were_too_many(self) -> None:
        for _ in range(5):
            with pytest.raises(SignInRefused):
                services.sign_in(email="ada@example.com", password="wrong", address=HOME, at=NOON)

        with capture_logs() as lines, pytest.raises(TooManyAttempts):
            services.sign_in(email="ada@example.com", password=PASSWORD, address=HOME, at=NOON)

        assert said(lines, "code") == [("sign in", "refused", "accounts.too_many_attempts")]

    def test_is_told_of_the_back_office(self) -> None:
        clerk, customer = make_user(roles=[Role.ADMINISTRATOR]), make_user()
        browser, data = Client(), {"password": PASSWORD, "next": "/admin/"}

        with capture_logs() as lines:
            browser.post("/admin/login/", data | {"username": customer.email})
            browser.post("/admin/login/", data | {"username": clerk.email})

        assert said([line for line in lines if line["event"] == "sign in"], "via", "user_id") == [
            ("sign in", "refused", "admin", customer.pk),
            ("sign in", "done", "admin", clerk.pk),
        ]

    def test_s41_holds_nothing_that_was_typed(self) -> None:
        user = make_user("ada.lovelace@example.com")

        with capture_logs() as lines:
            services.sign_in(email=user.email, password=PASSWORD, address=HOME, at=NOON)
            with pytest.raises(SignInRefused):
                services.sign_in(email="mallory@example.com", password="sesame", address=CAFE, at=NOON)

        told = str(lines)
        assert [word for word in ("lovelace", "mallory", PASSWORD, "sesame", HOME, CAFE) if word in told] == []


@pytest.mark.django_db
class TestChanges:
    def test_of_a_password_are_told_however_it_is_changed(self) -> None:
        user, clerk = make_user(), make_user(is_superuser=True)

        with capture_logs() as lines:
            services.change_password(user=user, current=PASSWORD, new=NEW, address=HOME, at=NOON)
            services.confirm_password_reset(token=mailed_token(user), password=PASSWORD, at=NOON + timedelta(minutes=1))
            services.set_password(user_id=user.pk, password=NEW, email=user.email, actor=clerk, at=NOON)

        changed = [line for line in lines if line["event"] == "password changed"]
        assert said(changed, "user_id", "via", "by") == [
            ("password changed", "done", user.pk, "account", None),
            ("password changed", "done", user.pk, "link", None),
            ("password changed", "done", user.pk, None, clerk.pk),
        ]
        assert [line["user_id"] for line in lines if line["event"] == "all sign-ins ended"] == [user.pk] * 3

    def test_that_are_refused_are_told(self) -> None:
        user = make_user()

        with capture_logs() as lines:
            with pytest.raises(WrongPassword):
                services.change_password(user=user, current="wrong", new=NEW, address=HOME, at=NOON)
            with pytest.raises(LinkRefused):
                services.confirm_password_reset(token="none", password=NEW, at=NOON)
            with pytest.raises(PasswordTooWeak):
                services.register(email="new@example.com", password="password", at=NOON)

        assert said(lines, "code") == [
            ("password asked again", "refused", "accounts.sign_in_refused"),
            ("password changed", "refused", "accounts.link_refused"),
            ("register", "refused", "accounts.password_too_weak"),
        ]

    def test_of_the_second_factor_are_told(self) -> None:
        user, clerk = make_user(), make_user(is_superuser=True)

        with capture_logs() as lines:
            make_second_factor(user, at=NOON)
            services.reset_second_factor(user_id=user.pk, actor=clerk, at=NOON)

        told = [line for line in lines if line["event"].startswith("second factor")]
        assert said(told, "user_id", "by") == [
            ("second factor set up", "done", user.pk, None),
            ("second factor removed", "done", user.pk, clerk.pk),
        ]

    def test_of_roles_are_told_and_who_wanted_more_than_they_hold(self) -> None:
        clerk, user = make_user(permissions=["accounts.change_user"]), make_user()
        owner = make_user(is_superuser=True)
        services.ensure_roles()

        with capture_logs() as lines:
            services.set_roles(user_id=user.pk, roles=[Role.ORDER_MANAGER.value], actor=owner, at=NOON)
            with pytest.raises(AboveYourRole):
                services.set_roles(user_id=user.pk, roles=[Role.ADMINISTRATOR.value], actor=clerk, at=NOON)

        told = [line for line in lines if line["event"] != "all sign-ins ended"]
        assert said(told, "user_id", "by") == [
            ("roles changed", "done", user.pk, owner.pk),
            ("more than one holds", "refused", user.pk, clerk.pk),
        ]

    def test_of_a_token_that_two_hold_is_told(self) -> None:
        user = make_user()
        session = make_session(user, at=NOON)
        services.refresh_session(refresh=session.refresh, at=NOON)

        with capture_logs() as lines, pytest.raises(TokenReused):
            services.refresh_session(refresh=session.refresh, at=NOON + timedelta(minutes=1))

        assert said(lines, "log_level", "user_id") == [("token reused", "refused", "warning", user.pk)]

    def test_that_someone_left_is_told(self) -> None:
        user = make_user()
        session = make_session(user, at=NOON)

        with capture_logs() as lines:
            services.sign_out(refresh=session.refresh, at=NOON)
            services.delete_account(user=user, password=PASSWORD, address=HOME, at=NOON)

        assert [line["event"] for line in lines] == ["sign out", "password asked again", "account erased"]
