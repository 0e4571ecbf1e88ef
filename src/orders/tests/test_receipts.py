from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.tests.factories import client_of, make_user
from carts.models import Cart
from carts.tests.factories import make_cart
from core.money import Money
from core.tests.threads import at_once
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from orders import selectors, services
from orders.domain import OrderStatus
from orders.errors import CouponRefused, CouponUnknown, NotDelivered, ShippingMethodUnknown, TotalChanged
from orders.models import Order, OrderReceipt
from orders.selectors import books
from orders.tests.books import books_agree
from orders.tests.factories import make_guest_order, make_order, place
from pricing.domain import Kind
from pricing.tests.rules import make_method, make_rate, tell_of_rules
from promotions.errors import PromotionUsedUp
from promotions.models import Coupon, PromotionUse
from promotions.tests.factories import make_coupon, make_promotion


def find_differences() -> list[str]:
    return [*selectors.find_differences(events_since=NOON), *selectors.find_receipts_that_differ()]


def dear_cart(*, quantity: int = 2) -> Cart:
    return make_cart((make_stock(on_hand=50, price_minor=1000), quantity))


def cancel(order: Order) -> None:
    services.move_order(order_id=order.pk, to=OrderStatus.CANCELLED, actor=order.customer, at=NOON)


@pytest.mark.django_db
class TestPlacing:
    def test_keeps_what_each_line_was_reduced_and_taxed_by(self) -> None:
        make_coupon("SPRING", promotion=make_promotion("Spring", needs_code=True, percent_bp=2500))
        make_method("GB", amount_minor=395)
        make_rate("GB")

        order = place(dear_cart(), coupon="SPRING")

        [line] = order.lines.all()
        assert (order.subtotal_minor, order.discount_minor, order.shipping_minor) == (2000, 500, 395)
        assert (order.tax_minor, order.contained_minor, order.total_minor) == (0, 250 + 66, 1895)
        assert (line.discount_minor, line.contained_minor, line.tax_ppm) == (500, 250, 200_000)
        assert (order.coupon, order.shipping_method) == ("SPRING", "post")
        books_agree()

    def test_takes_one_use_of_the_coupon(self) -> None:
        coupon = make_coupon("SPRING", usage_limit=1)

        order = place(dear_cart(), coupon="SPRING")

        coupon.refresh_from_db()
        use = PromotionUse.objects.get()
        assert coupon.uses == 1
        assert (use.order_id, use.amount_minor, use.coupon_id) == (order.pk, 200, coupon.pk)

    def test_goes_by_the_carts_terms_where_the_order_says_nothing(self) -> None:
        make_coupon("SPRING")
        cart = dear_cart()
        Cart.objects.filter(pk=cart.pk).update(coupon="SPRING")

        assert place(cart).discount_minor == 200

    @pytest.mark.parametrize(
        ("wish", "refusal"),
        [
            ({"coupon": "NOPE"}, CouponUnknown),
            ({"coupon": "MANY"}, CouponRefused),
            ({"shipping_method": "balloon"}, ShippingMethodUnknown),
            ({"expected_total": Money(2000, "GBP")}, TotalChanged),
        ],
    )
    def test_refuses_what_the_shopper_has_not_agreed_to(self, wish: dict[str, Any], refusal: type[Exception]) -> None:
        make_coupon("MANY", promotion=make_promotion(needs_code=True, minimum_quantity=10))
        make_method("GB")
        cart = dear_cart()

        with pytest.raises(refusal):
            place(cart, **wish)

        assert not Order.objects.exists()
        assert not PromotionUse.objects.exists()
        assert Stock.objects.get().reserved == 0

    def test_refuses_where_nothing_goes(self) -> None:
        make_method("FR")

        with pytest.raises(NotDelivered):
            place(dear_cart())

        assert not Order.objects.exists()

    def test_a_first_order_is_reduced_once(self) -> None:
        make_promotion(first_order_only=True)
        tell_of_rules()
        stock, user = make_stock(on_hand=5, price_minor=1000), make_user()

        first, second = (place(make_cart((stock, 1), owner=user)) for _ in range(2))

        assert (first.discount_minor, second.discount_minor) == (100, 0)


