from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import transaction

from accounts import selectors, services
from accounts.domain import Purpose
from accounts.errors import LinkRefused, PasswordTooWeak, TokenRefused, TooManyAttempts, UserNotFound
from accounts.models import OneTimeToken, User
from accounts.tests.factories import make_session, make_user
from accounts.tests.test_sessions import in_threads
from core.models import OutboxEvent
from core.transactions import NoTransaction

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEW = "another horse battery"


def make_link(user: User, purpose: Purpose = Purpose.RESET_PASSWORD, *, at: datetime = NOON) -> str:
    with transaction.atomic():
        return services.make_one_time_token(user_id=user.pk, purpose=purpose, now=at)


@pytest.mark.django_db
class TestMakeOneTimeToken:
    def test_s16_keeps_a_digest_alone(self) -> None:
        token = make_link(make_user())

        kept = OneTimeToken.objects.get()
        assert token not in (kept.digest, kept.bound_to)
        assert kept.expires_at == NOON + timedelta(minutes=30)

    @pytest.mark.parametrize("state", [{"is_active": False}, {"deleted_at": NOON}])
    def test_refuses_who_cannot_sign_in(self, state: dict[str, Any]) -> None:
        with pytest.raises(UserNotFound):
            make_link(make_user(**state))

    def test_is_a_step(self) -> None:
        with pytest.raises(NoTransaction):
            services.make_one_time_token(user_id=uuid4(), purpose=Purpose.VERIFY_EMAIL, now=NOON)


@pytest.mark.django_db
class TestRequestPasswordReset:
    def test_announces_it_without_a_secret(self) -> None:
        user = make_user("ada@example.com")

        services.request_password_reset(email="ADA@example.com", at=NOON)

        assert OutboxEvent.objects.get().payload == {"user_id": str(user.pk)}
        assert not OneTimeToken.objects.exists()

    @pytest.mark.parametrize("state", [None, {"is_active": False}, {"deleted_at": NOON}])
    def test_says_nothing_where_there_is_no_account(self, state: dict[str, Any] | None) -> None:
        if state is not None:
            make_user("ada@example.com", **state)

        services.request_password_reset(email="ada@example.com", at=NOON)

        assert not OutboxEvent.objects.exists()

    def test_s14_costs_one_hash_whether_the_account_is_there_or_not(self) -> None:
        user = make_user()
        costs = []

        for email in (user.email, "nobody@example.com"):
            with patch.object(
                Argon2PasswordHasher, "encode", autospec=True, side_effect=Argon2PasswordHasher.encode
            ) as encoded:
                services.request_password_reset(email=email, at=NOON)
            costs.append(encoded.call_count)

        assert costs == [1, 1]

    def test_floods_no_mailbox(self) -> None:
        user = make_user()

        for _ in range(7):
            services.request_password_reset(email=user.email, at=NOON)

        assert OutboxEvent.objects.count() == 5


