from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import client_of, make_user
from carts.domain import Terms
from carts.models import Cart, CartItem
from carts.tests.factories import make_cart, make_guest_cart
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from pricing.tests.rules import make_method, make_rate
from products.tests.factories import make_price, make_variant
from promotions.tests.factories import make_coupon, make_promotion

CART = "/api/v1/cart"
ITEMS = "/api/v1/cart/items"


def as_guest(token: str | None = None) -> Any:
    client = client_of()
    if token:
        client.credentials(HTTP_X_CART_TOKEN=token)
    return client


@pytest.mark.django_db
class TestCart:
    def test_is_empty_for_who_has_none(self) -> None:
        make_market()

        for client in (as_guest(), as_guest("unknown"), client_of(make_user())):
            body = client.get(CART).json()

            assert (body["id"], body["token"], body["items"]) == (None, None, [])
            assert body["total"] == {"amount": "0.00", "currency": "GBP"}
        assert not Cart.objects.exists()

    def test_a_guest_comes_back_with_the_token(self) -> None:
        stock = make_stock(price_minor=1250, on_hand=3)
        first = as_guest().post(ITEMS, {"variant": str(stock.variant_id), "quantity": 2}, format="json")

        body = as_guest(first.json()["token"]).get(CART).json()

        assert first.status_code == 201
        assert body["id"] == first.json()["id"]
        assert body["items"][0]["line_total"] == {"amount": "25.00", "currency": "GBP"}
        assert body["items"][0]["in_stock"] is True

    def test_s01_nobody_elses_cart_is_shown(self) -> None:
        make_cart((make_stock(), 1))
        make_guest_cart((make_stock(), 1))

        for client in (as_guest(), as_guest("guess"), client_of(make_user())):
            assert client.get(CART).json()["items"] == []

    def test_clearing_takes_everything_out(self) -> None:
        cart = make_cart((make_stock(), 1))

        assert client_of(cart.owner).delete(CART).status_code == 204

        assert not CartItem.objects.exists()

    def test_shows_prices_in_the_currency_of_the_market(self) -> None:
        make_market("jp", currency="JPY", is_default=False)
        stock = make_stock()
        make_price(stock.variant, 1500, currency="JPY")

        body = as_guest().post(f"{ITEMS}?market=jp", {"sku": stock.variant.sku, "quantity": 2}, format="json").json()

        assert body["total"] == {"amount": "3000", "currency": "JPY"}

    def test_an_unknown_market_is_malformed(self) -> None:
        assert as_guest().get(f"{CART}?market=nowhere").status_code == 400
        assert as_guest().get(f"{CART}?market=%00").status_code == 400


