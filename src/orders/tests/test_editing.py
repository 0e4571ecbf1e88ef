from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accounts.tests.factories import make_user
from carts.tests.factories import make_cart
from core.errors import PreconditionFailed
from core.ids import new_id
from core.models import OutboxEvent
from core.money import Money
from inventory.errors import OutOfStock
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from orders import selectors, services
from orders.domain import OrderStatus
from orders.errors import (
    CouponUnknown,
    EditRefused,
    ItemsUnavailable,
    NothingOrdered,
    OrderNotFound,
    ShippingMethodUnknown,
    TotalChanged,
)
from orders.models import Order, OrderEdit, OrderReceipt
from orders.services import ItemWish
from orders.tests.books import books_agree
from orders.tests.drafting import edit, item
from orders.tests.factories import ADDRESS, make_guest_order, make_order, place
from pricing.domain import Kind
from pricing.models import ShippingRate
from pricing.tests.rules import make_method, make_rate, tell_of_rules
from products.models import Price, Product
from promotions.models import Buyer, Promotion, PromotionUse
from promotions.tests.factories import make_coupon, make_promotion


def reserved(stock: Stock) -> int:
    stock.refresh_from_db()
    return stock.reserved


def units(order: Order) -> list[tuple[str, int, int]]:
    return [(line.sku, line.quantity, line.unit_price_minor) for line in order.lines.order_by("position")]