@pytest.mark.django_db
class TestCancelling:
    def test_gives_the_use_of_the_coupon_back(self) -> None:
        coupon = make_coupon("LAST", usage_limit=1)
        order = place(dear_cart(), coupon="LAST")

        cancel(order)

        coupon.refresh_from_db()
        assert coupon.uses == 0
        assert place(dear_cart(), coupon="LAST").discount_minor == 200

    def test_makes_the_next_order_the_first_again(self) -> None:
        make_promotion(first_order_only=True)
        tell_of_rules()
        stock, user = make_stock(on_hand=5, price_minor=1000), make_user()
        cancel(place(make_cart((stock, 1), owner=user)))

        assert place(make_cart((stock, 1), owner=user)).discount_minor == 100


@pytest.mark.django_db
class TestReceipt:
    def test_explains_the_total_step_by_step(self) -> None:
        make_promotion("Everything", percent_bp=1000)
        make_promotion("Many", minimum_quantity=10)
        make_method("GB")
        order = place(dear_cart())

        receipt = selectors.get_receipt(order_id=order.pk, viewer=order.customer)

        assert (receipt.order, receipt.revision, receipt.total_minor) == (order, 1, order.total_minor)
        assert {(step.rule, step.reason) for step in receipt.steps if step.kind is Kind.PROMOTION} == {
            ("Everything", ""),
            ("Many", "below_minimum_quantity"),
        }

    def test_is_shown_to_whom_the_order_is(self) -> None:
        order, guest = make_order(), make_guest_order()
        path, of_guest = f"/api/v1/orders/{order.pk}/receipt", f"/api/v1/orders/{guest.pk}/receipt"

        shown = client_of(order.customer).get(path)

        assert shown.status_code == 200
        assert shown.json()["total"] == {"amount": "10.00", "currency": "GBP"}
        assert [step["kind"] for step in shown.json()["steps"]] == ["base_price", "shipping", "tax"]
        assert client_of(make_user()).get(path).status_code == 404
        assert client_of(None).get(path).status_code == 404
        assert client_of(None).get(of_guest).status_code == 404
        assert client_of(None).get(of_guest, HTTP_X_ORDER_TOKEN=guest.guest_token).status_code == 200

    def test_of_agreed_prices_there_is_none(self) -> None:
        stock = make_stock(price_minor=1000)
        order = place(make_cart((stock, 1)), agreed_minor={stock.variant_id: 850})

        answer = client_of(order.customer).get(f"/api/v1/orders/{order.pk}/receipt")

        assert (answer.status_code, answer.json()["code"]) == (404, "orders.receipt_not_found")

    def test_stays_as_it_is(self) -> None:
        make_order()

        with pytest.raises(IntegrityError), transaction.atomic():
            OrderReceipt.objects.update(steps="[]")


@pytest.mark.django_db
class TestBooks:
    def test_find_nothing_where_every_order_costs_what_its_facts_make(self) -> None:
        make_promotion()
        make_method("GB")
        make_rate("GB")
        place(dear_cart())

        assert find_differences() == []

    def test_find_an_order_whose_facts_make_another_total(self) -> None:
        order = place(dear_cart())
        Order.objects.filter(pk=order.pk).update(shipping_minor=1, total_minor=order.total_minor + 1)

        assert any("its receipt makes 2000 GBP" in found for found in find_differences())

    def test_find_it_in_whichever_part_of_them_it_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(books, "_AT_ONCE", 2)
        for _ in range(5):
            place(dear_cart())
        Order.objects.update(shipping_minor=1, total_minor=F("total_minor") + 1)

        assert len([found for found in find_differences() if "its receipt makes 2000 GBP" in found]) == 5


@pytest.mark.django_db(transaction=True)
def test_r04_a14_the_last_use_of_a_coupon_is_taken_by_one_of_twenty_orders() -> None:
    make_coupon("LAST", usage_limit=1)
    carts = [dear_cart(quantity=1) for _ in range(20)]

    def try_to_place(cart: Cart) -> str:
        try:
            return f"reduced by {place(cart, coupon='LAST').discount_minor}"
        except (CouponRefused, PromotionUsedUp):
            return "refused"

    outcomes = sorted(at_once(try_to_place, carts))

    assert outcomes == ["reduced by 100"] + ["refused"] * 19
    assert Coupon.objects.get().uses == 1
    assert Order.objects.count() == 1
    books_agree()
