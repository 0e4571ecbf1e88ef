"""Exchanges that come to nothing: what the goods that came back are worth goes on to whoever paid for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from core import outbox
from core.models import Delivery, OutboxEvent
from core.tests.threads import at_once
from inventory.tests.factories import make_stock
from orders import services
from orders.domain import OrderStatus, Resolution
from orders.models import Order, PaymentLink
from orders.services import CancelWish, RefundOrder
from orders.tests.drafting import edit, item
from orders.tests.factories import make_guest_order
from orders.tests.gateway import agree, catch_up, charges, expire, pay, set_faults, state_of, told
from orders.tests.parcels import differences, line_ids
from orders.tests.returned import make_clerk, make_received_return, make_sent_order, settle
from payments import selectors as ledger
from payments import services as payments
from payments.domain import EXCHANGES_DUE
from payments.models import Attempt, Balance, Refund
from payments.tests.factories import make_gift_card

pytestmark = pytest.mark.django_db
SOON = timedelta(minutes=1)


def clerk() -> Any:
    return make_clerk("payments.add_refund", "orders.change_order")


def make_exchange(*, price_minor: int = 1500, guest: bool = False, of: Order | None = None) -> Order:
    """Return the order that replaces goods for 10.00 by something for that price."""
    order = of or make_sent_order((make_stock(price_minor=1000), 1), guest=guest)
    other = make_stock(on_hand=5, price_minor=price_minor)
    back = make_received_return(order, wanted=Resolution.EXCHANGE, wanted_variant=other.variant_id)
    made: Order | None = settle(back, clerk()).exchange_order
    assert made is not None
    return made


def cancel(order: Order) -> None:
    services.move_order(
        order_id=order.pk, to=OrderStatus.CANCELLED, actor=clerk(), at=timezone.now(), reason="Sold out."
    )


def on_exchange() -> int:
    return sum(Balance.objects.filter(kind="exchange").values_list("left_minor", flat=True))


def credit_of(order: Order) -> int:
    assert order.customer_id is not None
    return sum(row.left_minor for row in ledger.store_credit(customer_id=order.customer_id))


def due() -> int:
    return ledger.balance(account=EXCHANGES_DUE, currency="GBP")


def passed_on() -> list[tuple[int, str]]:
    return list(Refund.objects.filter(account=EXCHANGES_DUE).order_by("pk").values_list("amount_minor", "status"))


class TestPassOnExchange:
    def test_makes_store_credit_of_it_where_the_order_lapses(self) -> None:
        order = make_exchange()

        expire(order)
        catch_up(after=SOON)

        assert (state_of(order), on_exchange(), credit_of(order)) == ("cancelled", 0, 1000)
        agree()

    def test_makes_store_credit_of_it_where_a_paid_order_is_cancelled(self) -> None:
        order = make_exchange(price_minor=1000)

        cancel(order)
        catch_up(after=SOON)

        assert (on_exchange(), credit_of(order)) == (0, 1000)
        assert ledger.balance(account="refunds_due", currency="GBP") == 0
        agree()

    def test_makes_store_credit_of_what_is_refunded_of_a_paid_order(self) -> None:
        order = make_exchange(price_minor=1000)

        services.refund_order(order_id=order.pk, wish=RefundOrder(), actor=clerk(), at=timezone.now())
        catch_up()

        assert (state_of(order), on_exchange(), credit_of(order)) == ("paid", 0, 1000)
        agree()

    def test_gives_it_back_to_a_guest_the_way_the_goods_were_paid(self) -> None:
        order = make_exchange(guest=True)

        expire(order)
        catch_up(after=SOON)

        assert (state_of(order), on_exchange(), due()) == ("cancelled", 0, 0)
        assert passed_on() == [(1000, "succeeded")]
        assert charges()[0]["refunded"] == 1000
        agree()

    def test_gives_a_guest_back_by_each_means_what_it_paid(self) -> None:
        old = make_order_by_two_means()
        order = make_exchange(of=old)

        expire(order)
        catch_up(after=SOON)

        assert Balance.objects.get(kind="gift_card").left_minor == 400
        assert charges()[0]["refunded"] == 600
        assert (on_exchange(), due()) == (0, 0)
        agree()

    def test_follows_exchanges_of_exchanges_to_the_first_payment(self) -> None:
        first = make_exchange(price_minor=1000, guest=True)
        for to in (OrderStatus.SHIPPED, OrderStatus.DELIVERED):
            services.move_order(order_id=first.pk, to=to, actor=clerk(), at=timezone.now())
        first.refresh_from_db()
        second = make_exchange(price_minor=1500, of=first)

        expire(second)
        catch_up(after=SOON)

        assert (on_exchange(), due(), charges()[0]["refunded"]) == (0, 0, 1000)
        agree()

    def test_leaves_the_rest_of_a_part_that_was_cancelled_to_the_customer(self) -> None:
        old = make_sent_order((make_stock(on_hand=2, price_minor=1000), 2))
        other = make_stock(on_hand=5, price_minor=1000)
        back = make_received_return(old, 2, wanted=Resolution.EXCHANGE, wanted_variant=other.variant_id)
        order = settle(back, clerk()).exchange_order
        assert order is not None

        wish = CancelWish(items={line_ids(order)[0]: 1})
        services.cancel_order(order_id=order.pk, wish=wish, actor=clerk(), at=timezone.now())
        catch_up()

        assert (state_of(order), on_exchange(), credit_of(order)) == ("paid", 0, 1000)
        agree()

    def test_sends_on_what_an_edit_left_over(self) -> None:
        order = make_exchange()
        cheaper = make_stock(on_hand=5, price_minor=700)

        edit(order, items=[item(cheaper)], at=timezone.now())
        catch_up()

        assert (state_of(order), on_exchange(), credit_of(order)) == ("paid", 0, 300)
        agree()

    def test_asks_staff_where_the_first_payment_does_not_take_it(self) -> None:
        order = make_exchange(guest=True)
        set_faults(refunds_fail=1)

        expire(order)
        catch_up(after=SOON)

        [failed] = Refund.objects.filter(account=EXCHANGES_DUE)
        assert (failed.status, told(), on_exchange(), due()) == ("failed", ["refund_failed"], 0, -1000)
        agree()
        payments.retry_refund(refund_id=failed.pk, actor=clerk(), at=timezone.now())
        assert (due(), charges()[0]["refunded"]) == (0, 1000)
        agree()

    def test_asks_staff_where_nothing_is_left_of_the_first_payment(self) -> None:
        order = make_exchange(guest=True)
        Attempt.objects.filter(provider="sandbox").update(disputed_minor=1000)

        expire(order)
        catch_up(after=SOON)

        assert (passed_on(), told(), on_exchange(), due()) == ([], ["refund_failed"], 0, -1000)

    def test_asks_staff_to_give_back_by_hand_what_came_by_hand(self) -> None:
        old = make_sent_by_hand()
        order = make_exchange(of=old)

        expire(order)
        catch_up(after=SOON)
        [refund] = Refund.objects.filter(account=EXCHANGES_DUE)
        payments.confirm_refund(refund_id=refund.pk, actor=clerk(), at=timezone.now())

        assert (refund.status, told(), due()) == ("created", ["refund_by_hand"], 0)
        agree()

    def test_happens_once_however_often_it_is_delivered(self) -> None:
        order = make_exchange(guest=True)
        expire(order)
        catch_up(after=SOON)

        with transaction.atomic():
            services.pass_on_exchange(order_id=order.pk, at=timezone.now())

        assert passed_on() == [(1000, "succeeded")]
        agree()

    def test_writes_no_second_credit_note_of_the_goods(self) -> None:
        order = make_exchange(guest=True)
        expire(order)
        catch_up(after=SOON)

        facts = [row.event.payload["is_of_sale"] for row in _credited()]

        assert facts == [True, False, False]


def _credited() -> list[Delivery]:
    rows = Delivery.objects.filter(handler="orders.handlers.credit_refund").select_related("event")
    return list(rows.order_by("event_id"))


def make_order_by_two_means() -> Order:
    """Return a guest's order for 10.00 that was sent: 4.00 of it paid by a gift card."""
    order = make_guest_order((make_stock(price_minor=1000), 1))
    made = make_gift_card(400)
    pay(order, "", provider="gift_card", code=made.code)
    pay(order)
    return send_on(order)


