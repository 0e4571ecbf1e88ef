"""HARD-CASES S10: tokens that are not ours, or not for this."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import orjson
import pytest
from django.conf import settings
from django.utils import timezone

from accounts import selectors, services
from accounts.errors import TokenRefused
from accounts.models import TokenFamily
from accounts.selectors.tokens import token_key
from accounts.tests.factories import client_of, make_session, make_user

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _said(**changes: Any) -> dict[str, Any]:
    said = {
        "iss": "nexus",
        "aud": "nexus-api",
        "typ": "access",
        "sub": str(uuid4()),
        "ver": 0,
        "fam": str(uuid4()),
        "iat": int(NOON.timestamp()),
        "exp": int(NOON.timestamp()) + 900,
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


def _signed(said: dict[str, Any], **options: Any) -> str:
    return jwt.encode(said, token_key(settings.SECRET_KEY), algorithm="HS256", **options)


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


class TestReadToken:
    def test_returns_what_a_good_token_says(self) -> None:
        said = _said(ver=3)

        claims = selectors.read_token(token=_signed(said), kind="access", at=NOON)

        assert (str(claims.user_id), claims.token_version, str(claims.family_id)) == (said["sub"], 3, said["fam"])

    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "another"},
            {"iss": None},
            {"aud": "another-api"},
            {"aud": ["nexus-api", "another"]},
            {"aud": None},
            {"typ": "refresh"},
            {"typ": None},
            {"sub": "1 or 1=1"},
            {"sub": 7},
            {"sub": None},
            {"ver": None},
            {"ver": "x"},
            {"ver": [1]},
            {"fam": "x"},
            {"fam": None},
            {"exp": None},
            {"exp": "soon"},
            {"exp": int(NOON.timestamp())},
            {"iat": None},
        ],
    )
    def test_s10_refuses_wrong_or_missing_claims(self, changes: dict[str, Any]) -> None:
        with pytest.raises(TokenRefused):
            selectors.read_token(token=_signed(_said(**changes)), kind="access", at=NOON)

    @pytest.mark.parametrize("header", [{"kid": "../../dev/null"}, {"jku": "https://evil.example/keys"}, {"crit": []}])
    def test_s10_refuses_headers_that_name_a_key(self, header: dict[str, Any]) -> None:
        with pytest.raises(TokenRefused):
            selectors.read_token(token=_signed(_said(), headers=header), kind="access", at=NOON)

    @pytest.mark.parametrize("algorithm", ["none", "None", "HS512", "RS256", "ES256"])
    def test_s10_refuses_other_algorithms(self, algorithm: str) -> None:
        unsigned = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(_said())}."

        with pytest.raises(TokenRefused):
            selectors.read_token(token=unsigned, kind="access", at=NOON)

    def test_s10_refuses_another_key(self) -> None:
        forged = jwt.encode(_said(), settings.SECRET_KEY, algorithm="HS256")

        with pytest.raises(TokenRefused):
            selectors.read_token(token=forged, kind="access", at=NOON)

    @pytest.mark.parametrize("token", ["", ".", "a.b.c", "é.é.é", "x" * 5000, "\x00", "..", "a" * 100 + "..b"])
    def test_refuses_what_is_no_token(self, token: str) -> None:
        with pytest.raises(TokenRefused):
            selectors.read_token(token=token, kind="access", at=NOON)


@pytest.mark.django_db
class TestUserOfToken:
    def test_takes_one_query(self, django_assert_num_queries: Any) -> None:
        user = make_user()
        session = make_session(user, at=NOON)

        with django_assert_num_queries(1):
            found, _ = selectors.user_of_token(token=session.access, at=NOON)

        assert found == user

    def test_asks_nothing_about_a_forged_token(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0), pytest.raises(TokenRefused):
            selectors.user_of_token(token="a.b.c", at=NOON)

    def test_ends_after_fifteen_minutes(self) -> None:
        session = make_session(make_user(), at=NOON)

        selectors.user_of_token(token=session.access, at=NOON + timedelta(minutes=14, seconds=59))
        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=session.access, at=NOON + timedelta(minutes=15))

    @pytest.mark.parametrize(
        "change", [{"is_active": False}, {"deleted_at": NOON}, {"token_version": 1}], ids=lambda c: next(iter(c))
    )
    def test_s12_refuses_when_the_account_changed(self, change: dict[str, Any]) -> None:
        user = make_user()
        session = make_session(user, at=NOON)
        type(user).objects.filter(pk=user.pk).update(**change)

        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=session.access, at=NOON)

    def test_s11_refuses_when_the_family_has_ended(self) -> None:
        session = make_session(make_user(), at=NOON)
        TokenFamily.objects.update(revoked_at=NOON)

        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=session.access, at=NOON)

    def test_refuses_the_family_of_another(self) -> None:
        mine, other = make_session(make_user(), at=NOON), make_session(make_user(), at=NOON)
        fam = selectors.read_token(token=other.access, kind="access", at=NOON).family_id
        crossed = _signed(_said(sub=str(mine.user.pk), fam=str(fam)))

        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=crossed, at=NOON)


@pytest.mark.django_db
class TestBearer:
    @pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Basic YTpi", "bearer a.b.c", "Token t", "Bearer \xff"])
    def test_s10_answers_401_to_a_bad_header(self, header: str) -> None:
        answer = client_of().get("/api/v1/me", HTTP_AUTHORIZATION=header)

        assert answer.status_code == 401
        assert answer.json()["code"] == "accounts.token_refused"
        assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_s10_refuses_a_refresh_token_as_access(self) -> None:
        session = make_session(make_user())

        answer = client_of().get("/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {session.refresh}")

        assert answer.status_code == 401

    def test_s10_refuses_an_access_token_as_refresh(self) -> None:
        session = make_session(make_user())

        with pytest.raises(TokenRefused):
            services.refresh_session(refresh=session.access, at=timezone.now())

    def test_a21_takes_no_identity_from_other_headers(self) -> None:
        user = make_user(is_superuser=True)

        answer = client_of().get(
            "/api/v1/me",
            HTTP_X_USER=str(user.pk),
            HTTP_X_WCPAY_PLATFORM_CHECKOUT_USER=str(user.pk),
            REMOTE_USER=user.email,
        )

        assert answer.status_code == 401
