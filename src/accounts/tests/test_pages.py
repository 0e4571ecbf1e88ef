from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.domain import RESETS_PER_ADDRESS, Purpose
from accounts.models import OneTimeToken, User
from accounts.tests.factories import PASSWORD, make_user
from core.models import OutboxEvent

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEW = "another horse battery"
EVIL = '"><script>alert(1)</script>'


def make_link(user: User, purpose: Purpose) -> str:
    with transaction.atomic():
        return services.make_one_time_token(user_id=user.pk, purpose=purpose, now=timezone.now())


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("path", ["/verify-email", "/reset-password", "/forgot-password"])
class TestEveryPage:
    def test_keeps_the_address_to_itself_and_runs_no_script(self, client: Client, path: str) -> None:
        answer = client.get(path, {"token": EVIL})

        assert answer.status_code == 200
        assert EVIL.encode() not in answer.content
        assert (answer["Referrer-Policy"], answer["Cache-Control"]) == ("no-referrer", "no-store")
        assert answer["Content-Security-Policy"].startswith("default-src 'none'; style-src 'nonce-")

    def test_answers_with_and_without_the_slash(self, client: Client, path: str) -> None:
        assert client.get(f"{path}/").status_code == 200

    def test_takes_no_other_method(self, client: Client, path: str) -> None:
        assert client.delete(path).status_code == 405


@pytest.mark.django_db
class TestVerifyEmail:
    def test_changes_nothing_when_only_looked_at(self, client: Client) -> None:
        user = make_user()
        token = make_link(user, Purpose.VERIFY_EMAIL)

        shown = client.get("/verify-email", {"token": token})

        user.refresh_from_db()
        assert f'name="token" value="{token}"' in shown.content.decode()
        assert user.email_verified_at is None
        assert OneTimeToken.objects.get().used_at is None

    def test_confirms_the_address_once(self, client: Client) -> None:
        user = make_user()
        token = make_link(user, Purpose.VERIFY_EMAIL)

        first, second = (client.post("/verify-email", {"token": token}) for _ in range(2))

        user.refresh_from_db()
        assert (first.status_code, second.status_code) == (200, 422)
        assert user.email_verified_at is not None

    @pytest.mark.parametrize("token", ["", "forged", "a\0b", "x" * 5000])
    def test_refuses_what_is_no_token(self, client: Client, token: str) -> None:
        user = make_user()

        answer = client.post("/verify-email", {"token": token})

        user.refresh_from_db()
        assert answer.status_code == 422
        assert user.email_verified_at is None


@pytest.mark.django_db
class TestResetPassword:
    def test_sets_the_password_once(self, client: Client) -> None:
        user = make_user()
        token = make_link(user, Purpose.RESET_PASSWORD)
        bodies = [{"token": token, "password": NEW}, {"token": token, "password": "a third horse battery"}]

        first, second = (client.post("/reset-password", body) for body in bodies)

        user.refresh_from_db()
        assert (first.status_code, second.status_code) == (200, 422)
        assert user.check_password(NEW)

    def test_asks_again_for_a_weak_one_and_keeps_the_token_good(self, client: Client) -> None:
        user = make_user()
        token = make_link(user, Purpose.RESET_PASSWORD)

        weak = client.post("/reset-password", {"token": token, "password": "12345"})

        user.refresh_from_db()
        assert weak.status_code == 422
        assert b"too short" in weak.content
        assert f'value="{token}"' in weak.content.decode()
        assert user.check_password(PASSWORD)
        assert OneTimeToken.objects.get().used_at is None

    def test_asks_again_where_none_was_given(self, client: Client) -> None:
        answer = client.post("/reset-password", {"token": "some", "password": ""})

        assert answer.status_code == 400
        assert b'role="alert"' in answer.content

    def test_masks_what_is_typed_and_lets_password_managers_fill_it_in(self, client: Client) -> None:
        pages = [client.get(path).content.decode() for path in ("/reset-password?token=x", "/admin/login/")]

        fields = [re.findall(r"<input[^>]*name=.password[^>]*>", page) for page in pages]

        assert [len(found) for found in fields] == [1, 1]
        for field in (found[0] for found in fields):
            assert 'type="password"' in field
            assert re.search(r'autocomplete="(new|current)-password"', field)
            assert not re.search("onpaste|readonly|maxlength=.[0-9]{1,2}[^0-9]", field)

    @pytest.mark.parametrize("purpose", [None, Purpose.VERIFY_EMAIL])
    def test_refuses_another_token(self, client: Client, purpose: Purpose | None) -> None:
        user = make_user()
        token = make_link(user, purpose) if purpose else "forged"

        answer = client.post("/reset-password", {"token": token, "password": NEW})

        user.refresh_from_db()
        assert answer.status_code == 422
        assert b"/forgot-password" in answer.content
        assert user.check_password(PASSWORD)


@pytest.mark.django_db
class TestForgotPassword:
    def test_s14_shows_the_same_for_every_address(self, client: Client) -> None:
        user = make_user()

        pages = [client.post("/forgot-password", {"email": email}) for email in (user.email, "nobody@example.com")]

        texts = {page.content.split(b"<main>")[1] for page in pages}
        assert [page.status_code for page in pages] == [200, 200]
        assert len(texts) == 1
        assert [event.payload for event in OutboxEvent.objects.all()] == [{"user_id": str(user.pk)}]

    def test_asks_again_for_what_is_no_address(self, client: Client) -> None:
        answer = client.post("/forgot-password", {"email": "nobody"})

        assert answer.status_code == 400
        assert not OutboxEvent.objects.exists()

    def test_is_counted_as_the_api_counts(self, client: Client) -> None:
        for _ in range(RESETS_PER_ADDRESS.most):
            services.count_reset_request(address="127.0.0.1", at=timezone.now())

        answer = client.post("/forgot-password", {"email": make_user().email})

        assert answer.status_code == 429
        assert int(answer["Retry-After"]) > 0
        assert not OutboxEvent.objects.exists()
