from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.tests.factories import client_of, make_group, make_user
from markets.tests.factories import make_market
from products.models import ListPrice, PriceList
from products.tests.factories import make_price_list, make_product

pytestmark = pytest.mark.django_db
LISTS = "/api/v1/price-lists"
MANAGER = [f"products.{name}_pricelist" for name in ("view", "add", "change", "delete")]


@pytest.fixture
def manager() -> APIClient:
    make_market()
    return client_of(make_user(permissions=MANAGER))


def given(**fields: Any) -> dict[str, Any]:
    return {"code": "sale", "name": "Sale", "currency": "GBP"} | fields


def every_call(sku: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        ("get", LISTS, {}),
        ("post", LISTS, given(code="new")),
        ("get", f"{LISTS}/sale", {}),
        ("patch", f"{LISTS}/sale", {"name": "x"}),
        ("get", f"{LISTS}/sale/prices", {}),
        ("put", f"{LISTS}/sale/prices", {"items": [{"sku": sku, "price": "1"}]}),
        ("delete", f"{LISTS}/sale", {}),
    ]


class TestWhoMay:
    def test_s02_nobody_must_sign_in_and_customers_and_other_staff_are_refused(self) -> None:
        variant = make_product().variants.get()
        make_price_list((variant, 900))
        askers = [
            (client_of(), 401),
            (client_of(make_user()), 403),
            (client_of(make_user(is_staff=True)), 403),
            (client_of(make_user(permissions=["products.view_product", "products.change_price"])), 403),
        ]

        for client, status in askers:
            for method, url, body in every_call(variant.sku):
                assert getattr(client, method)(url, body, format="json").status_code == status, (method, url)

        assert PriceList.objects.get().name == "Sale"
        assert ListPrice.objects.get().amount_minor == 900

    def test_staff_with_the_permission_may(self, manager: APIClient) -> None:
        variant = make_product().variants.get()
        make_price_list((variant, 900))

        for method, url, body in every_call(variant.sku):
            answer = getattr(manager, method)(url, body, format="json")
            assert answer.status_code in (200, 201, 204), (method, url, answer.content)


class TestPriceLists:
    def test_are_made_changed_and_removed(self, manager: APIClient) -> None:
        make_group()
        made = manager.post(
            LISTS, given(group="wholesale", market="uk", ends_at="2999-01-01T00:00:00+01:00"), format="json"
        )
        assert made.status_code == 201
        assert made.json() == {
            "code": "sale",
            "name": "Sale",
            "currency": "GBP",
            "group": "wholesale",
            "market": "uk",
            "priority": 0,
            "starts_at": None,
            "ends_at": "2998-12-31T23:00:00Z",
            "is_active": True,
            "is_shown": True,
            "price_count": 0,
        }

        changed = manager.patch(f"{LISTS}/sale", {"group": None, "priority": 5}, format="json")
        assert (changed.json()["group"], changed.json()["market"], changed.json()["priority"]) == (None, "uk", 5)
        assert manager.get(f"{LISTS}/sale").json() == changed.json()
        assert manager.get(LISTS).json()["results"] == [changed.json()]

        assert manager.delete(f"{LISTS}/sale").status_code == 204
        assert manager.get(f"{LISTS}/sale").status_code == 404

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            ({"code": None}, 400),
            ({"name": ""}, 400),
            ({"priority": 2**40}, 400),
            ({"priority": "1"}, 400),
            ({"starts_at": "yesterday"}, 400),
            ({"starts_at": "2026-01-01T00:00:00"}, 400),
            ({"starts_at": "0001-01-01T00:00:00+14:00"}, 400),
            ({"is_shown": True}, 400),
            ({"id": "x"}, 400),
            ({"group": "none"}, 422),
            ({"group": "a\u0000"}, 400),
            ({"market": "none"}, 422),
            ({"currency": "gbp"}, 422),
            ({"code": "a b"}, 422),
            ({"starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, 422),
        ],
    )
    def test_s21_refuses_wrong_values(self, manager: APIClient, wrong: dict[str, Any], status: int) -> None:
        answer = manager.post(LISTS, given(**wrong), format="json")

        assert answer.status_code == status, answer.content
        assert not PriceList.objects.exists()

    def test_a_taken_code_is_a_conflict(self, manager: APIClient) -> None:
        make_price_list(name="The first")

        answer = manager.post(LISTS, given(), format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "products.price_list_taken")
        assert PriceList.objects.get().name == "The first"

    @pytest.mark.parametrize("change", [{"code": "x"}, {"currency": "EUR"}, {"name": None}])
    def test_keep_code_and_currency(self, manager: APIClient, change: dict[str, Any]) -> None:
        make_price_list()

        assert manager.patch(f"{LISTS}/sale", change, format="json").status_code == 400

        assert (PriceList.objects.get().code, PriceList.objects.get().currency) == ("sale", "GBP")

    @pytest.mark.parametrize("code", ["none", "%00", "%C3%A9", "a%2Fb", "x" * 400])
    def test_is_404_for_what_is_not_there(self, manager: APIClient, code: str) -> None:
        for method, url in (("get", ""), ("patch", ""), ("delete", ""), ("get", "/prices")):
            body = {"name": "x"} if method == "patch" else {}
            assert getattr(manager, method)(f"{LISTS}/{code}{url}", body, format="json").status_code == 404


