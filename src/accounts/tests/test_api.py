from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts import services
from accounts.domain import Purpose, Role
from accounts.models import Attempt, RefreshToken, User
from accounts.tests.calling import codes, post
from accounts.tests.factories import PASSWORD, client_of, make_session, make_user
from accounts.tests.test_links import make_link
from core.models import OutboxEvent

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEW = "another horse battery"
# Of nobody; fixed, since the workers of xdist have to agree on the names of tests.
NO_ID = "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"
merged: list[dict[str, Any]] = []


def note_merge(**told: Any) -> None:
    merged.append(told)


SIGNED_IN = [
    ("GET", "me"),
    ("DELETE", "me"),
    ("GET", "me/profile"),
    ("PATCH", "me/profile"),
    ("PUT", "me/profile/avatar"),
    ("DELETE", "me/profile/avatar"),
    ("GET", "me/addresses"),
    ("POST", "me/addresses"),
    ("GET", f"me/addresses/{NO_ID}"),
    ("PATCH", f"me/addresses/{NO_ID}"),
    ("DELETE", f"me/addresses/{NO_ID}"),
    ("GET", "me/sessions"),
    ("DELETE", f"me/sessions/{NO_ID}"),
    ("GET", f"profiles/{NO_ID}"),
    ("POST", "auth/logout-all"),
    ("POST", "auth/password/change"),
    ("POST", "auth/verify-email/resend"),
]
STAFF = [
    ("GET", "users", "accounts.view_user"),
    ("GET", f"users/{NO_ID}", "accounts.view_user"),
    ("PATCH", f"users/{NO_ID}", "accounts.change_user"),
    ("PUT", f"users/{NO_ID}/roles", "accounts.change_user"),
]


@pytest.mark.django_db
class TestEveryEndpoint:
    @pytest.mark.parametrize(("method", "path"), [*SIGNED_IN, *[row[:2] for row in STAFF]])
    def test_a06_s01_lets_nobody_in_who_is_not_signed_in(self, method: str, path: str) -> None:
        answer = client_of().generic(method, f"/api/v1/{path}", "{}", content_type="application/json")

        assert answer.status_code == 401

    @pytest.mark.parametrize(("method", "path", "permission"), STAFF)
    def test_s02_needs_the_permission_and_not_only_a_desk(self, method: str, path: str, permission: str) -> None:
        held_by_a_customer = make_user(permissions=[permission], is_staff=False)
        others = {"accounts.view_user", "accounts.change_user"} - {permission}
        for user in (make_user(), make_user(is_staff=True), make_user(permissions=others), held_by_a_customer):
            answer = client_of(user).generic(method, f"/api/v1/{path}", "{}", content_type="application/json")

            assert answer.status_code == 403

    @pytest.mark.parametrize(
        "path", ["me/addresses/1", "me/addresses/%00", "me/sessions/1", "profiles/x", "users/..", "users/1/roles"]
    )
    def test_answers_404_to_what_is_no_id(self, path: str) -> None:
        assert client_of(make_user(is_superuser=True)).get(f"/api/v1/{path}").status_code == 404

    def test_answers_with_and_without_the_slash_and_by_its_alias(self) -> None:
        user = make_user()

        for path in ("/api/v1/auth/login", "/api/v1/auth/login/", "/api/auth/login", "/api/auth/login/"):
            answer = client_of().post(path, {"email": user.email, "password": PASSWORD}, format="json")
            assert answer.status_code == 200


