from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import services
from accounts.domain import Role
from accounts.errors import (
    AboveYourRole,
    OwnAccess,
    SecondFactorExists,
    SecondFactorMissing,
    SecondFactorNeeded,
    SecondFactorRefused,
    SignInRefused,
    TokenRefused,
    TooManyAttempts,
)
from accounts.models import Authenticator, RecoveryCode, TokenFamily, User
from accounts.tests.calling import post
from accounts.tests.factories import PASSWORD, client_of, make_second_factor, make_session, make_user
from core.rotation import sealed_models

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HERE = "192.0.2.1"


def sign_in(user: User, code: str = "", at: datetime = NOON, address: str = HERE) -> services.Session:
    return services.sign_in(email=user.email, password=PASSWORD, code=code, address=address, at=at)


@pytest.mark.django_db
class TestSignIn:
    def test_s18_wants_the_code_beside_the_password(self) -> None:
        user = make_user()
        app = make_second_factor(user, at=NOON)

        with pytest.raises(SecondFactorNeeded):
            sign_in(user)

        assert not TokenFamily.objects.filter(user=user, revoked_at__isnull=True).exists()
        assert sign_in(user, app.code(NOON)).user == user

    @pytest.mark.parametrize("seconds", [-30, 0, 30])
    def test_s18_takes_clocks_that_are_half_a_minute_off(self, seconds: int) -> None:
        user = make_user()
        app = make_second_factor(user, at=NOON)

        assert sign_in(user, app.code(NOON + timedelta(seconds=seconds))).user == user

    @pytest.mark.parametrize("code", ["000000", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "AAAA-AAAA", "\u0000"])
    def test_s18_refuses_another_code(self, code: str) -> None:
        user = make_user()
        app = make_second_factor(user, at=NOON)
        assert code not in {app.code(NOON + timedelta(seconds=late)) for late in (-30, 0, 30)}

        with pytest.raises(SecondFactorRefused):
            sign_in(user, code)

    @pytest.mark.parametrize("minutes", [-2, -1, 1, 2])
    def test_s18_refuses_a_code_of_another_minute(self, minutes: int) -> None:
        user = make_user()
        app = make_second_factor(user, at=NOON - timedelta(minutes=5))

        with pytest.raises(SecondFactorRefused):
            sign_in(user, app.code(NOON + timedelta(minutes=minutes)))

    def test_s18_refuses_a_used_code_and_every_older_one(self) -> None:
        user = make_user()
        app = make_second_factor(user, at=NOON)
        sign_in(user, app.code(NOON))

        for before in (0, 30):
            with pytest.raises(SecondFactorRefused):
                sign_in(user, app.code(NOON - timedelta(seconds=before)))

        assert sign_in(user, app.code(NOON + timedelta(seconds=30))).user == user

    def test_s18_takes_a_recovery_code_once(self) -> None:
        user = make_user()
        app = make_second_factor(user, at=NOON)

        assert sign_in(user, app.recovery_codes[3].lower()).user == user

        with pytest.raises(SecondFactorRefused):
            sign_in(user, app.recovery_codes[3])
        assert len(set(app.recovery_codes)) == 10

    def test_s18_makes_secrets_that_nobody_guesses(self) -> None:
        app = make_second_factor(make_user(), at=NOON)

        letters = {code.replace("-", "") for code in app.recovery_codes}

        assert {len(code) for code in letters} == {28}  # 5 bits each
        assert len({letter for code in letters for letter in code}) > 20
        assert len(app.secret) == 32  # 5 bits each, too

    def test_s18_takes_no_recovery_code_of_another(self) -> None:
        user, other = make_user(), make_user()
        make_second_factor(user, at=NOON)

        with pytest.raises(SecondFactorRefused):
            sign_in(user, make_second_factor(other, at=NOON).recovery_codes[0])

    def test_s18_does_not_look_at_the_code_where_the_password_is_wrong(self) -> None:
        user = make_user()
        app = make_second_factor(user, at=NOON)

        with pytest.raises(SignInRefused):
            services.sign_in(email=user.email, password="wrong", code=app.code(NOON), address=HERE, at=NOON)

        assert sign_in(user, app.code(NOON)).user == user

    def test_s15_s18_counts_wrong_codes_from_all_addresses(self) -> None:
        user = make_user()
        app = make_second_factor(user, at=NOON)
        for number in range(10):
            with pytest.raises(SecondFactorRefused):
                sign_in(user, "AAAA", address=f"192.0.2.{number}")

        with pytest.raises(TooManyAttempts):
            sign_in(user, app.code(NOON), address="192.0.2.99")

        assert sign_in(user, app.code(NOON + timedelta(minutes=16)), at=NOON + timedelta(minutes=16)).user == user

    def test_s15_does_not_count_being_asked_for_the_code(self) -> None:
        user = make_user()
        app = make_second_factor(user, at=NOON)
        for _ in range(7):
            with pytest.raises(SecondFactorNeeded):
                sign_in(user)

        assert sign_in(user, app.code(NOON)).user == user

    def test_keeps_secrets_sealed_and_codes_as_digests(self) -> None:
        app = make_second_factor(make_user(), at=NOON)

        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM accounts_authenticator")
            sealed = cursor.fetchone()[0]

        assert app.secret not in sealed
        assert not RecoveryCode.objects.filter(digest__in=app.recovery_codes).exists()
        assert (Authenticator, ["secret"]) in list(sealed_models())


