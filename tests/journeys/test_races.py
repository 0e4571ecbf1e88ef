"""Many buyers at once, through the API."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.tests.factories import PASSWORD, client_of, make_user
from carts.domain import digest_of
from carts.models import CartItem
from carts.tests.factories import make_cart, make_guest_cart
from core.tests.threads import at_once
from inventory.models import Stock
from inventory.tests.factories import make_stock
from orders.models import Order
from orders.tests.factories import ADDRESS
from promotions.models import PromotionUse
from promotions.tests.factories import make_coupon, make_promotion


def order(token: str, key: str | None = None, **wish: str) -> Any:
    """Order as somebody of one's own: orders of one buyer wait for each other before they come to the stock."""
    headers = {"X-Cart-Token": token} | ({"Idempotency-Key": key} if key else {})
    body = {"email": f"{digest_of(token)[:20]}@example.com", "shipping_address": ADDRESS.as_dict()} | wish
    with closing(connection):
        return Client().post("/api/v1/orders", body, content_type="application/json", headers=headers)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_r01_three_hundred_buyers_share_thirty_units(turn: int) -> None:
    _share(buyers=300, units=30)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(1, 21))
def test_r01_a_thousand_buyers_share_a_hundred_units(turn: int) -> None:
    _share(buyers=1000, units=100)


def _share(*, buyers: int, units: int) -> None:
    """Have them all order the same thing, and see that it is sold once."""
    stock = make_stock(on_hand=units)
    tokens = [make_guest_cart((stock, 1)) for _ in range(buyers)]

    with ThreadPoolExecutor(max_workers=32) as crowd:
        answers = list(crowd.map(order, tokens))

    assert Counter(answer.status_code for answer in answers) == {201: units, 409: buyers - units}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"inventory.out_of_stock"}
    assert Order.objects.count() == units
    assert Stock.objects.get().reserved == units
    call_command("verify_books")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limited", ["coupon", "promotion", "customer"])
def test_r04_a14_the_last_use_of_a_coupon_reduces_one_of_a_hundred_orders(limited: str) -> None:
    flyer = make_promotion(needs_code=True, usage_limit=1 if limited == "promotion" else None)
    limits = {"coupon": {"usage_limit": 1}, "customer": {"per_customer_limit": 1}}.get(limited, {})
    make_coupon("LAST", promotion=flyer, **limits)
    stock = make_stock(on_hand=500, price_minor=1000)
    tokens = [make_guest_cart((stock, 1)) for _ in range(100)]
    wish = {"coupon": "LAST"} | ({"email": "ada@example.com"} if limited == "customer" else {})

    answers = at_once(lambda token: order(token, **wish), tokens)

    assert Counter(answer.status_code for answer in answers)[201] == 1, [answer.content for answer in answers]
    refused = {answer.json()["code"] for answer in answers if answer.status_code != 201}
    assert refused <= {"promotions.used_up", "orders.coupon_refused"}
    assert Order.objects.get().discount_minor == 100
    assert PromotionUse.objects.filter(returned_at=None).count() == 1
    assert Stock.objects.get().reserved == 1
    call_command("verify_books")


@pytest.mark.django_db(transaction=True)
def test_r11_a_guests_cart_comes_along_once_while_two_tabs_sign_in_merge_and_add(settings: Settings) -> None:
    settings.THROTTLES = False
    stock, user = make_stock(on_hand=99), make_user()
    make_cart((stock, 1), owner=user)
    token = make_guest_cart((stock, 5))

    def act(what: str) -> int:
        body = {"email": user.email, "password": PASSWORD}
        if what == "sign in":
            answer = Client().post(
                "/api/v1/auth/login", body, content_type="application/json", headers={"X-Cart-Token": token}
            )
        elif what == "merge":
            answer = client_of(user).post("/api/v1/cart/merge", {"token": token}, format="json")
        else:
            wish = {"variant": str(stock.variant_id), "quantity": 1}
            answer = client_of(user).post("/api/v1/cart/items", wish, format="json")
        return answer.status_code

    statuses = at_once(act, ["sign in", "merge", "add"] * 4)

    assert set(statuses) <= {200, 201}
    assert CartItem.objects.get(cart__owner=user, cart__state="open").quantity == 1 + 5 + 4
    assert not CartItem.objects.exclude(cart__owner=user).exists()


@pytest.mark.django_db(transaction=True)
def test_r17_twenty_requests_with_one_key_are_one_order() -> None:
    token = make_guest_cart((make_stock(on_hand=30), 1))

    with ThreadPoolExecutor(max_workers=20) as tries:
        answers = list(tries.map(lambda _: order(token, "one"), range(20)))

    placed = [answer for answer in answers if answer.status_code == 201]
    running = [answer for answer in answers if answer.status_code == 409]
    assert len(placed) + len(running) == 20
    assert len({answer.content for answer in placed}) == 1
    assert sum("Idempotent-Replayed" not in answer for answer in placed) == 1
    assert {answer.json()["code"] for answer in running} <= {"core.idempotency_still_running"}
    assert Order.objects.count() == 1
    call_command("verify_books")
