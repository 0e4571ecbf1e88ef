"""How long a session of the back office lasts, and what ends it."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import User
from accounts.tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
MORNING = int(datetime(2026, 11, 21, 8, tzinfo=UTC).timestamp())
MINUTE, HOUR = 60, 3600
PAGE = "/admin/accounts/user/"


@pytest.fixture
def clerk() -> User:
    return make_user(is_superuser=True)


def browser_of(user: User) -> Client:
    browser = Client()
    browser.post("/admin/login/", {"username": user.email, "password": PASSWORD})
    return browser


def is_let_in(browser: Client, *, seconds: int = 0) -> bool:
    with patch("core.middleware.time", return_value=MORNING + seconds):
        return bool(browser.get(PAGE).status_code == 200)


class TestSession:
    def test_ends_after_an_hour_without_a_request(self, clerk: User) -> None:
        browser = browser_of(clerk)

        assert is_let_in(browser)
        assert is_let_in(browser, seconds=HOUR - MINUTE)
        assert is_let_in(browser, seconds=2 * HOUR - 2 * MINUTE)
        assert not is_let_in(browser, seconds=3 * HOUR)
        assert not is_let_in(browser, seconds=3 * HOUR + 1)

    def test_ends_after_twelve_hours_however_busy(self, clerk: User) -> None:
        browser = browser_of(clerk)

        stays = [is_let_in(browser, seconds=half * HOUR // 2) for half in range(26)]

        assert stays == [True] * 25 + [False]

    def test_writes_the_time_down_every_five_minutes(self, clerk: User) -> None:
        browser = browser_of(clerk)
        is_let_in(browser)

        with patch("django.contrib.sessions.backends.db.SessionStore.save") as saved:
            is_let_in(browser, seconds=5 * MINUTE)
            assert not saved.called
            is_let_in(browser, seconds=5 * MINUTE + 1)
            assert saved.called

    def test_is_another_one_after_signing_in(self, clerk: User) -> None:
        browser = Client()
        browser.get("/admin/login/")
        session = browser.session
        session["planted"] = 1
        session.save()
        planted = session.session_key

        browser.cookies["sessionid"] = planted or ""
        browser.post("/admin/login/", {"username": clerk.email, "password": PASSWORD})

        assert browser.session.session_key != planted
        assert is_let_in(browser)

    def test_s12_ends_with_all_other_sign_ins(self, clerk: User) -> None:
        browser, other = browser_of(clerk), browser_of(make_user(is_superuser=True))

        services.sign_out_everywhere(user_id=clerk.pk, at=timezone.now())

        assert not is_let_in(browser)
        assert is_let_in(other)

    def test_s48_keeps_what_it_tells_in_no_cookie_of_its_own(self, clerk: User) -> None:
        browser = browser_of(clerk)
        said = {"current": PASSWORD, "password": "another good passphrase", "again": "another good passphrase"}

        done = browser.post("/admin/password_change/", said | {"_confirmed": "yes"})

        assert done.status_code == 302
        assert "Your password is changed" in browser.get(PAGE).content.decode()
        assert set(browser.cookies) == {"sessionid", "csrftoken"}

    def test_has_the_browser_forget_what_it_showed_once_it_is_left(self, clerk: User) -> None:
        browser = browser_of(clerk)

        during, left, afterwards = browser.get(PAGE), browser.post("/admin/logout/"), browser.get("/admin/login/")

        assert left.headers["Clear-Site-Data"] == '"cache", "storage"'
        assert "Clear-Site-Data" not in {*during.headers, *afterwards.headers}
        assert "no-store" in during.headers["Cache-Control"]
