"""Inspecting what came in: what it is worth, where the money goes, what goes back on the shelf."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils import timezone

from inventory.errors import OutOfStock
from inventory.models import Stock
from inventory.tests.factories import make_stock
from markets.models import Market
from orders import services
from orders.domain import OrderStatus, Resolution
from orders.errors import DeductionTooLarge, ExchangeRefused, ReturnMoveRefused, UnitsDisagree
from orders.models import Order, Return
from orders.services import Inspected, RefundItem, RefundOrder
from orders.tests.factories import make_order
from orders.tests.gateway import agree, catch_up, set_faults
from orders.tests.returned import make_clerk, make_received_return, make_return, make_sent_order, settle
from payments.errors import NothingToCredit, RefundTooLarge
from payments.models import Balance, Payment, Refund
from pricing.tests.rules import make_method, make_rate, tell_of_rules
from products.models import Variant
from products.tests.factories import make_variant
from promotions.tests.factories import make_promotion

pytestmark = pytest.mark.django_db


def line_of(order: Order) -> UUID:
    return order.lines.order_by("position")[0].pk


def refunds() -> list[tuple[str, int, str]]:
    return [(row.to, row.amount_minor, row.status) for row in Refund.objects.order_by("pk")]


def sibling_of(stock: Stock, *, on_hand: int = 5, price_minor: int = 1000) -> Stock:
    """Return the stock of another variant of the same product."""
    product = Variant.objects.get(pk=stock.variant_id).product
    return make_stock(on_hand=on_hand, variant=make_variant(product, price_minor=price_minor, options={"Size": "L"}))


class TestSettleReturn:
    def test_pays_back_what_the_goods_cost_and_puts_them_on_the_shelf(self) -> None:
        stock = make_stock(on_hand=5, price_minor=1250)
        order = make_sent_order((stock, 3))
        back = make_received_return(order, 2)

        settled = settle(back, items={line_of(order): Inspected(accepted=2, restocked=1, condition="One is chipped.")})

        stock.refresh_from_db()
        line, row = order.lines.get(), back.lines.get()
        assert (settled.status, settled.settled_as, settled.worth_minor) == ("completed", "refund", 2500)
        assert refunds() == [("payment", 2500, "succeeded")]
        assert settled.refund_id == Refund.objects.get().pk
        assert (line.returned, line.returning) == (2, 0)
        assert (row.accepted, row.restocked, row.condition) == (2, 1, "One is chipped.")
        assert stock.on_hand == 3
        agree()

    def test_takes_all_that_came_where_nothing_else_is_said(self) -> None:
        stock = make_stock(on_hand=5)
        order = make_sent_order((stock, 2))

        settle(make_received_return(order, 2), is_restocked=True)

        stock.refresh_from_db()
        assert order.lines.get().returned == 2
        assert stock.on_hand == 5
        agree()

    def test_frees_what_was_not_taken_back(self) -> None:
        order = make_sent_order((make_stock(), 2))
        back = make_received_return(order, 2)

        settle(back, items={line_of(order): Inspected(accepted=1)})

        line = order.lines.get()
        assert (line.returned, line.returning) == (1, 0)
        assert make_return(order).status == "requested"
        agree()

    def test_gives_back_the_last_minor_unit_with_the_last_unit(self) -> None:
        make_promotion("Off", benefit="amount", amounts={"GBP": {"amount": 100}})
        tell_of_rules()
        order = make_sent_order((make_stock(on_hand=5, price_minor=1000), 3))

        for _ in range(3):
            settle(make_received_return(order))

        assert [amount for _, amount, _ in refunds()] == [966, 967, 967]
        assert Payment.objects.get(order_id=order.pk).refunded_minor == order.total_minor == 2900
        agree()

    def test_counts_a_lines_own_discount(self) -> None:
        cheap, dear = make_stock(price_minor=1000), make_stock(price_minor=1000)
        make_promotion("Half", per="line", percent_bp=5000, variants=[cheap.variant_id])
        tell_of_rules()
        order = make_sent_order((cheap, 1), (dear, 1))

        settle(make_received_return(order, 0, 1))

        assert order.total_minor == 1500
        assert refunds() == [("payment", 1000, "succeeded")]

    def test_keeps_what_staff_deduct(self) -> None:
        order = make_sent_order((make_stock(price_minor=1250), 1))

        settled = settle(make_received_return(order), deduction=Decimal("2.50"))

        assert refunds() == [("payment", 1000, "succeeded")]
        assert settled.deduction_minor == 250
        agree()

    def test_pays_nothing_where_all_is_deducted(self) -> None:
        order = make_sent_order((make_stock(price_minor=1250), 1))

        settled = settle(make_received_return(order), deduction=Decimal("12.50"))

        assert settled.status == "completed"
        assert refunds() == []
        agree()

    def test_refuses_to_keep_more_than_it_is_worth(self) -> None:
        back = make_received_return(make_sent_order((make_stock(price_minor=1250), 1)))

        with pytest.raises(DeductionTooLarge) as refusal:
            settle(back, deduction=Decimal("12.51"))

        back.refresh_from_db()
        assert refusal.value.facts == {"worth": {"amount": "12.50", "currency": "GBP"}}
        assert back.status == "received"
        assert refunds() == []

    def test_refuses_units_that_did_not_come(self) -> None:
        stock = make_stock(on_hand=5)
        order = make_sent_order((stock, 2))
        back = make_received_return(order, 1)

        for found in (Inspected(accepted=2), Inspected(accepted=1, restocked=2)):
            with pytest.raises(UnitsDisagree):
                settle(back, items={line_of(order): found})

        stock.refresh_from_db()
        assert stock.on_hand == 3
        assert refunds() == []
        assert order.lines.get().returned == 0

    def test_refuses_goods_that_are_not_here(self) -> None:
        back = make_return(make_sent_order())

        with pytest.raises(ReturnMoveRefused):
            settle(back)

        assert refunds() == []

    def test_pays_once_however_often_it_is_settled(self) -> None:
        back = make_received_return(make_sent_order())

        for _ in range(2):
            settle(back)

        assert len(refunds()) == 1
        agree()

    def test_pays_nothing_for_units_that_were_paid_back_before(self) -> None:
        order = make_sent_order((make_stock(price_minor=1000), 2))
        payment = Payment.objects.get(order_id=order.pk)
        clerk = make_clerk("payments.add_refund")
        item = RefundItem(variant=order.lines.get().variant_id, quantity=1)
        services.refund_payment(payment_id=payment.pk, wish=RefundOrder(items=[item]), actor=clerk, at=timezone.now())

        settle(make_received_return(order, 2))

        assert [amount for _, amount, _ in refunds()] == [1000, 1000]
        agree()

    def test_refuses_more_than_the_payment_holds(self) -> None:
        order = make_sent_order((make_stock(price_minor=1000), 1))
        payment = Payment.objects.get(order_id=order.pk)
        wish = RefundOrder(amount=Decimal("5.00"))
        services.refund_payment(payment_id=payment.pk, wish=wish, actor=make_clerk(), at=timezone.now())
        back = make_received_return(order)

        with pytest.raises(RefundTooLarge):
            settle(back)

        back.refresh_from_db()
        assert back.status == "received"
        assert order.lines.get().returned == 0
        assert len(refunds()) == 1

    def test_gives_store_credit_to_a_customer(self) -> None:
        order = make_sent_order((make_stock(price_minor=1250), 1))

        settle(make_received_return(order, wanted=Resolution.STORE_CREDIT))

        assert refunds() == [("store_credit", 1250, "succeeded")]
        assert Balance.objects.get(customer=order.customer).left_minor == 1250
        agree()

    def test_refuses_store_credit_to_a_guest(self) -> None:
        back = make_received_return(make_sent_order(guest=True))

        with pytest.raises(NothingToCredit):
            settle(back, resolution=Resolution.STORE_CREDIT)

        assert refunds() == []

    def test_pays_delivery_back_once_if_staff_say_so(self) -> None:
        make_method("GB", amount_minor=395)
        tell_of_rules()
        order = make_sent_order((make_stock(price_minor=1000), 2))

        for _ in range(2):
            settle(make_received_return(order), with_delivery=True)

        assert [amount for _, amount, _ in refunds()] == [1395, 1000]
        agree()

    def test_r29_asks_again_where_the_provider_was_silent_and_pays_once(self) -> None:
        order = make_sent_order((make_stock(price_minor=1000), 1))
        back = make_received_return(order)
        set_faults(timeout_after_success=1)

        settle(back)
        catch_up(after=timedelta(minutes=2))

        assert refunds() == [("payment", 1000, "succeeded")]
        agree()


class TestExchange:
    def test_sends_another_variant_for_what_the_first_one_cost(self) -> None:
        small = make_stock(on_hand=5, price_minor=1000)
        large = sibling_of(small, price_minor=1400)
        order = make_sent_order((small, 2))
        back = make_received_return(order, wanted=Resolution.EXCHANGE, wanted_variant=large.variant_id)

        settled = settle(back, is_restocked=True)

        replacement = settled.exchange_order
        assert replacement is not None
        assert (replacement.status, replacement.total_minor) == ("paid", 1000)
        assert [(line.variant_id, line.quantity) for line in replacement.lines.all()] == [(large.variant_id, 1)]
        assert refunds() == [("exchange", 1000, "succeeded")]
        assert Balance.objects.get(kind="exchange").left_minor == 0
        large.refresh_from_db()
        small.refresh_from_db()
        assert (large.reserved, small.on_hand) == (1, 4)
        catch_up()
        agree()

    def test_asks_for_no_pennies_that_only_rounding_made(self) -> None:
        make_rate("GB")
        small = make_stock(on_hand=5, price_minor=999)
        Market.objects.update(prices_include_tax=False)
        tell_of_rules()
        order = make_sent_order((small, 3))
        back = make_received_return(order, wanted=Resolution.EXCHANGE, wanted_variant=sibling_of(small).variant_id)

        settled = settle(back)

        assert settled.exchange_order is not None
        assert settled.exchange_order.status == "paid"
        agree()

    def test_waits_for_the_difference_of_something_dearer(self) -> None:
        order = make_sent_order((make_stock(price_minor=1000), 1))
        dearer = make_stock(on_hand=5, price_minor=1500)
        back = make_received_return(order, wanted=Resolution.EXCHANGE, wanted_variant=dearer.variant_id)

        settled = settle(back)

        replacement = settled.exchange_order
        assert replacement is not None
        payment = Payment.objects.get(order_id=replacement.pk)
        assert (replacement.status, replacement.total_minor) == ("pending", 1500)
        assert (payment.captured_minor, payment.amount_minor) == (1000, 1500)
        agree()

    def test_gives_the_difference_of_something_cheaper_back(self) -> None:
        order = make_sent_order((make_stock(price_minor=1000), 1))
        cheaper = make_stock(on_hand=5, price_minor=700)
        back = make_received_return(order, wanted=Resolution.EXCHANGE, wanted_variant=cheaper.variant_id)

        settled = settle(back)

        assert settled.exchange_order is not None
        assert settled.exchange_order.status == "paid"
        assert refunds() == [("exchange", 700, "succeeded"), ("payment", 300, "succeeded")]
        agree()

    def test_replaces_what_was_not_said_otherwise_by_the_same(self) -> None:
        stock = make_stock(on_hand=5)
        order = make_sent_order((stock, 1))

        settled = settle(make_received_return(order), resolution=Resolution.EXCHANGE)

        assert settled.exchange_order is not None
        assert settled.exchange_order.lines.get().variant_id == stock.variant_id
        agree()

    def test_of_a_guest_has_a_token_of_its_own(self) -> None:
        order = make_sent_order((make_stock(on_hand=5), 1), guest=True)

        settled = settle(make_received_return(order), resolution=Resolution.EXCHANGE)

        assert settled.exchange_order is not None
        assert settled.exchange_order.guest_token not in ("", order.guest_token)

    def test_changes_nothing_where_it_is_sold_out(self) -> None:
        order = make_sent_order((make_stock(), 1))
        scarce = make_stock(on_hand=0)
        back = make_received_return(order)
        Return.objects.filter(pk=back.pk).update(wanted="exchange")
        back.lines.update(wanted_variant=scarce.variant_id)

        with pytest.raises((OutOfStock, ExchangeRefused)):
            settle(back)

        back.refresh_from_db()
        assert back.status == "received"
        assert refunds() == []
        assert not Balance.objects.exists()
        assert Order.objects.count() == 1

    def test_gives_money_instead_if_staff_choose_so(self) -> None:
        order = make_sent_order((make_stock(price_minor=1000), 1))
        back = make_received_return(order, wanted=Resolution.EXCHANGE, wanted_variant=make_stock().variant_id)

        settle(back, resolution=Resolution.REFUND)

        assert refunds() == [("payment", 1000, "succeeded")]
        assert Order.objects.count() == 1


def test_an_order_that_was_paid_elsewhere_can_be_settled_without_money() -> None:
    order = make_order((make_stock(price_minor=1000), 1))
    clerk = make_clerk()
    for to in (OrderStatus.PAID, OrderStatus.SHIPPED):
        services.move_order(order_id=order.pk, to=to, actor=clerk, at=timezone.now())
    Payment.objects.filter(order_id=order.pk).update(order_id=order.lines.get().pk)
    back = make_received_return(order)

    with pytest.raises(RefundTooLarge):
        settle(back)
    settled = settle(back, deduction=Decimal("10.00"))

    assert settled.status == "completed"
    assert refunds() == []
