"""Edits of orders whose payment has begun, or was made in part."""

from __future__ import annotations

from functools import partial

import pytest
from django.utils import timezone
from pytest_django import Settings

from core.tests.threads import at_once
from inventory.models import Stock
from inventory.tests.factories import make_stock
from orders.errors import EditRefused
from orders.models import Order, OrderEdit
from orders.tests.drafting import edit, item
from orders.tests.factories import make_order
from orders.tests.gateway import agree, catch_up, charges, pay, set_faults, state_of
from payments.errors import AlreadyPaid, NotPayable, PaymentInProgress
from payments.models import Attempt, Balance, Payment
from payments.tests.factories import make_gift_card


def pay_in_part(order: Order, minor: int) -> Balance:
    """Pay a part of an order from a gift card of that much, and return it."""
    card = make_gift_card(minor)
    pay(order, "", provider="gift_card", code=card.code)
    return Balance.objects.get(pk=card.card.pk)


def set_quantity(order: Order, stock: Stock, quantity: int) -> Order:
    return edit(order, items=[item(stock, quantity)], at=timezone.now())


@pytest.mark.django_db
class TestEditOrder:
    def test_calls_off_who_was_about_to_pay_the_old_total(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))
        pay(order, "")

        set_quantity(order, stock, 2)

        payment = Payment.objects.get()
        assert Attempt.objects.get().status == "cancelled"
        assert [charge["status"] for charge in charges()] == ["voided"]
        assert payment.amount_minor == 2000
        assert pay(order).captured_minor == 2000
        assert state_of(order) == "paid"
        agree()

    def test_leaves_who_is_about_to_pay_alone_where_the_total_stays(self) -> None:
        order = make_order((make_stock(price_minor=1000), 1))
        pay(order, "")

        edit(order, note="Ring twice")

        assert Attempt.objects.get().status == "requires_action"

    def test_calls_off_a_transfer_that_is_waited_for(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))
        pay(order, "", provider="manual")

        set_quantity(order, stock, 2)

        assert Attempt.objects.get().status == "cancelled"
        assert Payment.objects.get().amount_minor == 2000

    def test_refuses_while_the_provider_is_taking_the_money(self, settings: Settings) -> None:
        settings.SANDBOX_SLOW_SECONDS = 600
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))
        pay(order, "slow")

        with pytest.raises(PaymentInProgress):
            set_quantity(order, stock, 2)

        assert not OrderEdit.objects.exists()
        assert order.lines.get().quantity == 1
        assert charges()[0]["status"] == "pending"

    def test_refuses_while_nobody_knows_whether_it_was_taken(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 1))
        set_faults(timeout_after_success=True)
        pay(order)
        set_faults()

        with pytest.raises(PaymentInProgress):
            set_quantity(order, stock, 2)

        catch_up()
        assert not OrderEdit.objects.exists()

    def test_keeps_what_was_paid_in_part_and_asks_for_the_rest(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 2))
        pay_in_part(order, 500)

        set_quantity(order, stock, 3)

        payment = Payment.objects.get()
        assert (payment.amount_minor, payment.captured_minor) == (3000, 500)
        pay(order)
        assert [charge["amount"] for charge in charges()] == [2500]
        assert state_of(order) == "paid"
        agree()

    def test_is_paid_by_the_edit_that_makes_it_cost_what_was_paid(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 2))
        pay_in_part(order, 1000)

        edited = set_quantity(order, stock, 1)

        order.refresh_from_db()
        assert (edited.status, edited.expires_at, edited.version) == ("paid", None, order.version)
        stock.refresh_from_db()
        assert state_of(order) == "paid"
        assert stock.reserved == 1
        agree()

    def test_gives_back_what_was_paid_beyond_the_new_total(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 3))
        card = pay_in_part(order, 2500)

        set_quantity(order, stock, 1)

        card.refresh_from_db()
        assert card.left_minor == 1500
        assert state_of(order) == "paid"
        agree()


@pytest.mark.django_db(transaction=True)
class TestEditOrderAtOnce:
    def test_with_a_payment_ends_with_the_total_that_was_paid(self) -> None:
        for _ in range(6):
            stock = make_stock(on_hand=9, price_minor=1000)
            order = make_order((stock, 1))

            def act(what: str, order: Order = order, stock: Stock = stock) -> str:
                try:
                    if what == "pay":
                        pay(order)
                    else:
                        set_quantity(order, stock, 2)
                except (EditRefused, NotPayable, PaymentInProgress, AlreadyPaid):
                    return "refused"
                return "done"

            at_once(act, ["pay", "edit"])

            catch_up()
            order.refresh_from_db()
            stock.refresh_from_db()
            payment = Payment.objects.get(order_id=order.pk)
            assert stock.reserved == order.lines.get().quantity == order.total_minor // 1000
            assert payment.captured_minor == (order.total_minor if order.status == "paid" else 0)
        agree()

    def test_of_the_same_request_leaves_the_payment_at_the_new_total(self) -> None:
        for _ in range(4):
            stock = make_stock(on_hand=9, price_minor=1000)
            order = make_order((stock, 1))
            set_quantity(order, stock, 2)
            again = partial(edit, order, items=[item(stock, 5)], request_key="k" * 64, at=timezone.now())

            at_once(lambda work: work(), [again] * 5)

            assert Payment.objects.get(order_id=order.pk).amount_minor == 5000
        agree()

    def test_with_another_edit_is_one_after_the_other(self) -> None:
        stock = make_stock(on_hand=50, price_minor=1000)
        order = make_order((stock, 1))

        at_once(lambda quantity: set_quantity(order, stock, quantity), range(2, 8))

        order.refresh_from_db()
        stock.refresh_from_db()
        edits = list(OrderEdit.objects.order_by("pk"))
        assert [each.total_before_minor for each in edits[1:]] == [each.total_after_minor for each in edits[:-1]]
        assert edits[-1].total_after_minor == order.total_minor == stock.reserved * 1000
        assert len(edits) == 6
        agree()

    def test_for_the_last_units_gives_them_to_one(self) -> None:
        stock = make_stock(on_hand=4, price_minor=1000)
        orders = [make_order((stock, 1)) for _ in range(2)]

        def try_to_edit(order: Order) -> str:
            try:
                set_quantity(order, stock, 3)
            except Exception as refusal:  # noqa: BLE001 - its name is compared
                return type(refusal).__name__
            return "edited"

        outcomes = sorted(at_once(try_to_edit, orders))

        stock.refresh_from_db()
        assert outcomes == ["OutOfStock", "edited"]
        assert stock.reserved == 4
        agree()
