from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from accounts.domain import Role
from accounts.models import User
from accounts.services import ensure_roles
from accounts.tests.factories import PASSWORD, make_session, make_user

USERS = "/admin/accounts/user/"
YES = {"_confirmed": "yes"}
NEW = "another good passphrase"


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="accounts.authentication.EmailBackend")
    return browser


def role_named(role: Role) -> Group:
    ensure_roles()
    return Group.objects.get(name=role.value)


def inlines(*names: str) -> dict[str, Any]:
    return {f"{name}-{part}_FORMS": "0" for name in names for part in ("TOTAL", "INITIAL")}


@pytest.fixture
def clerk(db: None) -> User:
    """Someone who may edit accounts and roles, and holds little else."""
    held = ["accounts.view_user", "accounts.add_user", "accounts.change_user"]
    held += ["auth.view_group", "auth.add_group", "auth.change_group", "auth.delete_group"]
    return make_user(permissions=held)


class TestAccounts:
    def test_are_added_through_the_service(self, clerk: User) -> None:
        data = {"email": "New@Example.com", "password": NEW, "groups": []}

        response = browser_of(clerk).post(f"{USERS}add/", data)

        user = User.objects.with_email("new@example.com").get()
        assert response.status_code == 302
        assert user.check_password(NEW)
        assert user.profile
        assert not user.is_staff

    @pytest.mark.parametrize(("field", "value"), [("password", "123"), ("email", "taken@example.com"), ("email", "x")])
    def test_that_the_rules_refuse_are_not_made(self, clerk: User, field: str, value: str) -> None:
        make_user("taken@example.com")
        data = {"email": "new@example.com", "password": NEW, "groups": []} | {field: value}
        before = User.objects.count()

        response = browser_of(clerk).post(f"{USERS}add/", data)

        assert response.status_code == 200
        assert response.context["errors"]
        assert User.objects.count() == before

    def test_get_no_role_that_goes_beyond_whoever_gives_it(self, clerk: User) -> None:
        user = make_user()
        data = {"is_active": "on", "groups": [str(role_named(Role.ADMINISTRATOR).pk)]} | inlines("profile", "addresses")

        for target in (user, clerk):
            response = browser_of(clerk).post(f"{USERS}{target.pk}/change/", data)

            assert response.status_code == 200
            assert "do not hold" in response.content.decode()
            assert not target.groups.exists()

    def test_lose_their_sign_ins_with_a_new_password(self, clerk: User) -> None:
        user = make_user()
        make_session(user)

        browser_of(clerk).post(f"{USERS}{user.pk}/set_password/", YES | {"password": NEW, "again": NEW})

        user.refresh_from_db()
        assert user.check_password(NEW)
        assert not user.token_families.filter(revoked_at__isnull=True).exists()

    def test_show_how_many_sign_ins_are_live(self, clerk: User) -> None:
        user = make_user()
        for began_at in (timezone.now(), timezone.now(), timezone.now() - settings.REFRESH_TOKEN_TTL):
            make_session(user, at=began_at)

        page = browser_of(clerk).get(f"{USERS}{user.pk}/change/").content.decode()

        assert re.search(r"Live sign-ins.*?\b2\b", re.sub(r"<[^>]*>", " ", page), re.DOTALL)

    def test_of_those_who_hold_more_are_not_touched(self, clerk: User) -> None:
        boss = make_user(is_superuser=True)

        browser_of(clerk).post(f"{USERS}{boss.pk}/set_password/", YES | {"password": NEW, "again": NEW})

        boss.refresh_from_db()
        assert boss.check_password(PASSWORD)

    def test_show_no_password_in_page_or_export(self, clerk: User) -> None:
        user = make_user()
        browser = browser_of(clerk)
        form = browser.get(f"{USERS}export/").context["form"]
        fields = {name: "on" for name, field in form.fields.items() if getattr(field, "is_selectable_field", False)}

        exported = browser.post(f"{USERS}export/", fields | {"format": "0", "resource": "0"}).content.decode()

        assert user.email in exported
        assert "argon2" not in exported + browser.get(f"{USERS}{user.pk}/change/").content.decode()

    def test_change_their_own_password(self, clerk: User) -> None:
        browser = browser_of(clerk)
        said = YES | {"current": PASSWORD, "password": NEW, "again": NEW}

        refused = browser.post("/admin/password_change/", said | {"current": "wrong"})
        done = browser.post("/admin/password_change/", said)

        clerk.refresh_from_db()
        assert (refused.status_code, done.status_code) == (200, 302)
        assert clerk.check_password(NEW)
        assert browser.get("/admin/").status_code == 200


class TestRoles:
    def test_grant_no_more_than_their_maker_holds(self, clerk: User) -> None:
        held = Permission.objects.get(codename="view_user", content_type__app_label="accounts")
        more = Permission.objects.get(codename="move_order")
        browser = browser_of(clerk)

        refused = browser.post("/admin/auth/group/add/", {"name": "movers", "permissions": [held.pk, more.pk]})
        taken = browser.post("/admin/auth/group/add/", {"name": "readers", "permissions": [held.pk]})

        assert (refused.status_code, taken.status_code) == (200, 302)
        assert list(Group.objects.values_list("name", flat=True)) == ["readers"]

    def test_that_someone_has_stay(self, clerk: User) -> None:
        empty, used = Group.objects.create(name="empty"), Group.objects.create(name="used")
        make_user().groups.add(used)
        browser = browser_of(clerk)

        for role in (empty, used):
            browser.post(f"/admin/auth/group/{role.pk}/remove/", YES)

        assert list(Group.objects.values_list("name", flat=True)) == ["used"]