@pytest.mark.django_db
class TestItems:
    @pytest.mark.parametrize(
        "quantity", [-1, 0, 2**31, 2**63, 1e309, "1e2", "2", 0.1, 1.0, True, None, [], {}, "NaN", 10**30]
    )
    def test_s21_refuses_what_is_no_quantity(self, quantity: Any) -> None:
        sku = make_stock(on_hand=5).variant.sku
        raw = {1e309: "1e309", 10**30: "1" + "0" * 30}.get(quantity) if isinstance(quantity, (int, float)) else None
        body = f'{{"sku": "{sku}", "quantity": {raw}}}' if raw else None

        if body:
            answer = as_guest().post(ITEMS, body, content_type="application/json")
        else:
            answer = as_guest().post(ITEMS, {"sku": sku, "quantity": quantity}, format="json")

        assert answer.status_code in (400, 422)
        assert answer["Content-Type"] == "application/problem+json"
        assert not Cart.objects.exists()

    def test_s22_prices_from_the_client_are_refused(self) -> None:
        sku = make_stock(on_hand=5).variant.sku

        for extra in ({"price": "0.01"}, {"unit_price": {"amount": "0.01", "currency": "GBP"}}, {"total": 1}):
            answer = as_guest().post(ITEMS, {"sku": sku, "quantity": 1} | extra, format="json")

            assert answer.status_code == 400
            assert answer.json()["errors"][0]["code"] == "unknown"

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"quantity": 1},
            {"variant": "no-uuid", "quantity": 1},
            {"sku": "A\x00B", "quantity": 1},
            {"sku": "A" * 1000, "quantity": 1},
            {"sku": {"a": 1}, "quantity": 1},
            {"sku": "X", "variant": str(uuid4()), "quantity": 1},
        ],
    )
    def test_malformed_bodies_are_400(self, body: dict[str, Any]) -> None:
        make_market()

        assert as_guest().post(ITEMS, body, format="json").status_code == 400

    def test_what_is_not_sold_is_422(self) -> None:
        unpriced = make_variant(price_minor=None)

        for named in ({"variant": str(uuid4())}, {"sku": "NO"}, {"variant": str(unpriced.pk)}):
            answer = as_guest().post(ITEMS, named | {"quantity": 1}, format="json")

            assert (answer.status_code, answer.json()["code"]) == (422, "carts.not_for_sale")

    def test_more_than_there_is_names_what_is_missing(self) -> None:
        stock = make_stock(on_hand=2)

        answer = as_guest().post(ITEMS, {"sku": stock.variant.sku, "quantity": 5}, format="json")

        assert answer.status_code == 409
        assert answer.json()["short"] == {str(stock.variant_id): 3}

    def test_a_new_cart_with_one_item_costs_five_statements(self) -> None:
        sku = make_stock(on_hand=5).variant.sku
        as_guest().post(ITEMS, {"sku": sku, "quantity": 1}, format="json")  # reads the rules

        with CaptureQueriesContext(connection) as queries:
            as_guest().post(ITEMS, {"sku": sku, "quantity": 1}, format="json")

        assert len([q for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]) == 5

    def test_a_cart_that_exists_needs_no_market_but_its_own(self) -> None:
        sku = make_stock(on_hand=9).variant.sku
        guest = as_guest(make_guest_cart((make_stock(), 1)))
        guest.get(CART)  # reads the rules

        with CaptureQueriesContext(connection) as queries:
            answers = [
                guest.get(CART),
                guest.patch(CART, {"shipping_address": {"country": "GB"}}, format="json"),
                guest.post(ITEMS, {"sku": sku, "quantity": 1}, format="json"),
            ]

        assert [answer.status_code for answer in answers] == [200, 200, 201]
        assert not [query["sql"] for query in queries if 'FROM "markets_market"' in query["sql"]]

    @pytest.mark.parametrize("has_cart", [True, False])
    def test_a_market_that_is_named_must_be_there(self, has_cart: bool) -> None:
        stock = make_stock(on_hand=9)
        guest = as_guest(make_guest_cart((stock, 1)) if has_cart else None)
        guest.credentials(**guest._credentials, HTTP_X_MARKET="none")

        for answer in (
            guest.get(CART),
            guest.patch(CART, {"shipping_address": {"country": "GB"}}, format="json"),
            guest.post(ITEMS, {"sku": stock.variant.sku, "quantity": 1}, format="json"),
        ):
            assert answer.status_code == 400
            assert [error["field"] for error in answer.json()["errors"]] == ["market"]

    def test_a_token_of_no_cart_opens_one_in_the_default_market(self) -> None:
        stock = make_stock(on_hand=9)

        answer = as_guest("unknown").post(ITEMS, {"sku": stock.variant.sku, "quantity": 1}, format="json")

        assert answer.status_code == 201
        assert Cart.objects.get().market.is_default

    def test_s01_items_of_others_are_not_found_for_any_verb(self) -> None:
        make_cart((make_stock(on_hand=5), 1))
        item = CartItem.objects.get()

        for client in (as_guest(), as_guest(make_guest_cart((make_stock(), 1))), client_of(make_user())):
            assert client.patch(f"{ITEMS}/{item.pk}", {"quantity": 2}, format="json").status_code == 404
            assert client.delete(f"{ITEMS}/{item.pk}").status_code == 404

        item.refresh_from_db()
        assert item.quantity == 1

    def test_the_owner_changes_and_removes(self) -> None:
        cart = make_cart((make_stock(on_hand=5), 1))
        item, client = CartItem.objects.get(), client_of(cart.owner)

        changed = client.patch(f"{ITEMS}/{item.pk}/", {"quantity": 4}, format="json")

        assert changed.json()["items"][0]["quantity"] == 4
        assert client.delete(f"{ITEMS}/{item.pk}").status_code == 204
        assert not CartItem.objects.exists()

    def test_a_repeated_key_adds_once(self) -> None:
        stock, user = make_stock(on_hand=5), make_user()

        answers = [
            client_of(user).post(
                ITEMS, {"sku": stock.variant.sku, "quantity": 1}, format="json", HTTP_IDEMPOTENCY_KEY="k1"
            )
            for _ in range(2)
        ]

        assert answers[0].content == answers[1].content
        assert answers[1]["Idempotent-Replayed"] == "true"
        assert CartItem.objects.get().quantity == 1


