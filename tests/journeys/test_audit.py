"""What staff change, by the API and in the back office, stands in the audit log; and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.tests.factories import client_of, make_user
from core import auditing
from core.models import AuditEntry
from tests.journeys.back_office import browser_of
from tests.journeys.world import World, undone, writes

# By staff, these change nothing of the shop's.
CHANGE_NOTHING = {
    "cart_quote", "draft_orders_quote", "quote_cart", "promotions_rehearse", "orders_payment_link",
    "begin_second_factor", "confirm_second_factor", "remove_second_factor",
}  # fmt: skip


@pytest.fixture
def world(db: None, settings: Settings, tmp_path: Path) -> World:
    settings.THROTTLES = False
    settings.MEDIA_ROOT = tmp_path
    return World()


class TestAudit:
    def test_s52_notes_every_write_that_only_staff_may_do(self, world: World) -> None:
        unnoted = []
        for operation in writes():
            if operation.permissions is None:
                continue
            with undone():
                before = AuditEntry.objects.count()
                answer = world.ask(operation)
                assert 200 <= answer.status_code < 300, operation.name
                noted = AuditEntry.objects.order_by("-position").first()
                if AuditEntry.objects.count() == before or noted.actor_id != world.manager.pk:
                    unnoted.append(operation.name)

        assert set(unnoted) <= CHANGE_NOTHING

    def test_s52_notes_nothing_of_customers_and_nothing_that_was_refused(self, world: World) -> None:
        for operation in writes():
            for who in ("clerk", "stranger", "owner", "nobody"):
                if who != "clerk" and operation.permissions is None:
                    with undone():
                        world.ask(operation, who=who)
                        assert not AuditEntry.objects.exists(), (operation.name, who)
                elif operation.permissions is not None:
                    world.ask(operation, who=who)
        assert not AuditEntry.objects.exists()

    def test_s41_holds_nothing_that_anyone_wrote(self, world: World) -> None:
        for operation in writes():
            if operation.permissions is not None:
                with undone():
                    body = world.body_of(operation)
                    world.ask(operation, body=body)
                    words = [text for text in (body or {}).values() if isinstance(text, str) and " " in text]
                    details = " ".join(AuditEntry.objects.values_list("details", flat=True))
                    assert not [text for text in words if text in details], operation.name

    @pytest.mark.django_db
    def test_s52_is_shown_to_those_who_may_see_it(self) -> None:
        boss, clerk = make_user(is_superuser=True), make_user(is_staff=True)
        browser_of(boss).post("/admin/accounts/customergroup/add/", {"code": "trade", "name": "Trade prices"})
        client_of(boss).post("/api/v1/customer-groups", {"code": "gold", "name": "Gold"}, format="json")

        shown = client_of(boss).get("/api/v1/audit").json()["results"]

        assert [(row["via"], row["action"].rpartition(".")[2]) for row in shown] == [
            ("api", "create_customer_group"),
            ("admin", "create_customer_group"),
        ]
        assert {row["actor"] for row in shown} == {str(boss.pk)}
        assert "Trade prices" not in str(shown)
        assert client_of(boss).get(f"/api/v1/audit?actor={clerk.pk}").json()["count"] == 0
        assert client_of(clerk).get("/api/v1/audit").status_code == 403
        assert browser_of(boss).get("/admin/core/auditentry/").status_code == 200
        assert browser_of(clerk).get("/admin/core/auditentry/").status_code == 403
        assert list(auditing.find_breaks()) == []
