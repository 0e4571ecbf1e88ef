from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts.tests.factories import client_of, make_user
from markets.tests.factories import make_market
from products.models import Price, Product, Variant
from products.tests.factories import make_category, make_product

pytestmark = pytest.mark.django_db
WRONG_PRICES: list[Any] = [-1, "-1", "1e2", "NaN", 0.1, True, None, [], {}, 2**63, "1" * 400, "0x1"]
WRONG_COUNTS: list[Any] = [-1, 2**31, 2**63, 1.5, "1", True, None]
PRODUCTS = "/api/v1/products"
STAFF = "/api/v1/staff/products"
MANAGER = [
    f"products.{name}" for name in ("add_product", "change_product", "delete_product", "view_product", "change_price")
]


@pytest.fixture
def manager() -> APIClient:
    make_market()
    return client_of(make_user(permissions=MANAGER))


def simple(**fields: Any) -> dict[str, Any]:
    return {"name": "Oak lamp", "category": make_category().slug, "price": "12.50", "stock": 3} | fields


def all_writes(product: Product) -> list[tuple[str, str, dict[str, Any]]]:
    one, variant = f"{PRODUCTS}/{product.pk}", product.variants.get()
    return [
        ("post", PRODUCTS, simple()),
        ("patch", one, {"name": "x"}),
        ("delete", one, {}),
        ("post", f"{one}/restore", {}),
        ("post", f"{PRODUCTS}/prices", {"items": [{"sku": variant.sku, "price": "1"}]}),
        ("post", f"{one}/variants", {"price": "1"}),
        ("patch", f"{one}/variants/{variant.pk}", {"price": "1"}),
        ("delete", f"{one}/variants/{variant.pk}", {}),
        ("get", STAFF, {}),
        ("get", f"{STAFF}/{product.pk}", {}),
    ]


class TestWhoMay:
    def test_s02_nobody_must_sign_in_and_strangers_and_other_staff_are_refused(self) -> None:
        product = make_product()
        askers = [
            (client_of(), 401),
            (client_of(make_user()), 403),
            (client_of(make_user(is_staff=True)), 403),
            (client_of(make_user(permissions=["products.view_category"])), 403),
        ]

        for client, status in askers:
            for method, address, body in all_writes(product):
                answer = getattr(client, method)(address, body, format="json")
                assert answer.status_code == status, (method, address)

        assert Product.objects.get().name == product.name
        assert Price.objects.get().amount_minor == 1000

    def test_everyone_reads_in_public(self) -> None:
        make_product()

        for client in (client_of(), client_of(make_user())):
            assert client.get(PRODUCTS).json()["count"] == 1


