from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, InternalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.errors import AddressNotFound
from accounts.models import User
from accounts.tests.factories import make_address, make_user
from carts.errors import CartEmpty
from carts.models import Cart
from carts.tests.factories import make_cart, make_guest_cart, owner_of
from core.errors import Forbidden
from core.models import OutboxEvent
from core.money import Money
from core.tests.threads import at_once
from inventory import services as inventory
from inventory.errors import OutOfStock
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from orders import selectors, services
from orders.domain import OrderStatus
from orders.errors import (
    AddressMissing,
    CouponUnknown,
    EmailMissing,
    ItemsUnavailable,
    MoveRefused,
    OrderNotFound,
    ShippingMethodUnknown,
    TotalChanged,
)
from orders.models import Order, OrderLine, OrderMove
from orders.tests.factories import ADDRESS, make_guest_order, make_order, place
from payments import selectors as ledger
from products.models import Price, Product


def books_agree() -> None:
    call_command("verify_books", at=NOON)


@pytest.mark.django_db
class TestPlaceOrder:
    def test_reserves_the_stock_and_keeps_what_was_bought(self) -> None:
        stock = make_stock(on_hand=5, price_minor=1250)
        cart = make_cart((stock, 2))

        order = place(cart)

        stock.refresh_from_db()
        line = OrderLine.objects.get()
        assert (order.status, order.total_minor, order.email) == ("pending", 2500, owner_of(cart).email)
        assert (line.sku, line.quantity, line.unit_price_minor, line.subtotal_minor) == (
            stock.variant.sku,
            2,
            1250,
            2500,
        )
        assert (stock.on_hand, stock.reserved) == (5, 2)
        assert Order.objects.get().shipping_address["line1"] == ADDRESS.line1
        assert OutboxEvent.objects.filter(name="orders.order_placed", aggregate=str(order.pk)).count() == 1
        books_agree()

    def test_the_same_cart_twice_is_the_same_order(self) -> None:
        token = make_guest_cart((make_stock(), 1))
        wish = services.PlaceOrder(email="a@example.com", shipping_address=ADDRESS)

        first, second = (
            services.place_order(customer=None, cart_token=token, wish=wish, placed_at=NOON) for _ in range(2)
        )

        assert first == second
        assert second.guest_token == first.guest_token
        assert Order.objects.count() == 1

    def test_refuses_the_whole_cart_when_one_line_is_short(self) -> None:
        plenty, scarce = make_stock(on_hand=9), make_stock(on_hand=3)
        cart = make_cart((plenty, 2), (scarce, 3))
        inventory.adjust_stock(
            items=[inventory.Adjustment(variant=scarce.variant_id, quantity=1)], reason="", actor_id=None, at=NOON
        )

        with pytest.raises(OutOfStock) as refusal:
            place(cart)

        plenty.refresh_from_db()
        assert refusal.value.short == {scarce.variant_id: 2}
        assert plenty.reserved == 0
        assert not Order.objects.exists()
        assert Cart.objects.get(pk=cart.pk).state == "open"

    def test_refuses_an_empty_cart_and_no_cart(self) -> None:
        customer = make_user()

        for _ in range(2):
            with pytest.raises(CartEmpty):
                services.place_order(
                    customer=customer,
                    cart_token=None,
                    wish=services.PlaceOrder(shipping_address=ADDRESS),
                    placed_at=NOON,
                )

    def test_refuses_a_deleted_product(self) -> None:
        stock = make_stock()
        cart = make_cart((stock, 1))
        Product.objects.filter(pk=stock.variant.product_id).update(deleted_at=NOON)

        with pytest.raises(ItemsUnavailable) as refusal:
            place(cart)

        assert refusal.value.facts["variants"] == [str(stock.variant_id)]

    def test_r10_refuses_a_total_that_moved_and_shows_the_new_quote(self) -> None:
        stock = make_stock(price_minor=1000)
        cart = make_cart((stock, 2))
        Price.objects.filter(variant=stock.variant).update(amount_minor=1100)

        with pytest.raises(TotalChanged) as refusal:
            place(cart, expected_total=Money(2000, "GBP"))

        assert refusal.value.facts["quote"]["total"] == {"amount": "22.00", "currency": "GBP"}
        assert not Order.objects.exists()
        assert place(cart, expected_total=Money(2200, "GBP")).total_minor == 2200

    def test_takes_the_address_from_the_book(self) -> None:
        cart = make_cart((make_stock(), 1))
        make_address(owner_of(cart), line1="Default Row 1", is_default=True)
        other = make_address(owner_of(cart), line1="Other Row 2")

        order = place(cart, shipping_address=None, shipping_address_id=other.pk)

        assert order.shipping_address["line1"] == "Other Row 2"

    def test_takes_the_default_address_where_none_is_given(self) -> None:
        cart = make_cart((make_stock(), 1))
        make_address(owner_of(cart), line1="Default Row 1", is_default=True)

        assert place(cart, shipping_address=None).shipping_address["line1"] == "Default Row 1"

    def test_a13_anothers_address_is_not_found(self) -> None:
        cart = make_cart((make_stock(), 1))
        theirs = make_address(make_user(), line1="Secret")

        with pytest.raises(AddressNotFound):
            place(cart, shipping_address=None, shipping_address_id=theirs.pk)

        assert not Order.objects.exists()

    def test_asks_guests_whom_and_where(self) -> None:
        token = make_guest_cart((make_stock(), 1))

        for wish, refusal in (
            (services.PlaceOrder(shipping_address=ADDRESS), EmailMissing),
            (services.PlaceOrder(email="a@example.com"), AddressMissing),
            (services.PlaceOrder(email="a@example.com", shipping_address=ADDRESS, coupon="X"), CouponUnknown),
            (
                services.PlaceOrder(email="a@example.com", shipping_address=ADDRESS, shipping_method="X"),
                ShippingMethodUnknown,
            ),
        ):
            with pytest.raises(refusal):
                services.place_order(customer=None, cart_token=token, wish=wish, placed_at=NOON)

        assert not Order.objects.exists()

    def test_refuses_a_customer_without_any_address(self) -> None:
        with pytest.raises(AddressMissing):
            place(make_cart((make_stock(), 1)), shipping_address=None)

    def test_costs_the_same_for_one_line_and_for_twenty(self) -> None:
        one = make_cart((make_stock(on_hand=9), 1))
        twenty = make_cart(*((make_stock(on_hand=9), 1) for _ in range(20)))

        with CaptureQueriesContext(connection) as of_one:
            place(one)
        with CaptureQueriesContext(connection) as of_twenty:
            place(twenty)

        assert len(of_one) == len(of_twenty)
        assert len([q for q in of_twenty if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]) <= 16

    def test_takes_agreed_prices_from_an_import(self) -> None:
        stock = make_stock(price_minor=1000)

        order = place(make_cart((stock, 2)), agreed_minor={stock.variant_id: 850}, external_number="536365")

        assert order.total_minor == 1700

    def test_addresses_and_guest_tokens_are_sealed_at_rest(self) -> None:
        order = make_guest_order()

        with connection.cursor() as cursor:
            cursor.execute("SELECT shipping_address, guest_token FROM orders_order")
            row = "".join(cursor.fetchone())

        assert "Lovelace" not in row
        assert order.guest_token not in row