@pytest.mark.django_db
class TestRegister:
    def test_signs_in(self) -> None:
        answer = post("auth/register", {"email": "ada@example.com", "password": PASSWORD})

        body = answer.json()
        assert answer.status_code == 201
        assert answer["Cache-Control"] == "no-store"
        assert set(body) == {"user", "access", "refresh"}
        user = body["user"]
        assert (user["email"], user["roles"], user["is_staff"]) == ("ada@example.com", [], False)
        me = client_of().get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {body['access']}")
        assert me.json() == user

    @pytest.mark.parametrize(
        "field", ["is_staff", "is_superuser", "roles", "groups", "id", "token_version", "email_key"]
    )
    def test_s03_refuses_fields_that_are_not_the_callers(self, field: str) -> None:
        answer = post("auth/register", {"email": "ada@example.com", "password": PASSWORD, field: True})

        assert (answer.status_code, codes(answer)) == (400, {field: "unknown"})
        assert not User.objects.exists()

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "ada",
            "a@b",
            "ada@example.com\n",
            "a\x00@example.com",
            "a" * 250 + "@example.com",
            7,
            None,
            ["a"],
            "a\u202e@b.com",
        ],
    )
    def test_s24_refuses_what_is_no_email(self, email: Any) -> None:
        answer = post("auth/register", {"email": email, "password": PASSWORD})

        assert answer.status_code == 400
        assert not User.objects.exists()

    def test_s24_takes_a_wide_form_for_the_same_email(self) -> None:
        make_user("ada@example.com")

        answer = post("auth/register", {"email": "\uff21da@example.com", "password": PASSWORD})

        assert (answer.status_code, answer.json()["code"]) == (409, "accounts.email_taken")

    def test_refuses_a_weak_password_by_the_rules(self) -> None:
        answer = post("auth/register", {"email": "ada@example.com", "password": "password"})

        assert answer.status_code == 422
        assert answer.json()["errors"][0] | {"message": ""} == {
            "field": "password",
            "code": "password_too_common",
            "message": "",
        }

    def test_hands_on_a_digest_of_the_guests_cart_token(self, settings: Any) -> None:
        settings.EVENT_INLINE_SUBSCRIPTIONS = {"accounts.signed_in": (f"{__name__}.note_merge",)}
        merged.clear()
        body = {"email": "ada@example.com", "password": PASSWORD}

        post("auth/register", body, HTTP_X_CART_TOKEN="abc")
        post("auth/login", body, HTTP_X_CART_TOKEN="abc")

        abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        assert [told["cart_token"] for told in merged] == [abc, abc]

    def test_replays_the_first_answer(self) -> None:
        body = {"email": "ada@example.com", "password": PASSWORD}

        first = post("auth/register", body, HTTP_IDEMPOTENCY_KEY="k-1")
        again = post("auth/register", body, HTTP_IDEMPOTENCY_KEY="k-1")

        assert (again.status_code, again.content) == (201, first.content)
        assert again["Idempotent-Replayed"] == "true"
        assert User.objects.count() == 1

    def test_is_counted_even_when_refused(self) -> None:
        make_user("ada@example.com")
        body = {"email": "ada@example.com", "password": PASSWORD}
        refused = post("auth/register", body, HTTP_IDEMPOTENCY_KEY="k-1")
        for _ in range(99):
            services.count_registration(address="127.0.0.1", at=timezone.now())

        answer = post("auth/register", body, HTTP_IDEMPOTENCY_KEY="k-2")

        assert (refused.status_code, answer.status_code) == (409, 429)
        assert int(answer["Retry-After"]) > 3000

    def test_is_not_counted_when_throttles_are_off(self, settings: Any) -> None:
        settings.THROTTLES = False

        post("auth/register", {})

        assert not Attempt.objects.exists()