@pytest.mark.django_db
class TestConfirmPasswordReset:
    def test_sets_the_password_and_ends_all_sign_ins(self) -> None:
        user = make_user()
        session, token = make_session(user, at=NOON), make_link(user)

        services.confirm_password_reset(token=token, password=NEW, at=NOON)

        user.refresh_from_db()
        assert user.check_password(NEW)
        assert OutboxEvent.objects.get().name == "accounts.password_changed"
        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=session.access, at=NOON)

    def test_a17_s16_is_good_once(self) -> None:
        user = make_user()
        token = make_link(user)
        services.confirm_password_reset(token=token, password=NEW, at=NOON)

        with pytest.raises(LinkRefused):
            services.confirm_password_reset(token=token, password="a third horse battery", at=NOON)

        user.refresh_from_db()
        assert user.check_password(NEW)

    def test_s16_is_good_for_half_an_hour(self) -> None:
        user = make_user()
        token = make_link(user)

        with pytest.raises(LinkRefused):
            services.confirm_password_reset(token=token, password=NEW, at=NOON + timedelta(minutes=30))
        services.confirm_password_reset(token=token, password=NEW, at=NOON + timedelta(minutes=29))

    @pytest.mark.parametrize(
        "change",
        [{"password": "!"}, {"email": "other@example.com"}, {"is_active": False}, {"deleted_at": NOON}],
        ids=lambda c: next(iter(c)),
    )
    def test_s16_is_bound_to_the_account_as_it_was(self, change: dict[str, Any]) -> None:
        user = make_user()
        token = make_link(user)
        User.objects.filter(pk=user.pk).update(**change)

        with pytest.raises(LinkRefused):
            services.confirm_password_reset(token=token, password=NEW, at=NOON)

        assert OneTimeToken.objects.get().used_at is None

    def test_stays_good_when_the_email_is_verified_meanwhile(self) -> None:
        user = make_user()
        token, other = make_link(user), make_link(user, Purpose.VERIFY_EMAIL)

        services.verify_email(token=other, at=NOON)
        services.confirm_password_reset(token=token, password=NEW, at=NOON)

        user.refresh_from_db()
        assert user.check_password(NEW)

    def test_s16_refuses_a_token_for_another_purpose(self) -> None:
        token = make_link(make_user(), Purpose.VERIFY_EMAIL)

        with pytest.raises(LinkRefused):
            services.confirm_password_reset(token=token, password=NEW, at=NOON)

    def test_a_weak_password_does_not_use_it_up(self) -> None:
        token = make_link(make_user())

        with pytest.raises(PasswordTooWeak):
            services.confirm_password_reset(token=token, password="short", at=NOON)

        assert OneTimeToken.objects.get().used_at is None


@pytest.mark.django_db(transaction=True)
def test_s16_of_parallel_uses_one_wins() -> None:
    token = make_link(make_user())

    def run(number: int) -> str:
        try:
            services.confirm_password_reset(token=token, password=f"horse battery number {number}", at=NOON)
        except LinkRefused:
            return "refused"
        return "set"

    assert in_threads(6, run) == ["refused"] * 5 + ["set"]
    assert OutboxEvent.objects.count() == 1


@pytest.mark.django_db
class TestVerifyEmail:
    def test_s16_records_it_once(self) -> None:
        user = make_user()
        token, second = make_link(user, Purpose.VERIFY_EMAIL), make_link(user, Purpose.VERIFY_EMAIL)

        services.verify_email(token=token, at=NOON)

        user.refresh_from_db()
        assert user.email_verified_at == NOON
        for spent in (token, second):
            with pytest.raises(LinkRefused):
                services.verify_email(token=spent, at=NOON)

    def test_a05_proves_the_mailbox_and_merges_nothing(self) -> None:
        user = make_user()

        services.verify_email(token=make_link(user, Purpose.VERIFY_EMAIL), at=NOON)

        assert not OutboxEvent.objects.exists()

    def test_refuses_an_unknown_token(self) -> None:
        with pytest.raises(LinkRefused):
            services.verify_email(token="unknown", at=NOON)


@pytest.mark.django_db
class TestRequestEmailVerification:
    def test_has_it_mailed_again(self) -> None:
        user = make_user()

        services.request_email_verification(user_id=user.pk, at=NOON)

        assert OutboxEvent.objects.get().name == "accounts.email_verification_requested"

    def test_mails_nothing_to_who_is_verified(self) -> None:
        user = make_user(email_verified_at=NOON)

        services.request_email_verification(user_id=user.pk, at=NOON)

        assert not OutboxEvent.objects.exists()

    def test_refuses_the_sixth_within_the_hour(self) -> None:
        user = make_user()
        for _ in range(5):
            services.request_email_verification(user_id=user.pk, at=NOON)

        with pytest.raises(TooManyAttempts):
            services.request_email_verification(user_id=user.pk, at=NOON)

        assert OutboxEvent.objects.count() == 5
