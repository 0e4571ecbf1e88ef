"""People see where they are signed in, and end what they do not know (ASVS 5.0, 7.5.2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient
from structlog.testing import capture_logs

from accounts import selectors, services
from accounts.domain import client_name
from accounts.errors import SessionNotFound, TokenRefused, TooManyAttempts, WrongPassword
from accounts.models import Attempt, TokenFamily, User
from accounts.services import Session
from accounts.tests.calling import post
from accounts.tests.factories import PASSWORD, client_of, make_session, make_user
from core.rotation import sealed_models
from core.tests.threads import in_thread, waits_for_a_lock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PATH = "/api/v1/me/sessions"
HOME = "192.0.2.1"
KNOWN = {"password": PASSWORD}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
APP = "ShopApp/2.4 (iPhone; iOS 19.1)"


def id_of(session: Session, *, at: datetime = NOON) -> UUID:
    return selectors.read_token(token=session.access, kind="access", at=at).family_id


def end(user: User, session_id: UUID, *, password: str = PASSWORD, at: datetime = NOON) -> None:
    services.end_session(user=user, session_id=session_id, password=password, address=HOME, at=at)


def bearing(access: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def listed(user: User, *, at: datetime) -> list[TokenFamily]:
    return list(selectors.list_sessions(user=user, at=at).order_by("-expires_at", "-pk"))


class TestClientName:
    @pytest.mark.parametrize("said", [FIREFOX, "", "x" * 200, "curl/8.5.0", "Büro (Größe 1)"])
    def test_keeps_what_is_plain(self, said: str) -> None:
        assert client_name(said) == said

    def test_is_cut_to_two_hundred_characters(self) -> None:
        assert client_name("a" * 300 + "b") == "a" * 200
        assert client_name("\x00" * 300 + "b") == "b"

    @pytest.mark.parametrize(
        "char", ["\x00", "\n", "\r", "\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\ud800", "\u2028"]
    )
    def test_s24_holds_nothing_that_is_not_printed(self, char: str) -> None:
        assert client_name(f"{char}Fire{char}fox {char}") == "Firefox"


@pytest.mark.django_db
class TestListSessions:
    def test_shows_those_that_can_go_on_the_one_used_last_first(self) -> None:
        user = make_user()
        old, new = make_session(user, client=APP, at=NOON), make_session(user, at=NOON + timedelta(hours=1))
        services.refresh_session(refresh=old.refresh, client=FIREFOX, at=NOON + timedelta(hours=2))

        found = listed(user, at=NOON + timedelta(hours=3))

        assert [(row.pk, row.created_at, row.last_used_at, row.client) for row in found] == [  # type: ignore[attr-defined]
            (id_of(old), NOON, NOON + timedelta(hours=2), FIREFOX),
            (id_of(new), NOON + timedelta(hours=1), NOON + timedelta(hours=1), ""),
        ]

    def test_leaves_out_those_of_others_and_those_that_ended(self) -> None:
        user = make_user()
        ended, here = make_session(user, at=NOON), make_session(user, at=NOON)
        make_session(make_user(), at=NOON)
        services.sign_out(refresh=ended.refresh, at=NOON)

        assert [row.pk for row in listed(user, at=NOON)] == [id_of(here)]

    def test_leaves_out_what_expired(self) -> None:
        user = make_user()
        make_session(user, at=NOON)

        assert len(listed(user, at=NOON + timedelta(days=7, seconds=-1))) == 1
        assert listed(user, at=NOON + timedelta(days=7)) == []

    def test_leaves_out_what_is_a_month_old_however_often_it_was_refreshed(self) -> None:
        user = make_user()
        last = make_session(user, at=NOON)
        for days in (6, 12, 18, 24, 29):
            last = services.refresh_session(refresh=last.refresh, at=NOON + timedelta(days=days))

        assert len(listed(user, at=NOON + timedelta(days=30, seconds=-1))) == 1
        assert listed(user, at=NOON + timedelta(days=30)) == []

    def test_takes_one_query(self, django_assert_num_queries: Any) -> None:
        user = make_user()
        for _ in range(3):
            make_session(user, at=NOON)

        with django_assert_num_queries(1):
            assert len(listed(user, at=NOON)) == 3


@pytest.mark.django_db
class TestClient:
    def test_is_noted_at_no_more_statements(self, django_assert_num_queries: Any) -> None:
        user = make_user()

        with django_assert_num_queries(4):  # two of them are the block's
            session = make_session(user, client=FIREFOX, at=NOON)
        with django_assert_num_queries(8):
            services.refresh_session(refresh=session.refresh, client=APP, at=NOON)

        assert TokenFamily.objects.get().client == APP

    def test_is_what_was_said_last_even_if_that_is_nothing(self) -> None:
        session = make_session(make_user(), client=FIREFOX, at=NOON)

        services.refresh_session(refresh=session.refresh, at=NOON)

        assert TokenFamily.objects.get().client == ""

    def test_s50_is_sealed(self) -> None:
        make_session(make_user(), client=FIREFOX, at=NOON)

        with connection.cursor() as cursor:
            cursor.execute("SELECT client FROM accounts_tokenfamily")
            (stored,) = cursor.fetchone()
        assert stored
        assert "Firefox" not in stored
        assert TokenFamily.objects.get().client == FIREFOX
        assert (TokenFamily, ["client"]) in list(sealed_models())

    def test_s51_goes_with_the_person(self) -> None:
        user = make_user()
        make_session(user, client=FIREFOX, at=NOON)

        services.delete_account(user=user, password=PASSWORD, address="192.0.2.1", at=NOON)

        assert not TokenFamily.objects.exists()

    def test_s51_is_part_of_what_a_person_is_told(self) -> None:
        user = make_user()
        session = make_session(user, client=FIREFOX)
        ended = make_session(user, client=APP)
        services.sign_out(refresh=ended.refresh, at=timezone.now())

        answer: Any = bearing(session.access).get("/api/v1/me/export")

        told = b"".join(answer.streaming_content).decode()
        assert FIREFOX in told
        assert APP in told

    def test_s41_stands_in_no_log(self) -> None:
        user = make_user()
        body = {"email": user.email, "password": PASSWORD}

        with capture_logs() as lines:
            post("auth/login", body | {"password": "wrong"}, HTTP_USER_AGENT=FIREFOX)
            signed_in = post("auth/login", body, HTTP_USER_AGENT=FIREFOX).json()
            post("auth/refresh", {"refresh": signed_in["refresh"]}, HTTP_USER_AGENT=FIREFOX)
            client = bearing(signed_in["access"])
            mine = f"{PATH}/{client.get(PATH).json()['results'][0]['id']}"
            client.delete(mine, KNOWN, format="json", HTTP_USER_AGENT=FIREFOX)

        assert {line["event"] for line in lines} >= {"sign in", "sign out"}
        assert "Firefox" not in str(lines)


@pytest.mark.django_db
class TestEndSession:
    def test_s12_ends_it_with_its_tokens_at_once_and_no_other(self) -> None:
        user = make_user()
        here, there = make_session(user, at=NOON), make_session(user, at=NOON)

        end(user, id_of(there))

        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=there.access, at=NOON)
        with pytest.raises(TokenRefused):
            services.refresh_session(refresh=there.refresh, at=NOON)
        assert selectors.user_of_token(token=here.access, at=NOON)[0] == user
        assert [row.pk for row in listed(user, at=NOON)] == [id_of(here)]

    def test_s12_ends_what_was_got_by_refreshing_too(self) -> None:
        user = make_user()
        first = make_session(user, at=NOON)
        second = services.refresh_session(refresh=first.refresh, at=NOON)

        end(user, id_of(first))

        with pytest.raises(TokenRefused):
            selectors.user_of_token(token=second.access, at=NOON)
        with pytest.raises(TokenRefused):
            services.refresh_session(refresh=second.refresh, at=NOON)

    def test_s01_refuses_that_of_another_and_what_is_not_there(self) -> None:
        user, theirs = make_user(), make_session(make_user(), at=NOON)

        for session_id in (id_of(theirs), uuid4()):
            with pytest.raises(SessionNotFound):
                end(user, session_id)

        assert selectors.user_of_token(token=theirs.access, at=NOON)[0] == theirs.user
        assert TokenFamily.objects.get().revoked_at is None

    def test_refuses_what_has_ended_and_leaves_the_time_of_that(self) -> None:
        user = make_user()
        session = make_session(user, at=NOON)
        end(user, id_of(session))

        with pytest.raises(SessionNotFound):
            end(user, id_of(session), at=NOON + timedelta(minutes=1))

        assert TokenFamily.objects.get().revoked_at == NOON

    def test_is_told_to_the_log(self) -> None:
        user = make_user()
        session = make_session(user, at=NOON)

        with capture_logs() as lines:
            end(user, id_of(session))

        assert [(line["event"], line["outcome"], line["user_id"]) for line in lines] == [
            ("password asked again", "done", user.pk),
            ("sign out", "done", user.pk),
        ]
        assert lines[1]["family_id"] == id_of(session)

    def test_s15_wants_the_password_and_counts_wrong_ones(self) -> None:
        user = make_user()
        session = make_session(user, at=NOON)

        for _ in range(5):
            with pytest.raises(WrongPassword):
                end(user, id_of(session), password="wrong")
        with pytest.raises(TooManyAttempts):
            end(user, id_of(session))

        assert TokenFamily.objects.get().revoked_at is None

    def test_s15_forgives_what_was_wrong_before_and_counts_nothing_of_what_is_not_there(self) -> None:
        user = make_user()
        session = make_session(user, at=NOON)
        with pytest.raises(WrongPassword):
            end(user, id_of(session), password="wrong")
        with pytest.raises(SessionNotFound):
            end(user, uuid4(), password="wrong")
        failed_only = Attempt.objects.count()

        end(user, id_of(session))

        assert (failed_only, Attempt.objects.count()) == (2, 1)  # of the address, for 15 minutes


@pytest.mark.django_db(transaction=True)
class TestEndSessionRaces:
    def test_s12_a_refresh_that_waits_for_it_is_refused(self) -> None:
        session = make_session(make_user(), at=NOON)

        def refresh() -> str:
            try:
                services.refresh_session(refresh=session.refresh, at=NOON)
            except TokenRefused:
                return "refused"
            return "refreshed"

        with ThreadPoolExecutor(max_workers=1) as thread:
            with transaction.atomic():
                TokenFamily.objects.update(revoked_at=NOON)
                working = thread.submit(in_thread, refresh)
                assert waits_for_a_lock(working)
            outcome = working.result()

        assert outcome == "refused"
        assert TokenFamily.objects.get().revoked_at == NOON

    def test_s12_what_a_refresh_got_just_before_is_not_good_after(self) -> None:
        user = make_user()
        session = make_session(user, at=NOON)

        with ThreadPoolExecutor(max_workers=1) as thread:
            with transaction.atomic():
                # As a refresh does until it commits.
                TokenFamily.objects.locked().get()
                working = thread.submit(in_thread, lambda: end(user, id_of(session)))
                assert waits_for_a_lock(working)
                TokenFamily.objects.update(expires_at=NOON + timedelta(days=8))
            working.result()

        assert TokenFamily.objects.get().revoked_at == NOON


@pytest.mark.django_db
class TestApi:
    def sign_in(self, user: User, agent: str) -> dict[str, str]:
        body = {"email": user.email, "password": PASSWORD}
        signed_in: dict[str, str] = post("auth/login", body, HTTP_USER_AGENT=agent).json()
        return signed_in

    def test_lists_where_one_is_signed_in(self) -> None:
        user = make_user()
        phone, browser = self.sign_in(user, APP), self.sign_in(user, FIREFOX)

        body = bearing(phone["access"]).get(PATH).json()

        assert body["count"] == 2
        assert set(body["results"][0]) == {"id", "began_at", "last_used_at", "client", "is_current"}
        assert [(row["client"], row["is_current"]) for row in body["results"]] == [(FIREFOX, False), (APP, True)]
        assert [row["is_current"] for row in bearing(browser["access"]).get(PATH).json()["results"]] == [True, False]

    def test_tells_the_device_that_registered_or_changed_the_password(self) -> None:
        body = {"email": "ada@example.com", "password": PASSWORD}
        fresh = post("auth/register", body, HTTP_USER_AGENT=APP).json()
        client = bearing(fresh["access"])
        assert [row["client"] for row in client.get(PATH).json()["results"]] == [APP]

        change = {"current_password": PASSWORD, "new_password": "another horse battery"}
        anew = client.post("/api/v1/auth/password/change", change, format="json", HTTP_USER_AGENT=FIREFOX).json()

        rows = bearing(anew["access"]).get(PATH).json()["results"]
        assert [(row["client"], row["is_current"]) for row in rows] == [(FIREFOX, True)]

    def test_tells_the_device_that_refreshed_last(self) -> None:
        user = make_user()
        older, _ = self.sign_in(user, APP), self.sign_in(user, APP)

        anew = post("auth/refresh", {"refresh": older["refresh"]}, HTTP_USER_AGENT=FIREFOX).json()

        first, second = bearing(anew["access"]).get(PATH).json()["results"]
        assert [(row["client"], row["is_current"]) for row in (first, second)] == [(FIREFOX, True), (APP, False)]
        assert first["began_at"] < second["began_at"] < first["last_used_at"]

    def test_s24_takes_any_name_of_a_program(self) -> None:
        user = make_user()
        for agent in ("\x00\x1b[31mred", "\xff\xfe", "x" * 100_000, "<script>alert(1)</script>"):
            signed_in = self.sign_in(user, agent)

            shown = bearing(signed_in["access"]).get(PATH).json()["results"][0]["client"]
            assert shown == client_name(agent)
            assert len(shown) <= 200

    def test_comes_in_pages(self, django_assert_num_queries: Any) -> None:
        user = make_user()
        began = timezone.now() - timedelta(hours=1)
        families = [id_of(make_session(user, at=began + timedelta(minutes=n)), at=began) for n in range(3)]
        client = client_of(user)

        with django_assert_num_queries(3):
            first = client.get(PATH, {"size": "2", "cursor": ""}).json()
        rest = client.get(first["next"]).json()

        assert [row["id"] for row in first["results"] + rest["results"]][1:] == [str(pk) for pk in families[::-1]]
        assert first["results"][0]["is_current"]
        assert client.get(PATH, {"size": 101}).status_code == 400

    def test_asks_for_who_it_is_and_for_the_list(self, django_assert_num_queries: Any) -> None:
        client = client_of(make_user())

        with django_assert_num_queries(2):
            client.get(PATH)

    def test_s12_ends_another_one(self) -> None:
        user = make_user()
        here, there = make_session(user), make_session(user)
        client = bearing(here.access)
        other = next(row for row in client.get(PATH).json()["results"] if not row["is_current"])

        unproved = client.delete(f"{PATH}/{other['id']}")
        wrong = client.delete(f"{PATH}/{other['id']}", {"password": "wrong"}, format="json")
        assert (unproved.status_code, wrong.status_code, wrong.json()["code"]) == (400, 422, "accounts.wrong_password")
        assert bearing(there.access).get(PATH).status_code == 200

        left = client.delete(f"{PATH}/{other['id']}", KNOWN, format="json")

        assert (left.status_code, "Clear-Site-Data" in left.headers) == (204, False)
        assert bearing(there.access).get(PATH).status_code == 401
        assert post("auth/refresh", {"refresh": there.refresh}).json()["code"] == "accounts.token_refused"
        assert client.get(PATH).json()["count"] == 1
        again = client.delete(f"{PATH}/{other['id']}", KNOWN, format="json")
        assert (again.status_code, again.json()["code"]) == (404, "accounts.session_not_found")

    def test_s12_ends_the_one_that_asks(self) -> None:
        session = make_session(make_user())
        client = bearing(session.access)

        left = client.delete(f"{PATH}/{client.get(PATH).json()['results'][0]['id']}", KNOWN, format="json")

        assert (left.status_code, left.headers["Clear-Site-Data"]) == (204, '"cache", "storage"')
        assert client.get(PATH).status_code == 401
        assert post("auth/refresh", {"refresh": session.refresh}).status_code == 401

    def test_s01_of_others_are_not_there(self) -> None:
        theirs = make_session(make_user(), client=APP)
        boss = client_of(make_user(is_superuser=True))

        assert APP not in boss.get(PATH).content.decode()
        for session_id in (id_of(theirs, at=timezone.now()), uuid4()):
            answer = boss.delete(f"{PATH}/{session_id}", KNOWN, format="json")
            assert (answer.status_code, answer.json()["code"]) == (404, "accounts.session_not_found")
        assert bearing(theirs.access).get(PATH).status_code == 200