@pytest.mark.django_db
class TestMoveOrder:
    def move(self, order: Order, to: str, *, actor: User | None = None, token: str | None = None, **more: str) -> Order:
        return services.move_order(order_id=order.pk, to=OrderStatus(to), actor=actor, token=token, at=NOON, **more)

    def manager(self) -> User:
        return make_user(permissions=["orders.view_order", "orders.move_order"])

    def test_goes_all_the_way_with_stock_and_money(self) -> None:
        stock, staff = make_stock(on_hand=5, price_minor=1000), self.manager()
        order = make_order((stock, 2))

        for to in ("paid", "shipped", "delivered"):
            self.move(order, to, actor=staff, carrier="Post", tracking_number="T1")

        stock.refresh_from_db()
        assert (stock.on_hand, stock.reserved) == (3, 0)
        assert ledger.balance(account="cash", currency="GBP") == 2000
        assert ledger.balance(account="sales", currency="GBP") == -2000
        assert list(order.moves.order_by("id").values_list("from_status", "to_status", "by")) == [
            ("", "pending", "customer"),
            ("pending", "paid", "staff"),
            ("paid", "shipped", "staff"),
            ("shipped", "delivered", "staff"),
        ]
        assert order.shipments.get().tracking_number == "T1"
        books_agree()

    @pytest.mark.parametrize(
        ("path", "refused"),
        [
            ([], "shipped"),
            ([], "delivered"),
            (["paid"], "pending"),
            (["paid"], "delivered"),
            (["paid", "shipped"], "cancelled"),
            (["paid", "shipped", "delivered"], "cancelled"),
            (["cancelled"], "paid"),
        ],
    )
    def test_refuses_what_the_table_does_not_allow(self, path: list[str], refused: str) -> None:
        staff, order = self.manager(), make_order()
        for to in path:
            self.move(order, to, actor=staff)

        with pytest.raises(MoveRefused):
            self.move(order, refused, actor=staff)

        books_agree()

    def test_a_customer_cancels_while_pending_and_the_stock_comes_back(self) -> None:
        stock, customer = make_stock(on_hand=1), make_user()
        order = make_order((stock, 1), customer=customer)

        for _ in range(2):
            self.move(order, "cancelled", actor=customer)

        stock.refresh_from_db()
        assert stock.free == 1
        assert OrderMove.objects.filter(order=order).count() == 2
        books_agree()

    def test_a_customer_makes_no_other_move(self) -> None:
        customer = make_user()
        order = make_order(customer=customer)

        with pytest.raises(MoveRefused):
            self.move(order, "paid", actor=customer)

        self.move(order, "paid", actor=self.manager())
        with pytest.raises(MoveRefused):
            self.move(order, "cancelled", actor=customer)

    def test_a_guest_cancels_with_the_token_alone(self) -> None:
        order = make_guest_order()

        for token in (None, "", "wrong", order.guest_token[:-1], "\ud800"):
            with pytest.raises(OrderNotFound):
                self.move(order, "cancelled", token=token)

        assert self.move(order, "cancelled", token=order.guest_token).status == "cancelled"

    def test_a_stranger_finds_nothing(self) -> None:
        order = make_order()

        with pytest.raises(OrderNotFound):
            self.move(order, "cancelled", actor=make_user())

    def test_staff_who_only_look_move_nothing(self) -> None:
        order = make_order()

        with pytest.raises(Forbidden):
            self.move(order, "cancelled", actor=make_user(permissions=["orders.view_order"]))

        assert Order.objects.get().status == "pending"

    def test_cancelling_a_paid_order_owes_the_money_back(self) -> None:
        staff, order = self.manager(), make_order()

        self.move(order, "paid", actor=staff)
        self.move(order, "cancelled", actor=staff, reason="Lost")

        assert ledger.balance(account="sales", currency="GBP") == 0
        assert ledger.balance(account="refunds_due", currency="GBP") == -order.total_minor
        books_agree()

    def test_several_move_all_or_none(self) -> None:
        staff, orders = self.manager(), [make_order() for _ in range(3)]
        self.move(orders[2], "cancelled", actor=staff)

        with pytest.raises(MoveRefused):
            services.move_orders(order_ids=[o.pk for o in orders], to=OrderStatus.PAID, actor=staff, at=NOON)

        assert Order.objects.filter(status="paid").count() == 0
        moved = services.move_orders(order_ids=[o.pk for o in orders[:2]], to=OrderStatus.PAID, actor=staff, at=NOON)
        assert moved == 2