@pytest.mark.django_db
class TestEditOrder:
    def test_rewrites_lines_sums_and_stock_and_keeps_how_it_was(self) -> None:
        first, second = make_stock(on_hand=9, price_minor=1000), make_stock(on_hand=9, price_minor=500)
        order = make_order((first, 2))
        line_id = order.lines.get().pk

        edited = edit(order, items=[item(second, 3), item(first, 1)], reason="Rang about it")

        order.refresh_from_db()
        change = OrderEdit.objects.get()
        assert edited.total_minor == order.total_minor == 2500
        assert units(order) == [(second.variant.sku, 3, 500), (first.variant.sku, 1, 1000)]
        assert order.lines.get(variant=first.variant_id).pk == line_id
        assert (reserved(first), reserved(second)) == (1, 3)
        assert (change.reason, change.total_before_minor, change.total_after_minor) == ("Rang about it", 2000, 2500)
        assert change.changes == [
            {"sku": first.variant.sku, "name": change.changes[0]["name"], "before": 2, "after": 1},
            {"sku": second.variant.sku, "name": change.changes[1]["name"], "before": 0, "after": 3},
            {"what": "total"},
        ]
        books_agree()

    def test_keeps_how_the_same_total_is_made_up_now(self) -> None:
        sale = make_promotion(benefit="amount", amounts={"GBP": {"amount": 395}})
        make_method("GB", amount_minor=395)
        order = make_order((make_stock(on_hand=9, price_minor=1000), 2))
        Promotion.objects.filter(pk=sale.pk).update(is_active=False)
        ShippingRate.objects.update(amount_minor=0)
        tell_of_rules()

        edit(order, expected_total=Money(2000, "GBP"))

        order.refresh_from_db()
        assert (order.total_minor, order.discount_minor, order.shipping_minor) == (2000, 0, 0)
        assert order.lines.get().discount_minor == 0
        assert not OrderEdit.objects.exists()
        books_agree()

    def test_adds_a_revision_to_the_receipt_and_the_last_one_holds(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))

        edit(order, items=[item(stock, 2)])

        first, last = (selectors.find_receipt(order=order, revision=number) for number in (1, 2))
        assert first is not None
        assert last is not None
        assert (first.total_minor, last.total_minor) == (1000, 2000)
        assert selectors.find_receipt(order=order) == last
        assert OrderReceipt.objects.count() == 2
        books_agree()

    def test_keeps_the_price_of_what_it_has_and_asks_todays_for_what_is_new(self) -> None:
        had, new = make_stock(on_hand=9, price_minor=1000), make_stock(on_hand=9, price_minor=500)
        order = make_order((had, 1))
        Price.objects.filter(variant=had.variant).update(amount_minor=1400)
        Price.objects.filter(variant=new.variant).update(amount_minor=600)

        edit(order, items=[item(had, 2), item(new)])

        assert units(order) == [(had.variant.sku, 2, 1000), (new.variant.sku, 1, 600)]

    def test_takes_an_agreed_price_which_stays_with_the_next_edit(self) -> None:
        make_promotion("Ten", percent_bp=1000)
        tell_of_rules()
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))

        edit(order, items=[item(stock, 1, unit_price=Decimal("7.00"))])
        edit(order, items=[item(stock, 2)])

        order.refresh_from_db()
        receipt = selectors.find_receipt(order=order)
        assert (order.subtotal_minor, order.discount_minor, order.total_minor) == (1400, 0, 1400)
        assert receipt is not None
        assert receipt.steps[0].kind is Kind.AGREED_PRICE
        books_agree()

    def test_tries_promotions_anew_and_moves_their_uses(self) -> None:
        coupon = make_coupon("LAST", usage_limit=1, promotion=make_promotion(needs_code=True, percent_bp=1000))
        stock = make_stock(on_hand=9, price_minor=1000)
        order = place(make_cart((stock, 1)), coupon="LAST")

        edit(order, items=[item(stock, 3)])

        order.refresh_from_db()
        coupon.refresh_from_db()
        live = PromotionUse.objects.get(returned_at__isnull=True)
        assert (order.discount_minor, order.total_minor) == (300, 2700)
        assert (coupon.uses, live.amount_minor, PromotionUse.objects.count()) == (1, 300, 2)
        books_agree()

    def test_does_not_lose_the_last_use_of_an_automatic_promotion_nor_its_first_order(self) -> None:
        make_promotion("Last", percent_bp=1000, usage_limit=1)
        make_promotion("First", percent_bp=1000, first_order_only=True)
        tell_of_rules()
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))
        taken = order.discount_minor

        edit(order, items=[item(stock, 2)])

        order.refresh_from_db()
        assert (taken, order.discount_minor) == (190, 380)
        assert Promotion.objects.get(name="Last").uses == 1
        assert Buyer.objects.get().orders == 1

    def test_gives_the_coupon_back_when_it_is_taken_off(self) -> None:
        coupon = make_coupon("LAST", usage_limit=1)
        order = place(make_cart((make_stock(price_minor=1000), 1)), coupon="LAST")

        edit(order, coupon="")

        order.refresh_from_db()
        coupon.refresh_from_db()
        assert (order.coupon, order.discount_minor, coupon.uses) == ("", 0, 0)

    def test_goes_by_the_way_that_leads_to_the_new_address(self) -> None:
        make_method("GB", amount_minor=395)
        make_method("FR", amount_minor=1295, code="colis")
        make_rate("GB")
        order = make_order((make_stock(price_minor=1000), 1))

        edit(order, shipping_address=replace(ADDRESS, country="FR"))

        order.refresh_from_db()
        assert (order.shipping_method, order.shipping_minor, order.contained_minor) == ("colis", 1295, 0)
        assert order.shipping_address["country"] == "FR"
        with pytest.raises(ShippingMethodUnknown):
            edit(order, shipping_method="post")
        books_agree()

    def test_counts_the_order_for_the_new_buyer_of_a_guests(self) -> None:
        order = make_guest_order(email="old@example.com")

        edit(order, email="new@example.com")

        order.refresh_from_db()
        assert order.email == "new@example.com"
        assert sorted(Buyer.objects.values_list("orders", flat=True)) == [0, 1]
        books_agree()

    def test_changes_words_without_pricing_anything(self) -> None:
        stock = make_stock(price_minor=1000)
        order = make_order((stock, 1))
        Product.objects.filter(pk=stock.variant.product_id).update(deleted_at=NOON)

        edit(order, note="Leave it with the porter", billing_address=ADDRESS)

        order.refresh_from_db()
        assert (order.note, order.billing_address["city"], order.total_minor) == (
            "Leave it with the porter",
            "London",
            1000,
        )
        assert OrderEdit.objects.get().changes == [{"what": "note"}, {"what": "billing_address"}]
        assert OrderReceipt.objects.count() == 1

    def test_notes_nothing_where_nothing_changes(self) -> None:
        stock = make_stock()
        order = make_order((stock, 1))

        edit(order, items=[item(stock, 1)], note="")

        assert not OrderEdit.objects.exists()
        assert not OutboxEvent.objects.filter(name="orders.order_edited").exists()

    def test_the_same_request_twice_is_one_edit(self) -> None:
        stock = make_stock(on_hand=9)
        order = make_order((stock, 1))

        for quantity in (2, 3):
            edit(order, items=[item(stock, quantity)], request_key="k")

        assert OrderEdit.objects.count() == 1
        assert order.lines.get().quantity == 2

    def test_takes_the_last_units_that_it_holds_itself(self) -> None:
        stock = make_stock(on_hand=3)
        order = make_order((stock, 2))

        edit(order, items=[item(stock, 3)])

        assert reserved(stock) == 3

    def test_lets_go_of_stock_that_it_needs_no_more(self) -> None:
        kept, gone = make_stock(on_hand=1), make_stock(on_hand=1)
        order = make_order((kept, 1), (gone, 1))

        edit(order, items=[item(kept)])

        assert (reserved(kept), reserved(gone)) == (1, 0)
        gone.variant.refresh_from_db()
        assert gone.variant.is_available
        books_agree()