class TestCreate:
    def test_answers_the_product_with_its_version(self, manager: APIClient) -> None:
        answer = manager.post(PRODUCTS, simple(tags=["a"]), format="json")

        body = answer.json()
        assert answer.status_code == 201
        assert (body["slug"], body["price"], body["is_active"]) == (
            "oak-lamp", {"amount": "12.50", "currency": "GBP"}, True,
        )  # fmt: skip
        assert body["variants"][0]["prices"][0]["price"]["amount"] == "12.50"
        assert answer["ETag"]

    def test_takes_the_tax_class_and_whether_it_is_sent(self, manager: APIClient) -> None:
        body = simple(tax_class="reduced", needs_shipping=False)
        made = manager.post(PRODUCTS, body, format="json").json()
        assert (made["tax_class"], made["variants"][0]["needs_shipping"]) == ("reduced", False)

        url = f"{PRODUCTS}/{made['id']}"
        manager.patch(url, {"tax_class": "zero", "needs_shipping": True}, format="json")
        refused = manager.patch(url, {"tax_class": "a b"}, format="json")

        shown = manager.get(url).json()
        assert (shown["tax_class"], shown["variants"][0]["needs_shipping"]) == ("zero", True)
        assert refused.status_code == 422

    def test_takes_a_gift_card_which_is_never_sent(self, manager: APIClient) -> None:
        made = manager.post(PRODUCTS, simple(is_gift_card=True, needs_shipping=True), format="json").json()
        url = f"{PRODUCTS}/{made['id']}"

        manager.patch(url, {"needs_shipping": True}, format="json")

        [shown] = manager.get(url).json()["variants"]
        assert (shown["is_gift_card"], shown["needs_shipping"]) == (True, False)

    def test_makes_a_gift_card_of_what_was_sent(self, manager: APIClient) -> None:
        made = manager.post(PRODUCTS, simple(), format="json").json()
        url = f"{PRODUCTS}/{made['id']}"

        manager.patch(url, {"is_gift_card": True}, format="json")

        [shown] = manager.get(url).json()["variants"]
        assert (shown["is_gift_card"], shown["needs_shipping"]) == (True, False)

    def test_takes_variants_and_prices_in_other_currencies(self, manager: APIClient) -> None:
        body = simple(
            options=[{"name": "Wood", "values": ["Oak", "Ash"]}],
            variants=[
                {"sku": "OAK", "options": {"Wood": "Oak"}, "price": "5"},
                {"sku": "ASH", "options": {"Wood": "Ash"}, "price": {"amount": "500", "currency": "JPY"}},
            ],
        )
        del body["price"], body["stock"]

        answer = manager.post(PRODUCTS, body, format="json")

        assert answer.status_code == 201, answer.content
        assert set(Price.objects.values_list("currency", "amount_minor")) == {("GBP", 500), ("JPY", 500)}

    @pytest.mark.parametrize(
        "wrong",
        [
            *({"price": value} for value in WRONG_PRICES),
            *({"stock": value} for value in WRONG_COUNTS),
            {"name": ""}, {"name": "a\0b"}, {"name": "x" * 1_000}, {"name": 5}, {"name": "\u202eabc"},
            {"sku": "a\nb"}, {"slug": "a b"}, {"slug": ""}, {"tags": "a"}, {"tags": [1]}, {"tags": ["x" * 101]},
            {"attributes": {"a\0": "b"}}, {"attributes": {"a": "\0"}}, {"attributes": []}, {"options": [{"name": "a"}]},
            {"variants": []}, {"variants": [{"price": "1"}]}, {"category": "none"}, {"category": None},
            {"price": {"amount": "1", "currency": "XXQ"}}, {"price": "1.001"}, {"compare_at_price": "1"},
            {"is_active": "yes"}, {"weight_grams": -1},
        ],
    )  # fmt: skip
    def test_s21_s24_refuses_wrong_values(self, manager: APIClient, wrong: dict[str, Any]) -> None:
        answer = manager.post(PRODUCTS, simple(**wrong), format="json")

        assert answer.status_code in (400, 422), answer.content
        assert not Product.all_objects.exists()

    @pytest.mark.parametrize(
        "extra", ["id", "is_staff", "rating", "in_stock", "deleted_at", "created_at", "vendor", "total", "is_available"]
    )
    def test_s03_s22_refuses_fields_that_are_not_the_askers(self, manager: APIClient, extra: str) -> None:
        answer = manager.post(PRODUCTS, simple(**{extra: "1"}), format="json")

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == extra
        assert not Product.all_objects.exists()

    def test_a_taken_sku_or_slug_is_a_conflict(self, manager: APIClient) -> None:
        make_product(sku="ONE", slug="one")

        sku = manager.post(PRODUCTS, simple(sku="ONE"), format="json")
        slug = manager.post(PRODUCTS, simple(slug="one"), format="json")

        assert (sku.status_code, sku.json()["code"]) == (409, "products.sku_taken")
        assert (slug.status_code, slug.json()["code"]) == (409, "products.slug_taken")
        assert Product.objects.count() == 1

    def test_the_same_key_makes_one_product(self, manager: APIClient) -> None:
        body = simple()

        answers = [manager.post(PRODUCTS, body, format="json", headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert answers[0].content == answers[1].content
        assert Product.objects.count() == 1


class TestChange:
    def test_by_id_and_by_slug_with_if_match(self, manager: APIClient) -> None:
        product = make_product()
        etag = manager.get(f"{PRODUCTS}/{product.pk}")["ETag"]

        done = manager.patch(
            f"{PRODUCTS}/{product.slug}", {"name": "New", "price": "2"}, format="json", headers={"If-Match": etag}
        )
        stale = manager.patch(f"{PRODUCTS}/{product.pk}", {"name": "Newer"}, format="json", headers={"If-Match": etag})

        assert (done.status_code, done.json()["name"], stale.status_code) == (200, "New", 412)
        assert manager.get(f"{PRODUCTS}/{product.pk}").json()["price"]["amount"] == "2.00"

    def test_deletes_and_restores(self, manager: APIClient) -> None:
        product = make_product()

        assert manager.delete(f"{PRODUCTS}/{product.pk}").status_code == 204
        assert manager.delete(f"{PRODUCTS}/{product.pk}").status_code == 404
        assert manager.get(f"{STAFF}/{product.pk}").json()["deleted_at"] is not None
        restored = manager.post(f"{PRODUCTS}/{product.pk}/restore", {}, format="json")
        again = manager.post(f"{PRODUCTS}/{product.pk}/restore", {}, format="json")

        assert (restored.status_code, again.status_code) == (200, 409)
        assert manager.get(f"{PRODUCTS}/{product.slug}").status_code == 200

    def test_variants(self, manager: APIClient) -> None:
        product = make_product(options=[{"name": "Wood", "values": ["Oak", "Ash"]}])
        Variant.objects.update(options={"Wood": "Oak"})
        address = f"{PRODUCTS}/{product.pk}/variants"

        added = manager.post(address, {"options": {"Wood": "Ash"}, "price": "3", "sku": "ASH"}, format="json")
        variant = Variant.objects.get(sku="ASH")
        changed = manager.patch(f"{address}/{variant.pk}", {"price": "4", "stock": 1}, format="json")
        removed = manager.delete(f"{address}/{variant.pk}")

        assert (added.status_code, changed.status_code, removed.status_code) == (201, 200, 204)
        assert changed.json()["price"]["amount"] == "4.00"
        assert manager.patch(f"{address}/{uuid4()}", {}, format="json").status_code == 404

    def test_prices_are_written_all_or_none(self, manager: APIClient) -> None:
        make_product(sku="ONE")

        bad = manager.post(
            f"{PRODUCTS}/prices",
            {"items": [{"sku": "ONE", "price": "1"}, {"sku": "NONE", "price": "1"}]},
            format="json",
        )
        good = manager.post(
            f"{PRODUCTS}/prices",
            {"items": [{"sku": "ONE", "price": "900", "currency": "JPY"}, {"sku": "ONE", "price": "2.00"}]},
            format="json",
        )

        assert (bad.status_code, [line["line"] for line in bad.json()["lines"]]) == (422, [1])
        assert (good.status_code, good.json()) == (200, {"products_changed": 1})
        assert set(Price.objects.values_list("amount_minor", flat=True)) == {900, 200}


class TestStaffReads:
    def test_list_every_state_with_the_same_statements_for_more_rows(
        self, manager: APIClient, django_assert_max_num_queries: Any
    ) -> None:
        category = make_category(slug="lamps")
        for number in range(22):
            make_product(f"Lamp {number}", category=category, is_active=number % 2 == 0)
        manager.delete(f"{PRODUCTS}/{Product.objects.first().pk}")

        with django_assert_max_num_queries(11):
            page = manager.get(STAFF).json()

        assert (page["count"], len(page["results"])) == (22, 20)
        for query, count in ({"state": "deleted"}, 1), ({"category": "lamps", "state": "inactive"}, None):
            assert manager.get(STAFF, query).json()["count"] in (count, 10, 11)
        assert manager.get(STAFF, {"search": "Lamp 7"}).json()["count"] == 1
        assert manager.get(STAFF, {"state": "x"}).status_code == 400

    @pytest.mark.parametrize("key", ["none", "a%00b", "01939d5c-0000-7000-8000-000000000000"])
    def test_is_404_for_what_is_not_there(self, manager: APIClient, key: str) -> None:
        assert manager.get(f"{STAFF}/{key}").status_code == 404
        assert manager.patch(f"{PRODUCTS}/{key}", {}, format="json").status_code == 404
        assert manager.delete(f"{PRODUCTS}/{key}").status_code == 404
