"""A cart that changes while it is ordered, and a cart that wants one thing twice (HARD-CASES, R03 and R09)."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.tests.factories import make_address, make_session, make_user
from carts.models import CartItem
from carts.tests.factories import make_cart
from core.tests.threads import at_once
from inventory.models import Stock
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from orders.models import Order
from orders.tests.gateway import RETURN_URL, agree, charges
from payments.models import Payment


class Shopper:
    """A customer who is signed in, in as many windows as it takes."""

    def __init__(self) -> None:
        self.user = make_user()
        make_address(self.user, is_default=True)
        self.headers = {"Authorization": f"Bearer {make_session(self.user).access}"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        content = b"" if body is None else orjson.dumps(body)
        return Client().generic(method, f"/api/v1/{path}", content, "application/json", headers=self.headers)

    def cart(self) -> dict[str, int]:
        """Return SKU -> units."""
        return {item["sku"]: item["quantity"] for item in self.ask("GET", "cart").json()["items"]}

    def buy(self) -> Any:
        """Order, and pay at once."""
        placed = self.ask("POST", "orders", {})
        if placed.status_code == 201:
            body = {"order": placed.json()["id"], "provider": "sandbox", "return_url": RETURN_URL, "card": "success"}
            assert self.ask("POST", "payments", body).status_code == 201
        return placed


@pytest.mark.django_db
class TestOneThingTwice:
    def test_r03_more_of_it_than_there_is_does_not_come_into_the_cart(self) -> None:
        shopper, stock = Shopper(), make_stock(on_hand=1)
        body = {"sku": stock.variant.sku, "quantity": 1}

        answers = [shopper.ask("POST", "cart/items", body) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 409]
        assert answers[1].json()["code"] == "inventory.out_of_stock"
        assert shopper.cart() == {stock.variant.sku: 1}

    def test_r03_two_lines_of_it_in_a_merged_cart_become_what_there_is(self) -> None:
        shopper, stock = Shopper(), make_stock(on_hand=1)
        item = {"sku": stock.variant.sku, "quantity": 1}

        answer = shopper.ask("POST", "cart/merge", {"items": [item, item]})

        assert answer.status_code == 200
        assert shopper.cart() == {stock.variant.sku: 1}

    def test_r03_two_lines_of_it_in_a_quote_are_counted_together(self) -> None:
        shopper, stock = Shopper(), make_stock(on_hand=1)
        item = {"sku": stock.variant.sku, "quantity": 1}

        said = shopper.ask("POST", "cart/quote", {"items": [item, item]}).json()

        assert [(line["quantity"], line["in_stock"]) for line in said["items"]] == [(2, False)]
        assert [warning["code"] for warning in said["warnings"]] == ["low_stock"]

    def test_r03_a_second_line_of_it_is_refused_by_the_database(self) -> None:
        stock = make_stock(on_hand=2)
        cart = make_cart((stock, 1))
        line = CartItem(cart=cart, variant_id=stock.variant_id, quantity=1, seen_price_minor=1000)

        with pytest.raises(IntegrityError), transaction.atomic():
            line.save(force_insert=True)

        assert cart.items.count() == 1

    def test_r03_two_carts_that_want_the_last_one_are_one_order(self) -> None:
        stock = make_stock(on_hand=1)
        shoppers = [Shopper(), Shopper()]
        for shopper in shoppers:
            shopper.ask("POST", "cart/items", {"sku": stock.variant.sku, "quantity": 1})

        answers = [shopper.ask("POST", "orders", {}) for shopper in shoppers]

        assert [answer.status_code for answer in answers] == [201, 409]
        stock.refresh_from_db()
        assert (stock.on_hand, stock.reserved, Order.objects.count()) == (1, 1, 1)
        call_command("verify_books")


Change = Callable[[Shopper, Stock, str], Any]
# What happens in the other window, and what the cart holds afterwards if that came first: SKU -> units.
CHANGES: dict[str, tuple[Change, Callable[[str, str], dict[str, int]]]] = {
    "more comes in": (
        lambda shopper, other, item: shopper.ask("POST", "cart/items", {"sku": other.variant.sku, "quantity": 2}),
        lambda sku, other: {sku: 1, other: 2},
    ),
    "more of the same": (
        lambda shopper, other, item: shopper.ask("PATCH", f"cart/items/{item}", {"quantity": 3}),
        lambda sku, other: {sku: 3},
    ),
    "it goes out": (
        lambda shopper, other, item: shopper.ask("DELETE", f"cart/items/{item}"),
        lambda sku, other: {},
    ),
    "all goes out": (
        lambda shopper, other, item: shopper.ask("DELETE", "cart"),
        lambda sku, other: {},
    ),
}


def run_round(change: str) -> str:
    """Let a cart be ordered and changed at once, and return which of the two came first."""
    shopper, stock, other = Shopper(), make_stock(on_hand=9), make_stock(on_hand=9)
    item = shopper.ask("POST", "cart/items", {"sku": stock.variant.sku, "quantity": 1}).json()["items"][0]["id"]
    act, held_then = CHANGES[change]
    old, new = {stock.variant.sku: 1}, held_then(stock.variant.sku, other.variant.sku)
    works: list[Callable[[], Any]] = [shopper.buy, partial(act, shopper, other, item)]

    placed, changed = at_once(lambda work: work(), works)

    order = Order.objects.filter(customer=shopper.user).first()
    if order is None:
        assert (placed.json()["code"], new, shopper.cart()) == ("carts.cart_empty", {}, {})
        return "emptied"
    bought = dict(order.lines.values_list("sku", "quantity"))
    amounts = [charge["amount"] for charge in charges() if charge["id"] == _reference(order)]
    assert amounts == [order.total_minor]
    assert order.total_minor == sum(1000 * units for units in bought.values())
    if bought == new:
        assert (changed.status_code < 300, shopper.cart()) == (True, {})
        return "changed first"
    assert bought == old
    # What came too late is in the next cart, or it was refused: it is not lost.
    is_in_next = change == "more comes in"
    assert shopper.cart() == ({other.variant.sku: 2} if is_in_next else {})
    assert changed.status_code == {"more comes in": 201, "all goes out": 204}.get(change, 404)
    return "ordered first"


def _reference(order: Order) -> str:
    [payment] = Payment.objects.filter(order_id=order.pk)
    return str(payment.attempts.get().provider_reference)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rounds", [20, pytest.param(400, marks=pytest.mark.long)])
def test_r09_the_order_is_the_old_cart_or_the_new_and_the_charge_is_the_orders(rounds: int) -> None:
    make_market()
    chance = random.Random(20261121)

    for _ in range(rounds):
        run_round(chance.choice(sorted(CHANGES)))

    agree()