def make_sent_by_hand() -> Order:
    """Return a guest's order for 10.00 that was paid by hand and sent."""
    order = make_guest_order((make_stock(price_minor=1000), 1))
    services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=clerk(), at=timezone.now())
    return send_on(order)


def send_on(order: Order) -> Order:
    for to in (OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        services.move_order(order_id=order.pk, to=to, actor=clerk(), at=timezone.now())
    order.refresh_from_db()
    return order


class TestFindDifferences:
    def test_tells_of_what_lies_on_an_exchange_that_nobody_sends_on(self) -> None:
        order = make_exchange()
        expire(order)
        outbox.drain()
        Balance.objects.filter(kind="exchange").update(left_minor=700)

        found = [line for line in differences() if "exchange" in line]

        assert found == [
            f"order {order.number}: 700 lies on the balance of its exchange, and nobody is about to send it on"
        ]


class TestExchangeToPay:
    def test_tells_of_the_link_for_the_difference_of_something_dearer(self) -> None:
        order = make_exchange(price_minor=1500)

        told_of = OutboxEvent.objects.filter(name="orders.order_to_pay").values_list("aggregate", flat=True)
        assert list(told_of) == [str(order.pk)]
        assert PaymentLink.objects.get().order_id == order.pk

    def test_tells_of_none_where_nothing_is_left_to_pay(self) -> None:
        make_exchange(price_minor=1000)

        assert not PaymentLink.objects.exists()
        assert not OutboxEvent.objects.filter(name="orders.order_to_pay").exists()


@pytest.mark.django_db(transaction=True)
def test_an_exchange_that_is_sent_on_twice_at_once_goes_back_once() -> None:
    order = make_exchange(guest=True)
    expire(order)
    with transaction.atomic():
        services.stop_paying(order_id=order.pk, at=timezone.now())

    at_once(lambda _: _pass_on(order), range(6))
    catch_up(after=SOON)

    assert (passed_on(), on_exchange(), due()) == ([(1000, "succeeded")], 0, 0)
    agree()


def _pass_on(order: Order) -> None:
    with transaction.atomic():
        services.pass_on_exchange(order_id=order.pk, at=timezone.now())