@pytest.mark.django_db
class TestBooks:
    def test_find_an_order_that_does_not_cost_what_its_last_edit_made(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))
        edit(order, items=[item(stock, 2)])
        OrderEdit.objects.create(
            order=order, at=NOON, actor=None, total_before_minor=900, total_after_minor=900, changes=[]
        )

        found = [*selectors.find_differences(events_since=NOON), *selectors.find_receipts_that_differ()]

        assert f"order {order.number}: total 2000, but its last edit made 900" in found
        assert any("began at 900, but the one before ended at 2000" in each for each in found)


def unchanged(order: Order) -> tuple[Any, ...]:
    order = Order.objects.get(pk=order.pk)
    return (
        order.version,
        order.total_minor,
        units(order),
        OrderEdit.objects.count(),
        OrderReceipt.objects.count(),
        PromotionUse.objects.filter(returned_at__isnull=True).count(),
        list(Stock.objects.order_by("pk").values_list("reserved", flat=True)),
    )


@pytest.mark.django_db
class TestEditOrderRefuses:
    @pytest.mark.parametrize(
        ("said", "refusal"),
        [
            ({"items": []}, NothingOrdered),
            ({"coupon": "NOPE"}, CouponUnknown),
            ({"shipping_method": "balloon"}, ShippingMethodUnknown),
            ({"note": "x", "versions": ('"0"',)}, PreconditionFailed),
            ({"note": "x", "expected_total": Money(1, "GBP")}, TotalChanged),
        ],
    )
    def test_what_nobody_agreed_to(self, said: dict[str, Any], refusal: type[Exception]) -> None:
        make_method("GB")
        order = make_order((make_stock(), 1))
        before = unchanged(order)

        with pytest.raises(refusal):
            edit(order, **said)

        assert unchanged(order) == before

    def test_what_is_short_or_not_sold_any_more(self) -> None:
        make_coupon("LAST", usage_limit=1)
        scarce, gone = make_stock(on_hand=1), make_stock()
        order = place(make_cart((make_stock(on_hand=5, price_minor=1000), 1)), coupon="LAST")
        Product.objects.filter(pk=gone.variant.product_id).update(deleted_at=NOON)
        Price.objects.filter(variant=gone.variant).delete()
        before = unchanged(order)

        with pytest.raises(OutOfStock):
            edit(order, items=[item(scarce, 2)])
        with pytest.raises(ItemsUnavailable):
            edit(order, items=[ItemWish(variant=gone.variant_id, quantity=1)])

        assert unchanged(order) == before

    @pytest.mark.parametrize("to", [OrderStatus.PAID, OrderStatus.CANCELLED])
    def test_an_order_that_waits_for_no_payment(self, to: OrderStatus) -> None:
        order = make_order((make_stock(), 1))
        boss = make_user(permissions=["orders.move_order", "orders.view_order"])
        services.move_order(order_id=order.pk, to=to, actor=boss, at=NOON)
        before = unchanged(order)

        with pytest.raises(EditRefused):
            edit(order, note="x")

        assert unchanged(order) == before

    def test_an_order_that_is_not_there(self) -> None:
        with pytest.raises(OrderNotFound):
            edit(Order(pk=new_id()), note="x")