@pytest.mark.django_db(transaction=True)
def test_s18_of_two_who_come_with_one_code_at_once_one_gets_in() -> None:
    user = make_user()
    app = make_second_factor(user, at=NOON)

    def come(number: int) -> str:
        try:
            sign_in(user, app.code(NOON), address=f"192.0.2.{number}")
        except SecondFactorRefused:
            return "refused"
        finally:
            connection.close()
        return "in"

    with ThreadPoolExecutor(max_workers=6) as people:
        outcomes = sorted(people.map(come, range(6)))

    assert outcomes == ["in"] + ["refused"] * 5


@pytest.mark.django_db
class TestStaff:
    @pytest.fixture(autouse=True)
    def _needed(self, settings: Settings) -> None:
        settings.STAFF_SECOND_FACTOR = True

    def test_s18_do_not_sign_in_without_one(self) -> None:
        with pytest.raises(SecondFactorMissing):
            sign_in(make_user(roles=[Role.ORDER_MANAGER]))

        assert sign_in(make_user()).access

    def test_s18_lose_the_tokens_of_before(self) -> None:
        staff = make_user(roles=[Role.ORDER_MANAGER])
        session = make_session(staff)

        answer = Client().get("/api/v1/orders", headers={"Authorization": f"Bearer {session.access}"})

        assert (answer.status_code, answer.json()["code"]) == (401, "accounts.token_refused")
        with pytest.raises(TokenRefused):
            services.refresh_session(refresh=session.refresh, at=timezone.now())

    def test_s18_work_with_one(self) -> None:
        staff = make_user(roles=[Role.ORDER_MANAGER])
        app = make_second_factor(staff)
        body = {"email": staff.email, "password": PASSWORD}

        asked = post("auth/login", body)
        signed_in = post("auth/login", body | {"code": app.code(timezone.now())})

        assert (asked.status_code, asked.json()["code"]) == (401, "accounts.second_factor_needed")
        answer = Client().get("/api/v1/orders", headers={"Authorization": f"Bearer {signed_in.json()['access']}"})
        assert answer.status_code == 200

    def test_s18_are_let_in_again_by_others_who_hold_as_much(self) -> None:
        lost, boss = make_user(roles=[Role.ORDER_MANAGER]), make_user(is_superuser=True)
        clerk = make_user(permissions=["accounts.change_user"])
        make_second_factor(lost, at=NOON)

        with pytest.raises(AboveYourRole):
            services.reset_second_factor(user_id=lost.pk, actor=clerk, at=NOON)
        with pytest.raises(OwnAccess):
            services.reset_second_factor(user_id=boss.pk, actor=boss, at=NOON)
        services.reset_second_factor(user_id=lost.pk, actor=boss, at=NOON)

        lost.refresh_from_db()
        assert lost.second_factor_at is None
        assert not Authenticator.objects.filter(user=lost).exists()
        assert not RecoveryCode.objects.filter(user=lost).exists()

    def test_s18_are_let_in_again_at_the_machine(self) -> None:
        boss = make_user(is_superuser=True)
        make_second_factor(boss, at=NOON)

        call_command("reset_second_factor", boss.email)

        boss.refresh_from_db()
        assert boss.second_factor_at is None


@pytest.mark.django_db
class TestSetUp:
    def test_begins_again_until_the_first_code(self) -> None:
        user = make_user()
        first, second = (services.start_enrolment(user_id=user.pk, at=NOON) for _ in range(2))

        with pytest.raises(SecondFactorRefused):
            services.finish_enrolment(user_id=user.pk, code=pyotp.TOTP(first.secret).at(NOON), at=NOON)
        services.finish_enrolment(user_id=user.pk, code=pyotp.TOTP(second.secret).at(NOON), at=NOON)

        with pytest.raises(SecondFactorExists):
            services.start_enrolment(user_id=user.pk, at=NOON)
        assert f"secret={second.secret}" in second.uri

    def test_works_over_the_api_and_ends_all_sign_ins(self) -> None:
        user = make_user()
        client, body = client_of(user), {"email": user.email, "password": PASSWORD}
        secret = post("auth/second-factor/begin", body).json()["secret"]

        wrong = post("auth/second-factor/confirm", body | {"code": "1"})
        confirmed = post("auth/second-factor/confirm", body | {"code": pyotp.TOTP(secret).now()})

        assert (wrong.status_code, wrong.json()["code"]) == (401, "accounts.second_factor_refused")
        assert len(confirmed.json()["recovery_codes"]) == 10
        assert confirmed["Cache-Control"] == "no-store"
        assert client.get("/api/v1/me").status_code == 401
        assert post("auth/second-factor/begin", body).json()["code"] == "accounts.second_factor_exists"

        code = confirmed.json()["recovery_codes"][0]
        assert post("auth/second-factor/remove", body | {"code": "wrong"}).status_code == 401
        assert post("auth/second-factor/remove", body | {"code": code}).status_code == 204
        assert post("auth/login", body).status_code == 200

    @pytest.mark.parametrize("step", ["begin", "confirm", "remove"])
    def test_s15_counts_wrong_passwords(self, step: str) -> None:
        user = make_user()
        body = {"email": user.email, "password": "wrong"} | ({} if step == "begin" else {"code": "123456"})

        statuses = [post(f"auth/second-factor/{step}", body).status_code for _ in range(6)]

        assert statuses == [401] * 5 + [429]