@pytest.mark.django_db
class TestQuote:
    def test_prices_and_stores_nothing(self) -> None:
        one, two = make_stock(on_hand=5, price_minor=1000), make_stock(on_hand=1, price_minor=250)
        wanted = [{"sku": one.variant.sku, "quantity": 2}, {"sku": two.variant.sku, "quantity": 3}]

        body = as_guest().post("/api/v1/cart/quote", {"items": wanted}, format="json").json()

        assert body["total"] == {"amount": "27.50", "currency": "GBP"}
        assert [w["code"] for w in body["warnings"]] == ["low_stock"]
        assert not Cart.objects.exists()

    def test_refuses_unknown_skus(self) -> None:
        make_market()

        answer = as_guest().post("/api/v1/cart/quote", {"items": [{"sku": "NO", "quantity": 1}]}, format="json")

        assert (answer.status_code, answer.json()["skus"]) == (422, ["NO"])


@pytest.mark.django_db
class TestMerge:
    def test_is_for_customers(self) -> None:
        assert as_guest().post("/api/v1/cart/merge", {"token": "x"}, format="json").status_code == 401

    def test_brings_the_guests_cart(self) -> None:
        stock = make_stock(on_hand=5)
        token, client = make_guest_cart((stock, 2)), client_of(make_user())

        body = client.post("/api/v1/cart/merge", {"token": token}, format="json").json()

        assert [item["quantity"] for item in body["items"]] == [2]
        assert as_guest(token).get(CART).json()["items"] == []

    def test_brings_items(self) -> None:
        stock = make_stock(on_hand=5)
        client = client_of(make_user())

        body = client.post(
            "/api/v1/cart/merge", {"items": [{"sku": stock.variant.sku, "quantity": 9}]}, format="json"
        ).json()

        assert [item["quantity"] for item in body["items"]] == [5]

    def test_asks_for_one_of_both(self) -> None:
        client = client_of(make_user())

        for body in ({}, {"token": "x", "items": []}):
            assert client.post("/api/v1/cart/merge", body, format="json").status_code == 400

    def test_signing_in_with_the_header_merges(self) -> None:
        stock, user = make_stock(on_hand=5), make_user()
        token = make_guest_cart((stock, 2))

        signed_in = client_of().post(
            "/api/v1/auth/login",
            {"email": user.email, "password": "correct horse battery"},
            format="json",
            HTTP_X_CART_TOKEN=token,
        )

        assert signed_in.status_code == 200
        assert CartItem.objects.get().cart.owner == user


