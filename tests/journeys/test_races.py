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

from carts.domain import digest_of
from carts.tests.factories import make_guest_cart
from inventory.models import Stock
from inventory.tests.factories import make_stock
from orders.models import Order
from orders.tests.factories import ADDRESS


def order(token: str, key: str | None = None) -> Any:
    """Order as somebody of one's own: orders of one buyer wait for each other before they come to the stock."""
    headers = {"X-Cart-Token": token} | ({"Idempotency-Key": key} if key else {})
    body = {"email": f"{digest_of(token)[:20]}@example.com", "shipping_address": ADDRESS.as_dict()}
    with closing(connection):
        return Client().post("/api/v1/orders", body, content_type="application/json", headers=headers)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_r01_three_hundred_buyers_share_thirty_units(turn: int) -> None:
    stock = make_stock(on_hand=30)
    tokens = [make_guest_cart((stock, 1)) for _ in range(300)]

    with ThreadPoolExecutor(max_workers=32) as buyers:
        answers = list(buyers.map(order, tokens))

    assert Counter(answer.status_code for answer in answers) == {201: 30, 409: 270}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"inventory.out_of_stock"}
    assert Order.objects.count() == 30
    assert Stock.objects.get().reserved == 30
    call_command("verify_books")


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
