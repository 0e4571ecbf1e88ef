from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from core.api import outbox
from core.ids import new_id
from core.models import Delivery
from core.tests.factories import NOON, make_delivery
from core.tests.urls import HeaderSignIn

pytestmark = [pytest.mark.urls("core.tests.urls"), pytest.mark.django_db]
LIST = "/api/v1/outbox/deliveries"
STAFF = {"X-Test-User": "staff", "X-Test-Permissions": "core.view_delivery core.change_delivery"}
REFUSED = [
    ({}, 401),
    ({**STAFF, "X-Test-User": "ada"}, 403),
    ({"X-Test-User": "staff", "X-Test-Permissions": "core.add_delivery"}, 403),
]


@pytest.fixture(autouse=True)
def _sign_in_by_header(monkeypatch: pytest.MonkeyPatch) -> None:
    for view in (outbox.DeliveryCollection, outbox.DeliveryRetry):
        monkeypatch.setattr(view, "authentication_classes", [HeaderSignIn])


def retry(delivery_id: object, headers: dict[str, str] = STAFF) -> Any:
    answer: Any = Client().post(f"{LIST}/{delivery_id}/retry", headers=headers)
    return answer


class TestDeliveryCollection:
    @pytest.mark.parametrize(("headers", "status"), REFUSED)
    def test_is_for_staff_with_the_permission(self, client: Client, headers: dict[str, str], status: int) -> None:
        assert client.get(LIST, headers=headers).status_code == status

    def test_shows_what_was_given_up(self, client: Client) -> None:
        dead = make_delivery(dead_at=NOON, attempts=12, last_error="ValueError: no")
        make_delivery()
        make_delivery(done_at=NOON)

        body = client.get(f"{LIST}?state=dead", headers=STAFF).json()

        assert body["count"] == 1
        assert body["results"] == [
            {
                "id": str(dead.pk),
                "event": "tests.thing_happened",
                "handler": dead.handler,
                "state": "dead",
                "attempts": 12,
                "due_at": "2026-03-01T12:00:00Z",
                "done_at": None,
                "dead_at": "2026-03-01T12:00:00Z",
                "last_error": "ValueError: no",
                "occurred_at": "2026-03-01T12:00:00Z",
            }
        ]

    @pytest.mark.parametrize("count", [1, 20])
    def test_costs_one_statement_for_any_number_of_rows(
        self, client: Client, count: int, django_assert_num_queries: Any
    ) -> None:
        for _ in range(count):
            make_delivery()

        with django_assert_num_queries(1):
            client.get(LIST, headers=STAFF)

    @pytest.mark.parametrize("query", ["state=gone", "state=", "colour=red"])
    def test_refuses_an_unknown_filter(self, client: Client, query: str) -> None:
        assert client.get(f"{LIST}?{query}", headers=STAFF).status_code == 400


class TestDeliveryRetry:
    @pytest.mark.parametrize(("headers", "status"), REFUSED)
    def test_is_for_staff_with_the_permission(self, headers: dict[str, str], status: int) -> None:
        dead = make_delivery(dead_at=NOON)

        assert retry(dead.pk, headers).status_code == status
        assert Delivery.objects.get().state == "dead"

    def test_owes_it_again(self) -> None:
        dead = make_delivery(dead_at=NOON, attempts=12)

        assert retry(dead.pk).status_code == 204
        assert Delivery.objects.get().state == "owed"

    @pytest.mark.parametrize("delivery_id", [new_id(), "x", "%00", "../..", "1" * 500])
    def test_finds_nothing_else(self, delivery_id: object) -> None:
        assert retry(delivery_id).status_code == 404

    def test_refuses_what_is_not_dead(self) -> None:
        assert retry(make_delivery().pk).status_code == 404
