from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from pytest_django import Settings

from accounts import selectors, services
from accounts.errors import (
    EmailTaken,
    PasswordTooWeak,
    SignInRefused,
    TokenRefused,
    TokenReused,
    TooManyAttempts,
)
from accounts.models import Attempt, RefreshToken, TokenFamily, Turnstile, User
from accounts.services.sessions import password_counters
from accounts.services.throttling import Counter
from accounts.tests.factories import PASSWORD, make_session, make_user
from core.errors import Conflict
from core.models import OutboxEvent

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOME, CAFE = "192.0.2.1", "198.51.100.7"
merged: list[dict[str, Any]] = []


def note_merge(**told: Any) -> None:
    merged.append(told)


def refuse_merge(**_: Any) -> None:
    raise Conflict


@pytest.fixture
def carts(settings: Any) -> list[dict[str, Any]]:
    settings.EVENT_INLINE_SUBSCRIPTIONS = {"accounts.signed_in": (f"{__name__}.note_merge",)}
    merged.clear()
    return merged


def in_threads(count: int, run: Callable[[int], str]) -> list[str]:
    def once(number: int) -> str:
        try:
            return run(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=count) as pool:
        return sorted(pool.map(once, range(count)))


def try_to_sign_in(email: str, *, password: str = "wrong", address: str = HOME, at: datetime = NOON) -> str:
    try:
        services.sign_in(email=email, password=password, address=address, at=at)
    except (SignInRefused, TooManyAttempts) as refusal:
        return refusal.code.partition(".")[2]
    return "signed_in"