@pytest.mark.django_db
class TestTerms:
    def test_a_guest_enters_a_coupon_and_sees_what_it_takes_off(self) -> None:
        make_coupon("SPRING", promotion=make_promotion("Spring", needs_code=True, percent_bp=1000))
        token = make_guest_cart((make_stock(price_minor=1000), 1))

        answer = as_guest(token).patch(CART, {"coupon": "SPRING"}, format="json")

        assert answer.status_code == 200
        shown = answer.json()
        assert (shown["coupon"], shown["discount"]["amount"], shown["total"]["amount"]) == ("SPRING", "1.00", "9.00")
        assert shown["discounts"] == [
            {"name": "Spring", "coupon": "SPRING", "amount": {"amount": "1.00", "currency": "GBP"}}
        ]

    def test_an_unknown_coupon_is_422_with_its_reason(self) -> None:
        answer = as_guest(make_guest_cart((make_stock(), 1))).patch(CART, {"coupon": "NOPE"}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (422, "carts.coupon_refused")
        assert answer.json()["reason"] == "unknown_code"

    def test_shows_the_tax_inside_and_the_way_it_is_sent(self) -> None:
        make_method("GB", amount_minor=395)
        make_rate("GB")
        token = make_guest_cart((make_stock(price_minor=1200), 1))
        body = {"shipping_address": {"country": "GB", "postal_code": "SW1Y 4JH"}, "shipping_method": "post"}

        shown = as_guest(token).patch(CART, body, format="json").json()

        assert shown["shipping_method"]["cost"] == {"amount": "3.95", "currency": "GBP"}
        assert shown["shipping_address"] == {"country": "GB", "region": "", "postal_code": "SW1Y 4JH"}
        assert (shown["tax"]["amount"], shown["tax_included"]["amount"]) == ("0.00", "2.66")
        assert [(tax["name"], tax["is_included"]) for tax in shown["taxes"]] == [("VAT 20 %", True)]

    def test_lists_the_ways_it_can_be_sent_cheapest_first(self) -> None:
        make_method("GB", code="courier", amount_minor=900)
        make_method("GB", amount_minor=395)
        token = make_guest_cart((make_stock(), 1))

        shown = as_guest(token).get(f"{CART}/shipping-methods").json()

        assert [(way["code"], way["cost"]["amount"]) for way in shown["results"]] == [
            ("post", "3.95"),
            ("courier", "9.00"),
        ]

    @pytest.mark.parametrize(
        "body",
        [
            {"coupon": 5},
            {"coupon": "A" * 65},
            {"coupon": "A\x00B"},
            {"shipping_address": {"country": "XX"}},
            {"shipping_address": "GB"},
            {"shipping_address": {"postal_code": "1"}},
            {"vat_id": "X" * 21},
            {"discount": "5.00"},
        ],
    )
    def test_malformed_terms_are_400_and_nothing_is_kept(self, body: dict[str, Any]) -> None:
        token = make_guest_cart((make_stock(), 1))

        assert as_guest(token).patch(CART, body, format="json").status_code == 400
        assert Cart.objects.get().terms == Terms()

    def test_s01_anothers_token_changes_no_cart_of_a_customer(self) -> None:
        cart = make_cart((make_stock(), 1))

        as_guest("stolen").patch(CART, {"vat_id": "GB1"}, format="json")

        cart.refresh_from_db()
        assert cart.vat_id == ""

    def test_a_cart_that_the_client_keeps_is_priced_on_its_terms(self) -> None:
        make_coupon("SPRING", promotion=make_promotion(needs_code=True, percent_bp=1000))
        make_method("FR", amount_minor=1500)
        sku = make_stock(price_minor=1000).variant.sku
        body = {
            "items": [{"sku": sku, "quantity": 2}],
            "coupon": "SPRING",
            "shipping_address": {"country": "FR"},
        }

        shown = as_guest().post(f"{CART}/quote", body, format="json").json()

        assert (shown["discount"]["amount"], shown["shipping"]["amount"], shown["total"]["amount"]) == (
            "2.00",
            "15.00",
            "33.00",
        )
        assert not Cart.objects.exists()