@pytest.mark.django_db
class TestLogin:
    def test_hands_out_tokens(self) -> None:
        user = make_user()

        answer = post("auth/login", {"email": user.email, "password": PASSWORD})

        assert (answer.status_code, set(answer.json())) == (200, {"access", "refresh"})
        assert answer["Cache-Control"] == "no-store"

    def test_a16_s14_answers_alike_for_wrong_unknown_and_ended(self) -> None:
        user, ended = make_user(), make_user(is_active=False)
        answers = [
            post("auth/login", {"email": user.email, "password": "wrong"}),
            post("auth/login", {"email": "nobody@example.com", "password": PASSWORD}),
            post("auth/login", {"email": ended.email, "password": PASSWORD}),
        ]

        said = [{**answer.json(), "request_id": ""} for answer in answers]
        assert {answer.status_code for answer in answers} == {401}
        assert said[0] == said[1] == said[2]

    def test_s15_locks_with_retry_after_and_ignores_forwarded_for(self) -> None:
        user = make_user()
        for number in range(5):
            post("auth/login", {"email": user.email, "password": "wrong"}, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}")

        answer = post("auth/login", {"email": user.email, "password": PASSWORD}, HTTP_X_FORWARDED_FOR="10.9.9.9")
        elsewhere = post("auth/login", {"email": user.email, "password": PASSWORD}, REMOTE_ADDR="192.0.2.9")

        assert (answer.status_code, answer.json()["code"]) == (429, "accounts.too_many_attempts")
        assert 800 < int(answer["Retry-After"]) <= 901
        assert elsewhere.status_code == 200

    def test_s15_locks_each_client_behind_a_proxy_of_ours_by_itself(self, settings: Any) -> None:
        settings.TRUSTED_PROXIES = [ip_network("127.0.0.0/8")]
        user = make_user()
        for _ in range(5):
            post("auth/login", {"email": user.email, "password": "wrong"}, HTTP_X_FORWARDED_FOR="192.0.2.7")

        locked, other = (
            post("auth/login", {"email": user.email, "password": PASSWORD}, HTTP_X_FORWARDED_FOR=client)
            for client in ("192.0.2.7", "192.0.2.8")
        )

        assert (locked.status_code, other.status_code) == (429, 200)

    def test_is_not_hindered_by_an_old_token(self) -> None:
        user = make_user()

        answer = post("auth/login", {"email": user.email, "password": PASSWORD}, HTTP_AUTHORIZATION="Bearer old")

        assert answer.status_code == 200

    @pytest.mark.parametrize("body", [{}, {"email": "a@example.com"}, {"email": "a@example.com", "password": 12345678}])
    def test_refuses_a_malformed_body(self, body: dict[str, Any]) -> None:
        assert post("auth/login", body).status_code == 400


@pytest.mark.django_db
class TestRefreshAndLogout:
    def test_s11_rotates_and_ends_the_family_on_reuse(self) -> None:
        session = make_session(make_user())
        fresh = post("auth/refresh", {"refresh": session.refresh}).json()
        RefreshToken.objects.filter(spent_at__isnull=False).update(spent_at=timezone.now() - timedelta(minutes=1))

        answer = post("auth/refresh", {"refresh": session.refresh})

        me = client_of().get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {fresh['access']}")
        assert (answer.status_code, answer.json()["code"], me.status_code) == (401, "accounts.token_reused", 401)

    def test_s12_logs_out_here(self) -> None:
        session = make_session(make_user())

        left = post("auth/logout", {"refresh": session.refresh})

        assert (left.status_code, left.headers["Clear-Site-Data"]) == (204, '"cache", "storage"')
        assert post("auth/refresh", {"refresh": session.refresh}).status_code == 401
        assert client_of().get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {session.access}").status_code == 401

    def test_s12_logs_out_everywhere(self) -> None:
        user = make_user()
        other = client_of(user)

        assert post("auth/logout-all", {}, user).status_code == 204
        assert other.get("/api/v1/me").status_code == 401


