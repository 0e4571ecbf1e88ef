from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from carts.tests.factories import make_cart, make_guest_cart, owner_of
from core.tests.threads import at_once
from inventory.errors import OutOfStock
from inventory.models import Stock
from inventory.tests.factories import make_stock
from orders import services
from orders.models import Order
from orders.services import rushing
from orders.tests.books import books_agree
from orders.tests.factories import ADDRESS, make_order, place
from orders.tests.test_api import ORDERS, order_as_guest


def sold_out() -> Stock:
    """Have something of which the last unit is gone, and somebody who was refused it."""
    stock = make_stock(on_hand=1)
    late = make_guest_cart((stock, 1))
    make_order((stock, 1))
    assert order_as_guest(late).status_code == 409
    return stock


@pytest.mark.django_db
class TestRush:
    def test_refuses_by_one_look_what_is_sold_out(self, django_assert_num_queries: Any) -> None:
        stock, other = make_stock(on_hand=2), make_stock(on_hand=5)
        tokens = [make_guest_cart((stock, 2), (other, 1)) for _ in range(2)]
        make_order((stock, 1))
        first = order_as_guest(tokens[0])

        with django_assert_num_queries(1) as queries:
            second = order_as_guest(tokens[1])

        assert (second.status_code, second.json()["code"]) == (409, "inventory.out_of_stock")
        assert second.json()["short"] == first.json()["short"] == {str(stock.variant_id): 1}
        assert "FOR UPDATE" not in queries.captured_queries[0]["sql"]

    def test_refuses_customers_likewise(self, django_assert_num_queries: Any) -> None:
        stock = make_stock(on_hand=1)
        cart = make_cart((stock, 1))
        client = APIClient()
        client.force_authenticate(owner_of(cart))
        make_order((stock, 1))
        sold_out()

        with django_assert_num_queries(1):
            refused = client.post(ORDERS, {"shipping_address": ADDRESS.as_dict()}, format="json")

        assert (refused.status_code, refused.json()["short"]) == (409, {str(stock.variant_id): 1})

    def test_sells_what_is_there(self) -> None:
        sold_out()

        placed = order_as_guest(make_guest_cart((make_stock(on_hand=1), 1)))

        assert placed.status_code == 201

    def test_gives_whoever_got_the_last_unit_their_order_again(self) -> None:
        stock = make_stock(on_hand=1)
        tokens = [make_guest_cart((stock, 1)) for _ in range(2)]
        first = order_as_guest(tokens[0])
        assert order_as_guest(tokens[1]).status_code == 409

        again = order_as_guest(tokens[0])

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json()["id"] == first.json()["id"]

    def test_keeps_the_refusal_under_its_key(self) -> None:
        stock = make_stock(on_hand=1)
        token = make_guest_cart((stock, 1))
        make_order((stock, 1))
        sold_out()

        first, second = (order_as_guest(token, HTTP_IDEMPOTENCY_KEY="late") for _ in range(2))

        assert (first.status_code, first.content) == (409, second.content)
        assert second["Idempotent-Replayed"] == "true"

    def test_is_over_when_nobody_was_refused_for_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [100.0]
        monkeypatch.setattr(rushing, "time", SimpleNamespace(monotonic=lambda: now[0]))
        sold_out()

        looked = []
        for seconds in (0.0, 1.9, 2.1):
            now[0] = 100.0 + seconds
            looked.append(_looks_first())

        assert looked == [True, True, False]

    def test_costs_a_quiet_shop_nothing(self) -> None:
        assert not _looks_first()


def _looks_first() -> bool:
    with CaptureQueriesContext(connection) as queries:
        placed = order_as_guest(make_guest_cart((make_stock(on_hand=1), 1)))
    assert placed.status_code == 201
    return any("JOIN LATERAL (SELECT sum" in query["sql"] for query in queries)


@pytest.mark.django_db(transaction=True)
def test_r08_in_a_rush_twenty_with_one_cart_get_the_one_order_of_the_last_unit() -> None:
    sold_out()
    cart = make_cart((make_stock(on_hand=1), 1))
    whose: dict[str, Any] = {"customer": cart.owner, "cart_token": None}
    rounds: list[Callable[[], AbstractContextManager[None]]] = [lambda: services.looking_first(**whose)] * 20

    def try_to_place(look: Callable[[], AbstractContextManager[None]]) -> str:
        try:
            with look():
                return str(place(cart).pk)
        except OutOfStock:
            return "refused"

    outcomes = set(at_once(try_to_place, rounds))

    assert Order.objects.filter(cart_id=cart.pk).count() == 1
    assert "refused" not in outcomes
    books_agree()
