from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import pairwise

import pytest
from django.db import transaction

from accounts.tests.factories import make_user
from carts.errors import CartEmpty
from carts.models import Cart
from carts.tests.factories import make_cart
from core.tests.threads import at_once, in_thread, waits_for_a_lock
from inventory.errors import OutOfStock
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from orders import services
from orders.domain import OrderStatus, may_move
from orders.errors import (
    MoveRefused,
)
from orders.models import Order
from orders.services.placing import turn_into_order
from orders.tests.books import books_agree
from orders.tests.factories import ADDRESS, make_order, place
from pricing.tests.rules import tell_of_rules
from promotions.tests.factories import make_promotion


@pytest.mark.django_db(transaction=True)
def test_the_last_unit_is_sold_once() -> None:
    stock = make_stock(on_hand=1)
    carts = [make_cart((stock, 1)) for _ in range(8)]

    def try_to_place(cart: Cart) -> str:
        try:
            place(cart)
        except OutOfStock:
            return "refused"
        return "placed"

    outcomes = sorted(at_once(try_to_place, carts))

    stock.refresh_from_db()
    assert outcomes == ["placed"] + ["refused"] * 7
    assert stock.reserved == 1
    books_agree()


@pytest.mark.django_db(transaction=True)
def test_r08_one_cart_ordered_twenty_times_at_once_is_one_order() -> None:
    cart = make_cart((make_stock(on_hand=50), 1))

    def try_to_place(_: int) -> str:
        try:
            return str(place(cart).pk)
        except CartEmpty:
            return "empty"

    outcomes = set(at_once(try_to_place, range(20)))

    assert Order.objects.count() == 1
    assert outcomes <= {str(Order.objects.get().pk), "empty"}
    books_agree()


@pytest.mark.django_db(transaction=True)
def test_r08_whoever_waited_for_the_cart_is_given_the_order_that_was_placed() -> None:
    cart = make_cart((make_stock(on_hand=50), 1))

    with ThreadPoolExecutor(max_workers=1) as shopper:
        with transaction.atomic():
            Cart.objects.filter(pk=cart.pk).locked().get()
            second = shopper.submit(in_thread, place, cart)
            waited = waits_for_a_lock(second)
            order = turn_into_order(
                customer=cart.owner, cart_token=None, wish=services.PlaceOrder(shipping_address=ADDRESS), placed_at=NOON
            )
        again = second.result()

    assert waited
    assert again == order
    assert Order.objects.count() == 1
    books_agree()


@pytest.mark.django_db(transaction=True)
def test_r02_shuffled_lines_do_not_deadlock() -> None:
    stocks = [make_stock(on_hand=100) for _ in range(3)]
    orders = [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)] * 2
    rounds = [[make_cart(*((stocks[i], 1) for i in order)) for order in orders] for _ in range(3)]

    for carts in rounds:
        at_once(place, carts)

    assert {stock.reserved for stock in Stock.objects.all()} == {24}
    books_agree()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rounds", [5, pytest.param(200, marks=pytest.mark.long)])
def test_r07_cancelling_races_paying_and_ends_where_the_table_allows(rounds: int) -> None:
    staff = make_user(permissions=["orders.view_order", "orders.move_order"])

    for _ in range(rounds):
        order = make_order((make_stock(on_hand=1), 1))

        def act(to: str, order: Order = order) -> None:
            with suppress(MoveRefused):
                services.move_order(order_id=order.pk, to=OrderStatus(to), actor=staff, at=NOON)

        at_once(act, ["paid", "cancelled", "shipped", "paid", "cancelled"])

        path = [OrderStatus(to) for to in order.moves.order_by("pk").values_list("to_status", flat=True)]
        assert all(may_move(here, there) for here, there in pairwise(path)), path
        order.refresh_from_db()
        assert OrderStatus(order.status) == path[-1]
    books_agree()


@pytest.mark.django_db(transaction=True)
def test_r02_many_orders_cancelled_in_one_go_do_not_deadlock_with_those_that_are_placed() -> None:
    boss = make_user(permissions=["orders.view_order", "orders.move_order"])
    stocks = [make_stock(on_hand=1000) for _ in range(4)]
    for name in ("A", "B"):
        make_promotion(name, usage_limit=10_000)
    tell_of_rules()

    for _ in range(4):
        old = [make_order((stock, 1)) for stock in reversed(stocks)] + [make_order((stock, 1)) for stock in stocks]
        carts = [make_cart(*((stock, 1) for stock in stocks)) for _ in range(4)]

        def cancel(orders: list[Order] = old) -> object:
            return services.move_orders(
                order_ids=[order.pk for order in orders], to=OrderStatus.CANCELLED, actor=boss, at=NOON
            )

        acts: list[Callable[[], object]] = [cancel, *(partial(place, cart) for cart in carts)]
        at_once(lambda act: act(), acts)

    assert Order.objects.filter(status=OrderStatus.CANCELLED.value).count() == 4 * 8
    books_agree()


@pytest.mark.django_db(transaction=True)
def test_r02_what_many_orders_hold_is_locked_in_one_order_whatever_theirs_is() -> None:
    boss = make_user(permissions=["orders.view_order", "orders.move_order"])
    low, high = sorted((make_stock(on_hand=9) for _ in range(2)), key=lambda stock: stock.pk)
    orders = [make_order((high, 1)), make_order((low, 1))]

    def cancel() -> int:
        ids = [order.pk for order in orders]
        return services.move_orders(order_ids=ids, to=OrderStatus.CANCELLED, actor=boss, at=NOON)

    with ThreadPoolExecutor(max_workers=1) as staff:
        with transaction.atomic():
            Stock.objects.filter(pk=low.pk).locked().get()
            cancelling = staff.submit(in_thread, cancel)
            waited = waits_for_a_lock(cancelling)
            free = len(Stock.objects.filter(pk=high.pk).locked(nowait=True))
        assert cancelling.result() == 2

    assert waited
    assert free == 1