class TestPrices:
    def test_are_written_and_listed(self, manager: APIClient) -> None:
        first, second = make_product("A", sku="A").variants.get(), make_product("B", sku="B").variants.get()
        make_price_list()
        items = [
            {"sku": "A", "price": "9.00"},
            {"sku": "A", "min_quantity": 10, "price": {"amount": "8.50", "currency": "GBP"}},
            {"variant": str(second.pk), "price": 7},
        ]

        answer = manager.put(f"{LISTS}/sale/prices", {"items": items}, format="json")

        assert (answer.status_code, answer.json()) == (200, {"products_changed": 2})
        found = manager.get(f"{LISTS}/sale/prices", {"search": "a"}).json()
        assert found["count"] == 2
        assert found["results"][1] == {
            "variant": str(first.pk),
            "product": str(first.product_id),
            "sku": "A",
            "name": "A",
            "min_quantity": 10,
            "price": {"amount": "8.50", "currency": "GBP"},
        }

    @pytest.mark.parametrize(
        ("item", "status"),
        [
            ({"sku": "A"}, 400),
            ({"price": "1"}, 400),
            ({"sku": "A", "variant": "01993f5e-7c11-7b3a-9c55-3d1f6a0f7e21", "price": "1"}, 400),
            ({"sku": "A", "price": "-1"}, 400),
            ({"sku": "A", "price": 0.1}, 400),
            ({"sku": "A", "price": "1", "min_quantity": 0}, 400),
            ({"sku": "A", "price": "1", "min_quantity": 2**31}, 400),
            ({"sku": "A", "price": "1", "compare_at_price": "2"}, 400),
            ({"sku": "NONE", "price": "1"}, 422),
            ({"sku": "A", "price": "1.001"}, 422),
            ({"sku": "A", "price": {"amount": "1.00", "currency": "EUR"}}, 422),
        ],
    )
    def test_s21_are_written_all_or_none(self, manager: APIClient, item: dict[str, Any], status: int) -> None:
        make_product(sku="A")
        make_price_list()
        items = [{"sku": "A", "price": "9.00", "min_quantity": 5}, item]

        answer = manager.put(f"{LISTS}/sale/prices", {"items": items}, format="json")

        assert answer.status_code == status, answer.content
        assert not ListPrice.objects.exists()

    def test_the_same_key_writes_once(self, manager: APIClient) -> None:
        make_product(sku="A")
        make_price_list()
        body = {"items": [{"sku": "A", "price": "9.00"}]}

        answers = [
            manager.put(f"{LISTS}/sale/prices", body, format="json", headers={"Idempotency-Key": "k"}) for _ in range(2)
        ]

        assert answers[0].content == answers[1].content
        assert answers[1]["Idempotent-Replayed"] == "true"
