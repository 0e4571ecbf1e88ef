"""The second factor in the back office."""

from __future__ import annotations

import re
from typing import Any

import pyotp
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

import config.back_office  # noqa: F401 - registers the pages
from accounts import services
from accounts.domain import Role
from accounts.tests.factories import PASSWORD, make_second_factor, make_user


@pytest.mark.django_db
class TestBackOffice:
    def test_s18_leads_staff_without_an_app_to_set_one_up(self, settings: Settings) -> None:
        settings.STAFF_SECOND_FACTOR = True
        staff, browser = make_user(roles=[Role.ORDER_MANAGER]), Client(enforce_csrf_checks=False)
        said = {"username": staff.email, "password": PASSWORD}

        assert browser.get("/admin/second-factor/").status_code == 302
        refused = browser.post("/admin/login/", said)
        assert 'href="/admin/second-factor/"' in refused.content.decode()
        assert browser.get("/admin/").status_code == 302
        page = browser.get("/admin/second-factor/").content.decode()
        secret = services.find_enrolment(user_id=staff.pk).secret  # type: ignore[union-attr]
        assert secret in page
        assert 'src="data:image/svg+xml' in page

        assert b'role="alert"' in browser.post("/admin/second-factor/", {"code": "1"}).content
        done: Any = browser.post("/admin/second-factor/", {"code": pyotp.TOTP(secret).now()})
        codes = re.findall(r"<li>([A-Z0-9-]{34})</li>", done.content.decode())
        assert len(codes) == 10
        assert browser.get("/admin/second-factor/").status_code == 302
        assert browser.post("/admin/login/", said | {"code": codes[0]})["Location"] == "/admin/"
        assert browser.get("/admin/").status_code == 200

    def test_s18_ends_sessions_of_before(self) -> None:
        staff, browser = make_user(roles=[Role.ORDER_MANAGER]), Client()
        browser.force_login(staff, backend="accounts.authentication.EmailBackend")
        assert browser.get("/admin/").status_code == 200

        make_second_factor(staff)

        assert browser.get("/admin/").status_code == 302

    def test_s18_wants_the_code_of_who_has_an_app(self) -> None:
        staff, browser = make_user(roles=[Role.ORDER_MANAGER]), Client()
        app = make_second_factor(staff)
        said = {"username": staff.email, "password": PASSWORD}

        assert browser.post("/admin/login/", said).status_code == 200
        assert browser.post("/admin/login/", said | {"code": "AAAA"}).status_code == 200
        assert browser.get("/admin/").status_code == 302
        assert browser.post("/admin/login/", said | {"code": app.code(timezone.now())}).status_code == 302
        assert browser.get("/admin/").status_code == 200

    def test_s18_lets_others_remove_it(self) -> None:
        lost, boss, browser = make_user(roles=[Role.ORDER_MANAGER]), make_user(is_superuser=True), Client()
        make_second_factor(lost)
        browser.force_login(boss, backend="accounts.authentication.EmailBackend")

        browser.post(f"/admin/accounts/user/{lost.pk}/remove_second_factor/", {"_confirmed": "yes"})

        lost.refresh_from_db()
        assert lost.second_factor_at is None
