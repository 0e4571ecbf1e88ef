from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.errors import AddressNotFound
from accounts.tests.factories import make_address, make_user
from carts.errors import CartEmpty
from carts.models import Cart
from carts.tests.factories import make_cart, make_guest_cart, owner_of
from core.models import OutboxEvent
from core.money import Money
from inventory import services as inventory
from inventory.errors import OutOfStock
from inventory.tests.factories import NOON, make_stock
from markets.models import Market
from orders import services
from orders.errors import (
    AddressMissing,
    CouponUnknown,
    EmailMissing,
    ItemsUnavailable,
    ShippingMethodUnknown,
    TotalChanged,
)
from orders.models import Order, OrderLine
from orders.tests.books import books_agree
from orders.tests.factories import ADDRESS, make_guest_order, place
from products.models import Price, Product


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

    def test_refuses_a_cart_whose_market_was_closed_meanwhile(self) -> None:
        stock = make_stock()
        cart = make_cart((stock, 1))
        Market.objects.filter(pk=cart.market_id).update(is_default=False, is_active=False)

        with pytest.raises(ItemsUnavailable) as refusal:
            place(cart)

        stock.refresh_from_db()
        assert refusal.value.facts["variants"] == [str(stock.variant_id)]
        assert stock.reserved == 0
        assert not Order.objects.exists()

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

    def test_a10_anothers_address_is_not_found(self) -> None:
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
        assert len([q for q in of_twenty if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]) <= 14

    def test_takes_agreed_prices_from_an_import(self) -> None:
        stock = make_stock(price_minor=1000)

        order = place(make_cart((stock, 2)), agreed_minor={stock.variant_id: 850}, external_number="536365")

        assert order.total_minor == 1700

    @pytest.mark.parametrize("is_known", [True, False])
    def test_numbers_go_on_when_the_secret_is_replaced(self, settings: Settings, is_known: bool) -> None:
        stock = make_stock()
        before = place(make_cart((stock, 1)))
        Order.objects.filter(pk=before.pk).update(number="N-0")
        settings.SECRET_KEY, settings.EARLIER_SECRET_KEYS = "another", [settings.SECRET_KEY] * is_known
        with connection.cursor() as cursor:  # as if it were that order's turn once more
            cursor.execute("SELECT setval('orders_number', currval('orders_number'), false)")

        again = place(make_cart((stock, 1)))

        assert (again.number == before.number) is is_known

    def test_addresses_and_guest_tokens_are_sealed_at_rest(self) -> None:
        order = make_guest_order()

        with connection.cursor() as cursor:
            cursor.execute("SELECT shipping_address, guest_token FROM orders_order")
            row = "".join(cursor.fetchone())

        assert "Lovelace" not in row
        assert order.guest_token not in row