@pytest.mark.django_db
class TestRegister:
    def test_s50_knows_an_account_whose_index_is_of_an_older_key(self, settings: Any) -> None:
        make_user("ada@example.com")
        settings.FIELD_KEYS = [("newer", b"2" * 32), *settings.FIELD_KEYS]

        with pytest.raises(EmailTaken):
            services.register(email="Ada@Example.com", password=PASSWORD, at=NOON)

        assert User.objects.count() == 1

    def test_makes_an_account_without_role_with_a_profile_signed_in(self) -> None:
        session = services.register(email="Ada@Example.com", password=PASSWORD, at=NOON)

        user = selectors.get_user(user_id=session.user.pk)
        assert (user.email, user.profile.visibility) == ("Ada@Example.com", "private")
        assert selectors.find_user(email="ADA@example.com") == user
        assert (user.is_staff, user.is_superuser, user.email_verified_at) == (False, False, None)
        assert not user.groups.exists()
        assert user.check_password(PASSWORD)
        assert selectors.user_of_token(token=session.access, at=NOON)[0] == user

    def test_announces_it_with_ids_only(self) -> None:
        session = services.register(email="ada@example.com", password=PASSWORD, at=NOON)

        events = {event.name: event.payload for event in OutboxEvent.objects.all()}
        told = {"user_id": str(session.user.pk)}
        assert events == {"accounts.user_registered": told, "accounts.email_verification_requested": told}

    @pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM"])
    def test_s24_refuses_an_email_that_is_taken_in_any_case(self, email: str) -> None:
        make_user("Ada@example.com")

        with pytest.raises(EmailTaken):
            services.register(email=email, password=PASSWORD, at=NOON)

        assert User.objects.count() == 1
        assert not OutboxEvent.objects.exists()

    @pytest.mark.parametrize(
        "password", ["short", "12345678901", "password123", "ada.lovelace", "Nexus2026!", "my-ADMIN-1", "Lantern1234"]
    )
    def test_refuses_a_weak_password_and_says_why(self, password: str, settings: Settings) -> None:
        settings.PASSWORD_WORDS = ["Lantern"]

        with pytest.raises(PasswordTooWeak) as refusal:
            services.register(email="ada.lovelace@example.com", password=password, at=NOON)

        assert refusal.value.facts["errors"][0]["field"] == "password"
        assert not User.objects.exists()

    @pytest.mark.parametrize(
        "password",
        ["85203917", "fjordwzk", "ÆØÅæøåßþ", " spaces count ", "Nexus of nine horses", "x7" * 32, "long " * 51 + "x"],
    )
    def test_takes_a_password_of_any_letters_and_of_any_length_and_keeps_all_of_it(self, password: str) -> None:
        session = services.register(email="ada@example.com", password=password, at=NOON)

        assert session.user.check_password(password)
        assert not session.user.check_password(password[:-1])
        assert not session.user.check_password(password.swapcase() if password.isalpha() else password + " ")

    def test_tells_of_the_guests_cart_only_if_there_is_one(self, carts: list[dict[str, Any]]) -> None:
        services.register(email="a@example.com", password=PASSWORD, at=NOON)
        session = services.register(email="b@example.com", password=PASSWORD, cart_token="ab" * 32, at=NOON)

        assert carts == [{"user_id": str(session.user.pk), "cart_token": "ab" * 32, "at": NOON}]

    def test_takes_a_constant_number_of_statements(self, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(11):
            services.register(email="a@example.com", password=PASSWORD, at=NOON)


@pytest.mark.django_db(transaction=True)
def test_one_of_two_registrations_of_one_email_wins() -> None:
    def run(number: int) -> str:
        try:
            services.register(email="Ada@example.com" if number % 2 else "ada@EXAMPLE.com", password=PASSWORD, at=NOON)
        except EmailTaken:
            return "taken"
        return "made"

    assert in_threads(6, run) == ["made"] + ["taken"] * 5
    assert User.objects.count() == 1


@pytest.mark.django_db
class TestSignIn:
    def test_signs_in_by_the_email_in_any_case(self) -> None:
        user = make_user("ada@example.com")

        session = services.sign_in(email="ADA@example.com", password=PASSWORD, address=HOME, at=NOON)

        user.refresh_from_db()
        assert user.last_login == NOON
        assert selectors.user_of_token(token=session.access, at=NOON)[0] == user

    @pytest.mark.parametrize("state", [{"is_active": False}, {"deleted_at": NOON}])
    def test_s12_refuses_an_account_that_has_ended(self, state: dict[str, Any]) -> None:
        user = make_user(**state)

        assert try_to_sign_in(user.email, password=PASSWORD) == "sign_in_refused"
        assert not TokenFamily.objects.exists()

    def test_s14_computes_one_hash_whether_the_account_is_there_or_not(self) -> None:
        user, dormant = make_user(), make_user(is_active=False)
        costs, hasher = {}, Argon2PasswordHasher

        for email in (user.email, "nobody@example.com", dormant.email):
            with (
                patch.object(hasher, "encode", autospec=True, side_effect=hasher.encode) as encoded,
                patch.object(hasher, "verify", autospec=True, side_effect=hasher.verify) as verified,
            ):
                try_to_sign_in(email)
            costs[email] = encoded.call_count + verified.call_count

        assert set(costs.values()) == {1}

    def test_s15_locks_the_account_from_that_address_after_five(self) -> None:
        user = make_user()
        for _ in range(5):
            assert try_to_sign_in(user.email) == "sign_in_refused"

        with pytest.raises(TooManyAttempts) as refusal:
            services.sign_in(email=user.email, password=PASSWORD, address=HOME, at=NOON + timedelta(minutes=5))

        assert refusal.value.retry_after_seconds == 10 * 60 + 1
        assert not TokenFamily.objects.exists()

    def test_s15_locks_an_unknown_account_just_so(self) -> None:
        outcomes = [try_to_sign_in("nobody@example.com") for _ in range(6)]

        assert outcomes == ["sign_in_refused"] * 5 + ["too_many_attempts"]

    def test_s15_does_not_lock_the_victim_out_from_elsewhere(self) -> None:
        user = make_user()
        for _ in range(6):
            try_to_sign_in(user.email)

        assert try_to_sign_in(user.email, password=PASSWORD, address=CAFE) == "signed_in"

    def test_s15_locks_the_address_after_twenty(self) -> None:
        user = make_user()
        for number in range(20):
            assert try_to_sign_in(f"n{number}@example.com") == "sign_in_refused"

        assert try_to_sign_in(user.email, password=PASSWORD) == "too_many_attempts"
        assert try_to_sign_in(user.email, password=PASSWORD, address=CAFE) == "signed_in"

    def test_s15_opens_again_after_the_window(self) -> None:
        user = make_user()
        for _ in range(5):
            try_to_sign_in(user.email)

        assert try_to_sign_in(user.email, password=PASSWORD, at=NOON + timedelta(minutes=15)) == "signed_in"

    def test_forgets_the_failures_of_who_signs_in_at_last(self) -> None:
        user = make_user()
        for _ in range(4):
            try_to_sign_in(user.email)
        assert try_to_sign_in(user.email, password=PASSWORD) == "signed_in"

        assert [try_to_sign_in(user.email) for _ in range(5)] == ["sign_in_refused"] * 5

    def test_is_not_throttled_when_throttles_are_off(self, settings: Any) -> None:
        settings.THROTTLES = False

        assert {try_to_sign_in("nobody@example.com") for _ in range(30)} == {"sign_in_refused"}
        assert not Attempt.objects.exists()

    def test_keeps_neither_emails_nor_addresses_of_tries(self) -> None:
        try_to_sign_in("nobody@example.com")

        kept = " ".join(
            [*Attempt.objects.values_list("subject", flat=True), *Turnstile.objects.values_list("pk", flat=True)]
        )
        assert "nobody" not in kept
        assert HOME not in kept

    def test_signs_nobody_in_when_the_cart_cannot_be_merged(self, settings: Any) -> None:
        settings.EVENT_INLINE_SUBSCRIPTIONS = {"accounts.signed_in": (f"{__name__}.refuse_merge",)}
        user = make_user()

        with pytest.raises(Conflict):
            services.sign_in(email=user.email, password=PASSWORD, address=HOME, cart_token="ab" * 32, at=NOON)

        assert not TokenFamily.objects.exists()

    def test_tells_of_the_cart_before_it_locks_the_account(
        self, carts: list[dict[str, Any]], django_assert_max_num_queries: Any
    ) -> None:
        user = make_user()

        with django_assert_max_num_queries(20) as asked:
            services.sign_in(email=user.email, password=PASSWORD, address=HOME, cart_token="ab" * 32, at=NOON)

        statements = [query["sql"] for query in asked.captured_queries]
        event = next(i for i, sql in enumerate(statements) if 'INSERT INTO "core_outboxevent"' in sql)
        lock = next(i for i, sql in enumerate(statements) if "FOR UPDATE" in sql)
        assert carts[0]["user_id"] == str(user.pk)
        assert event < lock

    def test_refuses_when_the_password_changed_meanwhile(self) -> None:
        user = make_user()
        real = selectors.find_user(email=user.email)
        assert real is not None
        stale = User.objects.get(pk=user.pk)
        User.objects.filter(pk=user.pk).update(password="!")

        with patch("accounts.services.sessions.authenticate", return_value=stale), pytest.raises(SignInRefused):
            services.sign_in(email=user.email, password=PASSWORD, address=HOME, at=NOON)

        assert not TokenFamily.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestSignInRaces:
    def test_s15_lets_five_of_many_guess(self) -> None:
        user = make_user()

        outcomes = in_threads(12, lambda _: try_to_sign_in(user.email))

        assert outcomes == ["sign_in_refused"] * 5 + ["too_many_attempts"] * 7

    def test_s15_asks_to_come_back_at_once_while_guesses_are_checked(self) -> None:
        user = make_user()
        for subject in {c.subject for c in services_counters(user)}:
            Attempt.objects.bulk_create([Attempt(subject=subject, at=NOON, is_pending=True) for _ in range(5)])

        with pytest.raises(TooManyAttempts) as refusal:
            services.sign_in(email=user.email, password=PASSWORD, address=HOME, at=NOON)

        assert refusal.value.retry_after_seconds == 1


def services_counters(user: User) -> list[Counter]:
    return password_counters(email=user.email, address=HOME)


@pytest.mark.django_db
class TestRefreshSession:
    def test_s11_rotates(self) -> None:
        first = make_session(make_user(), at=NOON)

        second = services.refresh_session(refresh=first.refresh, at=NOON + timedelta(days=6))
        third = services.refresh_session(refresh=second.refresh, at=NOON + timedelta(days=12))

        assert len({first.refresh, second.refresh, third.refresh}) == 3
        assert TokenFamily.objects.count() == 1
        assert TokenFamily.objects.get().expires_at == NOON + timedelta(days=19)

    def test_s11_ends_a_sign_in_after_a_month_however_often_it_is_refreshed(self) -> None:
        last = make_session(make_user(), at=NOON)
        for days in (6, 12, 18, 24, 29):
            last = services.refresh_session(refresh=last.refresh, at=NOON + timedelta(days=days))

        with pytest.raises(TokenRefused):
            services.refresh_session(refresh=last.refresh, at=NOON + timedelta(days=30))

    def test_s11_a_second_use_ends_the_family_and_its_access_tokens(self) -> None:
        user = make_user()
        first, elsewhere = make_session(user, at=NOON), make_session(user, at=NOON)
        second = services.refresh_session(refresh=first.refresh, at=NOON + timedelta(seconds=1))
        later = NOON + timedelta(seconds=10)

        with pytest.raises(TokenReused):
            services.refresh_session(refresh=first.refresh, at=later)

        for session in (first, second):
            with pytest.raises(TokenRefused):
                selectors.user_of_token(token=session.access, at=later)
        with pytest.raises(TokenRefused):
            services.refresh_session(refresh=second.refresh, at=later)
        assert selectors.user_of_token(token=elsewhere.access, at=later)[0] == user

    def test_s11_two_within_five_seconds_are_one_client(self) -> None:
        first = make_session(make_user(), at=NOON)

        one = services.refresh_session(refresh=first.refresh, at=NOON)
        two = services.refresh_session(refresh=first.refresh, at=NOON + timedelta(seconds=5))

        for session in (one, two):
            selectors.user_of_token(token=session.access, at=NOON + timedelta(seconds=5))
            services.refresh_session(refresh=session.refresh, at=NOON + timedelta(minutes=5))

    def test_s11_within_five_seconds_but_after_the_next_was_used_is_reuse(self) -> None:
        first = make_session(make_user(), at=NOON)
        second = services.refresh_session(refresh=first.refresh, at=NOON + timedelta(seconds=1))
        services.refresh_session(refresh=second.refresh, at=NOON + timedelta(seconds=2))

        with pytest.raises(TokenReused):
            services.refresh_session(refresh=first.refresh, at=NOON + timedelta(seconds=3))

    @pytest.mark.parametrize("state", [{"is_active": False}, {"deleted_at": NOON}, {"token_version": 1}])
    def test_s12_refuses_an_account_that_changed(self, state: dict[str, Any]) -> None:
        session = make_session(make_user(), at=NOON)
        User.objects.update(**state)

        with pytest.raises(TokenRefused):
            services.refresh_session(refresh=session.refresh, at=NOON)

        assert RefreshToken.objects.get().spent_at is None

    def test_ends_after_seven_days(self) -> None:
        session = make_session(make_user(), at=NOON)

        with pytest.raises(TokenRefused):
            services.refresh_session(refresh=session.refresh, at=NOON + timedelta(days=7))

    def test_keeps_no_token_but_its_digest(self) -> None:
        session = make_session(make_user(), at=NOON)

        assert RefreshToken.objects.get().digest not in session.refresh
        assert len(RefreshToken.objects.get().digest) == 64

    def test_locks_the_family_before_it_writes(self, django_assert_max_num_queries: Any) -> None:
        session = make_session(make_user(), at=NOON)

        with django_assert_max_num_queries(9) as asked:
            services.refresh_session(refresh=session.refresh, at=NOON)

        statements = [query["sql"] for query in asked.captured_queries]
        lock = next(i for i, sql in enumerate(statements) if "FOR UPDATE" in sql and "ORDER BY" in sql)
        write = next(i for i, sql in enumerate(statements) if sql.startswith(("UPDATE", "INSERT")))
        assert "accounts_tokenfamily" in statements[lock]
        assert lock < write


@pytest.mark.django_db(transaction=True)
class TestRefreshRaces:
    def test_s11_parallel_refreshes_of_one_client_all_succeed(self) -> None:
        session = make_session(make_user(), at=NOON)
        given: list[str] = []

        def run(_: int) -> str:
            given.append(services.refresh_session(refresh=session.refresh, at=NOON).refresh)
            return "refreshed"

        assert in_threads(4, run) == ["refreshed"] * 4
        assert len(set(given)) == 4
        assert TokenFamily.objects.get().revoked_at is None

    def test_s11_late_reuse_in_parallel_ends_the_family(self) -> None:
        session = make_session(make_user(), at=NOON)
        services.refresh_session(refresh=session.refresh, at=NOON)

        def run(_: int) -> str:
            try:
                services.refresh_session(refresh=session.refresh, at=NOON + timedelta(minutes=1))
            except TokenRefused:
                return "refused"
            return "refreshed"

        assert in_threads(4, run) == ["refused"] * 4
        assert TokenFamily.objects.get().revoked_at is not None


@pytest.mark.django_db
class TestSignOut:
    def test_s12_ends_this_sign_in_at_once_and_no_other(self) -> None:
        user = make_user()
        here, there = make_session(user, at=NOON), make_session(user, at=NOON)

        services.sign_out(refresh=here.refresh, at=NOON)
        services.sign_out(refresh=here.refresh, at=NOON)

        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=here.access, at=NOON)
        assert selectors.user_of_token(token=there.access, at=NOON)[0] == user

    def test_refuses_a_forged_token(self) -> None:
        with pytest.raises(TokenRefused):
            services.sign_out(refresh="a.b.c", at=NOON)