@pytest.mark.django_db
class TestExpireUnpaid:
    def test_cancels_after_the_time_and_gives_back(self) -> None:
        stock = make_stock(on_hand=1)
        make_order((stock, 1))

        assert services.expire_unpaid(now=NOON + timedelta(hours=23)) == 0
        assert services.expire_unpaid(now=NOON + timedelta(hours=24)) == 1

        stock.refresh_from_db()
        assert stock.free == 1
        assert OrderMove.objects.get(to_status="cancelled").by == "system"

    def test_leaves_paid_orders(self) -> None:
        order = make_order()
        staff = make_user(permissions=["orders.view_order", "orders.move_order"])
        services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=staff, at=NOON)

        assert services.expire_unpaid(now=NOON + timedelta(days=9)) == 0


@pytest.mark.django_db
class TestSelectors:
    def test_a_customer_sees_their_own(self) -> None:
        customer, order = make_user(), make_order()
        mine = make_order(customer=customer)

        assert list(selectors.list_orders(viewer=customer)) == [mine]
        with pytest.raises(OrderNotFound):
            selectors.get_order(order_id=order.pk, viewer=customer)

    def test_a17_nobody_sees_orders_without_a_customer(self) -> None:
        order = make_guest_order()

        with pytest.raises(OrderNotFound):
            selectors.get_order(order_id=order.pk, viewer=None)
        with pytest.raises(OrderNotFound):
            selectors.get_order(order_id=order.pk, viewer=make_user(), token="x")
        assert selectors.get_order(order_id=order.pk, viewer=None, token=order.guest_token) == order

    def test_a_guests_token_opens_no_other_order(self) -> None:
        one, two, customers = make_guest_order(), make_guest_order(), make_order()

        for order in (two, customers):
            with pytest.raises(OrderNotFound):
                selectors.get_order(order_id=order.pk, viewer=None, token=one.guest_token)

    def test_staff_filter_and_search(self) -> None:
        staff = make_user(permissions=["orders.view_order"])
        one, two = make_guest_order(email="one@example.com"), make_order()

        assert list(selectors.list_orders(viewer=staff, search="ONE@example.com")) == [one]
        assert list(selectors.list_orders(viewer=staff, search=two.number.lower())) == [two]
        assert selectors.list_orders(viewer=staff, status="paid").count() == 0
        assert selectors.list_orders(viewer=staff, placed_after=NOON, placed_before=NOON).count() == 0

    def test_costs_four_queries_for_any_number_of_orders(self, django_assert_num_queries: Any) -> None:
        customer = make_user()
        for _ in range(3):
            make_order(customer=customer)

        with django_assert_num_queries(4):
            list(selectors.list_orders(viewer=customer))


