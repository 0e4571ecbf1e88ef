from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.tests.factories import client_of, make_user
from inventory.models import Movement, Stock
from inventory.tests.factories import make_stock

ADJUST = "/api/v1/inventory/adjustments"


def keeper() -> Any:
    return client_of(
        make_user(permissions=["inventory.view_stock", "inventory.change_stock", "inventory.view_movement"])
    )


@pytest.mark.django_db
class TestAdjusting:
    def test_moves_by_difference_and_to_a_count(self) -> None:
        one, two = make_stock(on_hand=5), make_stock(on_hand=5)
        items = [
            {"sku": one.variant.sku, "difference": 3},
            {"variant": str(two.variant_id), "quantity": 9, "expected": 5},
        ]

        answer = keeper().post(ADJUST, {"items": items, "reason": "stocktake"}, format="json")

        assert {row["on_hand"] for row in answer.json()["results"]} == {8, 9}
        assert Movement.objects.filter(reason="adjusted", reference="stocktake", actor__isnull=False).count() == 2

    def test_r13_a_stale_expectation_is_409_and_nothing_moves(self) -> None:
        one, two = make_stock(on_hand=5), make_stock(on_hand=5)
        items = [{"sku": one.variant.sku, "difference": 3}, {"sku": two.variant.sku, "quantity": 9, "expected": 4}]

        answer = keeper().post(ADJUST, {"items": items}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "inventory.stock_moved")
        assert set(Stock.objects.values_list("on_hand", flat=True)) == {5}

    def test_s02_is_for_staff_with_the_permission(self) -> None:
        body = {"items": [{"sku": make_stock(on_hand=5).variant.sku, "quantity": 0}]}

        assert client_of().post(ADJUST, body, format="json").status_code == 401
        for user in (make_user(), make_user(is_staff=True), make_user(permissions=["inventory.view_stock"])):
            assert client_of(user).post(ADJUST, body, format="json").status_code == 403
        assert Stock.objects.get().on_hand == 5

    @pytest.mark.parametrize(
        "line",
        [
            {"difference": 1},
            {"sku": "A"},
            {"sku": "A", "difference": 1, "quantity": 1},
            {"sku": "A", "quantity": -1},
            {"sku": "A", "difference": 0.5},
            {"sku": "A", "difference": True},
            {"sku": "A", "difference": 2**40},
            {"sku": "A", "difference": 1, "on_hand": 3},
        ],
    )
    def test_malformed_lines_are_400(self, line: dict[str, Any]) -> None:
        assert keeper().post(ADJUST, {"items": [line]}, format="json").status_code == 400

    def test_unknown_variants_are_404(self) -> None:
        for named in ({"sku": "NO"}, {"variant": str(uuid4())}):
            answer = keeper().post(ADJUST, {"items": [named | {"quantity": 1}]}, format="json")

            assert answer.status_code == 404


@pytest.mark.django_db
class TestReading:
    def test_lists_stock_and_what_runs_low(self, django_assert_num_queries: Any) -> None:
        for units in (1, 5, 9):
            make_stock(on_hand=units)

        client = keeper()
        assert client.get("/api/v1/inventory/stock").json()["count"] == 3
        assert [row["free"] for row in client.get("/api/v1/inventory/stock?below=3").json()["results"]] == [1]

    def test_lists_the_ledger(self) -> None:
        stock = make_stock(on_hand=5)
        make_stock(on_hand=3)

        body = keeper().get(f"/api/v1/inventory/movements?sku={stock.variant.sku}").json()

        assert [row["difference"] for row in body["results"]] == [5]

    def test_s02_is_not_for_customers(self) -> None:
        for path in ("stock", "movements"):
            assert client_of().get(f"/api/v1/inventory/{path}").status_code == 401
            assert client_of(make_user()).get(f"/api/v1/inventory/{path}").status_code == 403