@pytest.mark.django_db
class TestSignOutEverywhere:
    def test_s12_ends_all_sign_ins_at_once(self) -> None:
        user, other = make_user(), make_session(make_user(), at=NOON)
        sessions = [make_session(user, at=NOON) for _ in range(2)]

        services.sign_out_everywhere(user_id=user.pk, at=NOON)

        for session in sessions:
            with pytest.raises(TokenRefused):
                selectors.user_of_token(token=session.access, at=NOON)
            with pytest.raises(TokenRefused):
                services.refresh_session(refresh=session.refresh, at=NOON)
        assert selectors.user_of_token(token=other.access, at=NOON)[0] == other.user


@pytest.mark.django_db
class TestForgetSpentTokens:
    def test_keeps_spent_tokens_until_they_expire(self) -> None:
        session = make_session(make_user(), at=NOON)
        services.refresh_session(refresh=session.refresh, at=NOON + timedelta(days=1))

        assert services.forget_spent_tokens(at=NOON + timedelta(days=6)) == 0
        assert services.forget_spent_tokens(at=NOON + timedelta(days=7)) == 1
        assert services.forget_spent_tokens(at=NOON + timedelta(days=8)) == 1
        assert not TokenFamily.objects.exists()

    def test_forgets_attempts_that_count_no_more(self) -> None:
        try_to_sign_in("nobody@example.com")

        services.forget_spent_tokens(at=NOON + timedelta(minutes=30))
        assert Attempt.objects.count() == 2
        services.forget_spent_tokens(at=NOON + timedelta(hours=3))

        assert not Attempt.objects.exists()
        assert not Turnstile.objects.exists()


def test_ids_of_users_are_uuid7() -> None:
    """HARD-CASES S05."""
    assert isinstance(User().pk, UUID)
    assert User().pk.version == 7