@pytest.mark.django_db
class TestRecordReturn:
    def test_takes_goods_back_once(self) -> None:
        stock = make_stock(on_hand=1)
        back: dict[str, Any] = {
            "reference": "C1",
            "units": {stock.variant_id: 2},
            "amount_minor": 2000,
            "currency": "GBP",
            "at": NOON,
        }

        services.record_return(**back)
        with pytest.raises(IntegrityError):
            services.record_return(**back)

        stock.refresh_from_db()
        assert stock.on_hand == 3
        assert ledger.balance(account="refunds_due", currency="GBP") == -2000


@pytest.mark.django_db
class TestVerifyBooks:
    @pytest.mark.parametrize(
        "forge",
        [
            "UPDATE orders_orderline SET quantity = 5, subtotal_minor = 5 * unit_price_minor",
            "UPDATE orders_order SET status = 'paid'",
            "UPDATE inventory_stock SET reserved = 0",
            "UPDATE inventory_stock SET on_hand = on_hand + 1",
            "DELETE FROM inventory_reservation",
            "UPDATE products_variant SET is_available = NOT is_available",
            "UPDATE core_outboxevent SET aggregate = ''",
        ],
    )
    def test_finds_a_forged_row(self, forge: str) -> None:
        make_order()
        with connection.cursor() as cursor:
            cursor.execute(forge)

        with pytest.raises(CommandError):
            books_agree()

    def test_history_cannot_be_changed(self) -> None:
        make_order()

        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            OrderMove.objects.update(reason="x")


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
def test_r02_shuffled_lines_do_not_deadlock() -> None:
    stocks = [make_stock(on_hand=100) for _ in range(3)]
    orders = [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)] * 2
    rounds = [[make_cart(*((stocks[i], 1) for i in order)) for order in orders] for _ in range(3)]

    for carts in rounds:
        at_once(place, carts)

    assert {stock.reserved for stock in Stock.objects.all()} == {24}
    books_agree()


@pytest.mark.django_db(transaction=True)
def test_r07_cancelling_races_paying_and_ends_where_the_table_allows() -> None:
    staff = make_user(permissions=["orders.view_order", "orders.move_order"])

    for _ in range(5):
        order = make_order((make_stock(on_hand=1), 1))

        def act(to: str, order: Order = order) -> None:
            with suppress(MoveRefused):
                services.move_order(order_id=order.pk, to=OrderStatus(to), actor=staff, at=NOON)

        at_once(act, ["paid", "cancelled", "shipped", "paid", "cancelled"])

    books_agree()


def test_unknown_orders_are_not_found(db: None) -> None:
    for read in (
        lambda: selectors.get_order_for_message(order_id=uuid4()),
        lambda: selectors.get_move(move_id=0),
        lambda: selectors.list_notes(order_id=uuid4()),
        lambda: services.add_note(order_id=uuid4(), author=make_user(), text="x"),
    ):
        with pytest.raises(OrderNotFound):
            read()
