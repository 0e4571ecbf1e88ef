from __future__ import annotations

from typing import Any

import pytest

from core.transactions import NoTransaction, command
from inventory.errors import OutOfStock
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from orders import selectors
from orders.errors import ItemsUnavailable
from orders.models import Order
from orders.services import AgreedItem, place_agreed_order
from orders.tests.books import books_agree
from orders.tests.factories import make_guest_order, make_order
from pricing.domain import Kind
from pricing.tests.rules import make_method, make_rate, tell_of_rules
from products.models import Product
from promotions.models import Buyer, PromotionUse
from promotions.tests.factories import make_promotion


def agreed(stock: Stock, quantity: int = 1, unit_price_minor: int = 800) -> AgreedItem:
    return AgreedItem(variant_id=stock.variant_id, quantity=quantity, unit_price_minor=unit_price_minor)


@command
def exchange(like: Order, *items: AgreedItem) -> Order:
    return place_agreed_order(like=like, items=items, note="Instead of a broken one", at=NOON)


@pytest.mark.django_db
class TestPlaceAgreedOrder:
    def test_is_for_the_same_buyer_and_place_at_the_agreed_prices(self) -> None:
        earlier, stock = make_order(), make_stock(on_hand=5, price_minor=1000)

        order = exchange(earlier, agreed(stock, 2))

        stock.refresh_from_db()
        assert (order.customer, order.email, order.market) == (earlier.customer, earlier.email, earlier.market)
        assert (order.shipping_address, order.note) == (earlier.shipping_address, "Instead of a broken one")
        assert (order.status, order.total_minor, stock.reserved) == ("pending", 1600, 2)
        assert [(line.quantity, line.unit_price_minor) for line in order.lines.all()] == [(2, 800)]
        books_agree()

    def test_is_a_guests_again_with_a_token_of_its_own(self) -> None:
        earlier = make_guest_order()

        order = exchange(earlier, agreed(make_stock()))

        assert order.customer is None
        assert order.guest_token
        assert order.guest_token != earlier.guest_token

    def test_ships_at_the_shops_cost_with_tax_inside_and_no_promotion(self) -> None:
        make_method("GB", amount_minor=395)
        make_rate("GB")
        make_promotion("All", percent_bp=5000)
        tell_of_rules()
        earlier = make_order()

        order = exchange(earlier, agreed(make_stock(), 1, 1200))

        receipt = selectors.find_receipt(order=order)
        assert (order.shipping_method, order.shipping_minor, order.discount_minor) == ("post", 0, 0)
        assert (order.total_minor, order.contained_minor) == (1200, 200)
        assert receipt is not None
        assert [(step.kind, step.reason) for step in receipt.steps][:2] == [
            (Kind.AGREED_PRICE, ""),
            (Kind.PROMOTION, "nothing_matches"),
        ]
        assert not PromotionUse.objects.filter(order_id=order.pk).exists()
        books_agree()

    def test_takes_the_lower_price_of_a_variant_that_is_named_twice(self) -> None:
        stock = make_stock(on_hand=5)

        order = exchange(make_order(), agreed(stock, 1, 900), agreed(stock, 2, 700))

        assert [(line.quantity, line.unit_price_minor) for line in order.lines.all()] == [(3, 700)]

    def test_refuses_what_is_short_or_not_sold_and_changes_nothing(self) -> None:
        earlier, scarce, gone = make_order(), make_stock(on_hand=1), make_stock()
        Product.objects.filter(pk=gone.variant.product_id).update(deleted_at=NOON)
        counted = Buyer.objects.get().orders

        with pytest.raises(OutOfStock):
            exchange(earlier, agreed(scarce, 2))
        with pytest.raises(ItemsUnavailable):
            exchange(earlier, agreed(gone))

        scarce.refresh_from_db()
        assert Order.objects.count() == 1
        assert (scarce.reserved, Buyer.objects.get().orders) == (0, counted)

    def test_takes_part_in_the_callers_transaction_alone(self) -> None:
        earlier: Any = make_order()

        with pytest.raises(NoTransaction):
            place_agreed_order(like=earlier, items=[agreed(make_stock())], note="", at=NOON)
