"""The status page: what it says, to whom, and what may be done on it."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import free_port
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.domain import Role
from accounts.tests.factories import make_user
from config import status
from config.backups.manifest import Manifest
from core import heartbeats, inspections
from core.models import DeadLetter, Delivery
from core.tests.factories import make_delivery

PAGE = "/admin/status/"
SHOWN_BY = {
    "core.view_delivery": {"Services", "Queues", "Checks", "Backups"},
    "notifications.view_mail": {"Mail"},
    "payments.view_payment": {"Payments"},
    "orders.view_order": set(),
}


def browser_of(*held: str, **fields: Any) -> Client:
    user = make_user(is_staff=True, **fields)
    for name in held:
        app, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    browser = Client()
    browser.force_login(user, backend="accounts.authentication.EmailBackend")
    return browser


def sections_of(page: str) -> set[str]:
    return set(re.findall(r'id="section-\d+">([^<]+)<', page))


def some_backups() -> list[tuple[str, datetime]]:
    now = timezone.now()
    return [("old", now - timedelta(days=40)), ("new", now - timedelta(hours=30))]


def broken_store() -> list[tuple[str, datetime]]:
    raise ConnectionRefusedError("s3.example: secret-key")


@pytest.mark.django_db
class TestWho:
    def test_nobody_and_customers_are_sent_to_the_sign_in(self) -> None:
        customer = Client()
        customer.force_login(make_user(), backend="accounts.authentication.EmailBackend")

        for browser in (Client(), customer):
            response = browser.get(PAGE)
            assert response.status_code == 302
            assert response["Location"].startswith("/admin/login/")

    @pytest.mark.parametrize("permission", SHOWN_BY)
    def test_each_permission_shows_its_own_part(self, permission: str) -> None:
        response = browser_of(permission).get(PAGE)

        assert response.status_code == (200 if SHOWN_BY[permission] else 403)
        assert sections_of(response.content.decode()) == SHOWN_BY[permission]

    @pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
    def test_each_role_gets_in_who_sees_something(self, role: Role) -> None:
        browser = browser_of(roles=[role])
        overview = browser.get("/admin/").content.decode()

        is_in = browser.get(PAGE).status_code == 200

        assert is_in == (role is not Role.CATALOGUE_MANAGER)
        assert (f'href="{PAGE}"' in overview) == is_in

    @pytest.mark.parametrize("held", [(), ("core.view_delivery",), ("notifications.view_mail",)])
    def test_nobody_delivers_again_without_the_permission(self, held: tuple[str, ...]) -> None:
        dead = make_delivery(dead_at=timezone.now(), attempts=12)

        response = browser_of(*held).post(PAGE, {"delivery": str(dead.pk)})

        dead.refresh_from_db()
        assert response.status_code == 403
        assert dead.dead_at is not None

    def test_a_write_needs_the_forms_own_token(self) -> None:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(make_user(is_superuser=True, is_staff=True), backend="accounts.authentication.EmailBackend")

        assert browser.post(PAGE, {}).status_code == 403


@pytest.fixture
def boss(db: None) -> Client:
    return browser_of(is_superuser=True)


class TestPage:
    def row(self, page: str, name: str) -> str:
        rows = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
        [found] = [row for row in rows if re.search(rf">{re.escape(name)}<", row)]
        return " ".join(re.sub(r"<[^>]+>", " ", found).split())

    def test_says_what_is_well(self, boss: Client) -> None:
        now = timezone.now()
        heartbeats.note_heartbeat.__wrapped__(queue="celery", sent_at=now, now=now)  # type: ignore[attr-defined]

        page = boss.get(PAGE).content.decode()

        assert self.row(page, "Database") == "Database ok ok"
        assert self.row(page, "Migrations") == "Migrations ok ok"
        assert self.row(page, "Workers of celery").startswith("Workers of celery ok last heard of")
        assert self.row(page, "Dead deliveries") == "Dead deliveries ok 0"
        assert self.row(page, "Messages given up") == "Messages given up ok 0"
        assert self.row(page, "Books") == "Books unknown not verified yet"
        assert self.row(page, "Backups") == "Backups unknown this shop does not know of any"

    def test_says_whether_the_search_engine_answers(self, boss: Client, settings: Settings) -> None:
        assert ">Search<" not in boss.get(PAGE).content.decode()
        settings.SEARCH_URL = f"http://127.0.0.1:{free_port()}"

        page = boss.get(PAGE).content.decode()

        assert self.row(page, "Search") == "Search down away: PostgreSQL answers"

    def test_says_what_needs_a_look(self, boss: Client, settings: Settings) -> None:
        settings.STATUS_BACKUPS = f"{__name__}.some_backups"
        long_ago = timezone.now() - timedelta(hours=3)
        heartbeats.note_heartbeat.__wrapped__(  # type: ignore[attr-defined]
            queue="celery", sent_at=long_ago, now=long_ago
        )
        make_delivery(dead_at=long_ago, attempts=12, last_error="ConnectionRefusedError: <b>no</b>")
        make_delivery(due_at=long_ago)
        DeadLetter.objects.create(task="orders.tasks.expire_unpaid_orders", digest="1", noted_at=long_ago)
        inspections.note.__wrapped__(name="books", found=2, at=long_ago)  # type: ignore[attr-defined]
        inspections.note.__wrapped__(  # type: ignore[attr-defined]
            name="audit", found=0, at=long_ago - timedelta(hours=25)
        )

        page = boss.get(PAGE).content.decode()

        assert self.row(page, "Workers of celery") == "Workers of celery down last heard of 3 h ago"
        assert self.row(page, "Queue: outbox") == "Queue: outbox look first in it overdue for 3 h"
        assert self.row(page, "Dead deliveries") == "Dead deliveries look 1"
        assert self.row(page, "Messages given up") == "Messages given up look 1"
        assert self.row(page, "Books") == "Books down 2 differences, verified 3 h ago"
        assert self.row(page, "Audit log") == "Audit log look 0 breaks, verified 28 h ago"
        assert "&lt;b&gt;no&lt;/b&gt;" in page
        assert self.row(page, "Backup new") == "Backup new look 30 h ago"
        assert self.row(page, "Backup old") == "Backup old ok 40 d ago"

    def test_shows_the_backups_of_the_store(self, boss: Client, settings: Settings, tmp_path: Path) -> None:
        ended = timezone.now() - timedelta(hours=1)
        told: dict[str, Any] = dict.fromkeys((field.name for field in fields(Manifest)), "")
        made = Manifest(**told | {"system": "7", "name": "20261122T0300", "ended_at": ended.isoformat()})
        (tmp_path / made.path).parent.mkdir(parents=True)
        (tmp_path / made.path).write_text(json.dumps(made.as_dict()))
        settings.BACKUP_URL, settings.STATUS_BACKUPS = str(tmp_path), "config.backups.manifest.finished_backups"

        page = boss.get(PAGE).content.decode()

        assert self.row(page, "Backup 20261122T0300") == "Backup 20261122T0300 ok 60 min ago"

    def test_stands_when_the_store_of_backups_is_away(self, boss: Client, settings: Settings) -> None:
        settings.STATUS_BACKUPS = f"{__name__}.broken_store"

        page = boss.get(PAGE).content.decode()

        assert self.row(page, "Backups") == "Backups down not to be asked: ConnectionRefusedError"
        assert "secret-key" not in page

    def test_delivers_the_dead_again(self, boss: Client) -> None:
        dead = [make_delivery(dead_at=timezone.now(), attempts=12) for _ in range(2)]

        response = boss.post(PAGE, {"delivery": [str(row.pk) for row in dead]}, follow=True)

        assert "2 deliveries are owed again." in response.content.decode()
        assert Delivery.objects.filter(dead_at__isnull=True, attempts=0).count() == 2

    @pytest.mark.parametrize("sent", [[], ["nonsense"], ["00000000-0000-7000-8000-000000000000"]])
    def test_says_so_where_there_is_nothing_to_deliver(self, boss: Client, sent: list[str]) -> None:
        response = boss.post(PAGE, {"delivery": sent}, follow=True)

        assert response.status_code == 200
        assert "owed again" not in response.content.decode()

    def test_costs_the_same_whatever_is_dead(self, boss: Client) -> None:
        def cost() -> int:
            with CaptureQueriesContext(connection) as captured:
                boss.get(PAGE)
            return len(captured)

        make_delivery(dead_at=timezone.now(), attempts=12)
        boss.get(PAGE)
        before = cost()
        for _ in range(5):
            make_delivery(dead_at=timezone.now(), attempts=12)

        assert cost() == before <= 12

    def test_can_be_read_without_eyes_and_without_colours(self, boss: Client) -> None:
        make_delivery(dead_at=timezone.now(), attempts=12)

        page = boss.get(PAGE).content.decode()

        main = page[page.index('id="section-1"') :]
        for table in re.findall(r"<table.*?</table>", main, re.DOTALL):
            assert "<caption" in table or "aria-labelledby" in table
            assert not re.search(r"<th(?![^>]*\bscope=)", table.replace("<thead", ""))
            assert all(row.count('scope="row"') == 1 for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:])
        states = re.findall(r'nexus-state-(\w+)">(\w+)<', main)
        assert states
        assert all(colour == word for colour, word in states)


class TestWords:
    @pytest.mark.parametrize(
        ("seconds", "told"), [(0, "0 s"), (-5, "0 s"), (119, "119 s"), (130, "2 min"), (7300, "2 h"), (200_000, "2 d")]
    )
    def test_tell_times_in_the_unit_that_fits(self, seconds: float, told: str) -> None:
        assert status._seconds(seconds) == told

    def test_do_not_count_without_end(self) -> None:
        assert (status._many(12), status._many(10_000)) == ("12", "10,000 or more")


def test_the_sidebar_and_the_page_agree_on_permissions(settings: Settings) -> None:
    assert {section.permission for section in status.SECTIONS} == set(settings.SEES_STATUS)