@pytest.mark.django_db
class TestPasswords:
    def test_s14_reset_answers_alike_for_any_address(self) -> None:
        user = make_user()

        answers = [post("auth/password/reset", {"email": email}) for email in (user.email, "nobody@example.com")]

        assert [(answer.status_code, answer.content) for answer in answers] == [(202, b""), (202, b"")]
        assert OutboxEvent.objects.count() == 1

    def test_a18_reset_tells_no_secret(self) -> None:
        user = make_user()

        answer = post("auth/password/reset", {"email": user.email}, HTTP_HOST="127.0.0.1")

        assert answer.content == b""
        assert "token" not in str(dict(answer.items())).lower()

    def test_reset_is_throttled_per_address(self) -> None:
        for _ in range(30):
            services.count_reset_request(address="127.0.0.1", at=timezone.now())

        answer = post("auth/password/reset", {"email": "nobody@example.com"})

        assert answer.status_code == 429
        assert "Retry-After" in answer

    def test_a17_s16_confirms_once(self) -> None:
        user = make_user()
        body = {"token": make_link(user, at=timezone.now()), "password": NEW}

        assert [post("auth/password/reset/confirm", body).status_code for _ in range(2)] == [204, 422]
        assert post("auth/login", {"email": user.email, "password": NEW}).status_code == 200

    def test_a04_a_mailed_token_changes_nobody_but_whom_it_was_mailed_to(self) -> None:
        mine, other = make_user(), make_user()
        proof = make_link(other, Purpose.VERIFY_EMAIL, at=timezone.now())
        reset = make_link(other, at=timezone.now())

        altered = post("auth/verify-email", {"token": proof[:-4] + "AAAA"}, mine)
        answers = [
            post("auth/verify-email", {"token": proof}, mine),
            post("auth/password/reset/confirm", {"token": reset, "password": NEW}, mine),
        ]

        assert altered.status_code == 422
        assert [answer.status_code for answer in answers] == [204, 204]
        mine.refresh_from_db()
        other.refresh_from_db()
        assert (mine.email_verified_at, mine.check_password(PASSWORD)) == (None, True)
        assert (other.email_verified_at is None, other.check_password(NEW)) == (False, True)

    def test_changes_the_password(self) -> None:
        user = make_user()

        wrong = post("auth/password/change", {"current_password": "no", "new_password": NEW}, user)
        answer = post("auth/password/change", {"current_password": PASSWORD, "new_password": NEW}, user)

        assert (answer.status_code, set(answer.json())) == (200, {"access", "refresh"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "accounts.wrong_password")

    def test_verifies_the_email_once(self) -> None:
        user = make_user()
        body = {"token": make_link(user, Purpose.VERIFY_EMAIL, at=timezone.now())}

        assert [post("auth/verify-email", body).status_code for _ in range(2)] == [204, 422]
        assert client_of(user).get("/api/v1/me").json()["email_verified"] is True

    def test_mails_the_verification_again(self) -> None:
        assert post("auth/verify-email/resend", {}, make_user()).status_code == 202


@pytest.mark.django_db
class TestUsers:
    def test_are_found_by_support(self, django_assert_num_queries: Any) -> None:
        client = client_of(make_user(roles=[Role.CUSTOMER_SUPPORT]))
        ada = make_user("ada@example.com")
        make_user("adam@example.com", deleted_at=NOON)

        with django_assert_num_queries(5):
            body = client.get("/api/v1/users", {"search": "ADA@example.com"}).json()

        assert [row["id"] for row in body["results"]] == [str(ada.pk)]
        assert client.get(f"/api/v1/users/{ada.pk}").json() == body["results"][0]
        assert client.get(f"/api/v1/users/{uuid4()}").status_code == 404
        assert client.get("/api/v1/users", {"is_superuser": "true"}).status_code == 400

    def test_get_roles_from_an_administrator(self) -> None:
        client, user = client_of(make_user(roles=[Role.ADMINISTRATOR])), make_user()
        path = f"/api/v1/users/{user.pk}/roles"

        answer = client.put(path, {"roles": ["order manager"]}, format="json")

        assert (answer.status_code, answer.json()["roles"], answer.json()["is_staff"]) == (200, ["order manager"], True)
        assert client.put(path, {"roles": ["king"]}, format="json").status_code == 422
        assert client.put(path, {"roles": "king"}, format="json").status_code == 400

    def test_get_no_more_than_the_granter_holds(self) -> None:
        clerk, user = make_user(permissions=["accounts.change_user"]), make_user()
        make_user(roles=[Role.ADMINISTRATOR])

        for target in (clerk, user):
            answer = client_of(clerk).put(
                f"/api/v1/users/{target.pk}/roles", {"roles": ["administrator"]}, format="json"
            )
            assert (answer.status_code, answer.json()["code"]) == (403, "accounts.above_your_role")
        assert not user.groups.exists()

    def test_are_deactivated(self) -> None:
        client, user = client_of(make_user(roles=[Role.ADMINISTRATOR])), make_user()
        theirs = client_of(user)

        answer = client.patch(f"/api/v1/users/{user.pk}", {"is_active": False}, format="json")

        assert (answer.status_code, answer.json()["is_active"]) == (200, False)
        assert theirs.get("/api/v1/me").status_code == 401
