from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from core.errors import Conflict
from core.tests.threads import at_once, in_thread, waits_for_a_lock
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from orders import services
from orders.models import Order
from orders.tests.factories import make_order
from orders.tests.gateway import agree, catch_up, pay
from orders.tests.parcels import fulfil, line_ids, make_manager, status_of
from payments.models import Payment, Refund


def make_charged_order(*, units: int = 2, customer: User | None = None) -> Order:
    order = make_order((make_stock(on_hand=5, price_minor=1000), units), customer=customer)
    pay(order)
    return order


def cancel(order: Order, items: dict[UUID, int] | None = None, *, actor: User) -> Order:
    wish = services.CancelWish(reason="Sold out.", items=items)
    return services.cancel_order(order_id=order.pk, wish=wish, actor=actor, at=timezone.now())


def try_to(act: Callable[[], object]) -> None:
    """What is refused was not possible any more; a deadlock is no refusal."""
    with suppress(Conflict):
        act()


@pytest.mark.django_db(transaction=True)
def test_r07_of_many_who_cancel_the_same_units_each_is_paid_back_once() -> None:
    staff, order = make_manager(), make_charged_order(units=3)
    line = line_ids(order)[0]

    at_once(lambda _: try_to(lambda: cancel(order, {line: 2}, actor=staff)), range(6))
    settle()

    assert order.lines.get().cancelled == 2
    assert Refund.objects.get().amount_minor == 2000
    agree()


@pytest.mark.django_db(transaction=True)
def test_r07_sending_races_cancelling_and_what_was_not_sent_is_paid_back() -> None:
    race(rounds=6)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_r07_sending_races_cancelling_two_hundred_times() -> None:
    race(rounds=200)


@pytest.mark.django_db(transaction=True)
def test_r07_a_part_is_cancelled_under_the_lock_of_its_payment() -> None:
    staff, order = make_manager(), make_charged_order()
    line = line_ids(order)[0]

    with ThreadPoolExecutor(max_workers=1) as other:
        with transaction.atomic():
            Payment.objects.filter(order_id=order.pk).locked().get()
            cancelling = other.submit(in_thread, lambda: cancel(order, {line: 1}, actor=staff))
            waited = waits_for_a_lock(cancelling)
            # It holds nothing yet of what is locked after the payment.
            free = len(Order.objects.filter(pk=order.pk).locked(nowait=True))
        cancelling.result()

    assert waited
    assert free == 1
    assert Refund.objects.count() == 1


@pytest.mark.django_db
def test_r07_what_was_begun_is_called_off_under_the_lock_of_the_payment_then_of_the_order() -> None:
    order = make_charged_order()
    cancel(order, actor=make_manager())

    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        services.stop_paying(order_id=order.pk, at=NOON)

    locks = [query["sql"] for query in captured.captured_queries if "FOR UPDATE" in query["sql"]]
    tables = [sql.partition('FOR UPDATE OF "')[2].partition('"')[0] for sql in locks]
    assert tables[:2] == ["payments_payment", "orders_order"]
    assert Refund.objects.get().amount_minor == order.total_minor


def race(*, rounds: int) -> None:
    """Send, cancel in part and as a whole, and give back, all at once; then compare every book."""
    staff = make_user(permissions=["orders.view_order", "orders.move_order", "payments.add_refund"])
    for _ in range(rounds):
        customer = make_user()
        order = make_charged_order(customer=customer)
        acts = _acts(order, line_ids(order)[0], staff, customer)

        at_once(try_to, acts)

        line, held = order.lines.get(), Stock.objects.get(variant_id=order.lines.get().variant_id)
        assert held.reserved == line.open
        assert held.on_hand == 5 - line.shipped
        assert (status_of(order) == "cancelled") == (line.cancelled == line.quantity)
    settle()
    agree()


def _acts(order: Order, line: UUID, staff: User, customer: User) -> list[Callable[[], object]]:
    payment = Payment.objects.get(order_id=order.pk)
    refund = services.RefundOrder(reason="A scratch.", request_key=order.pk.hex)
    return [
        lambda: fulfil(order, {line: 1}, actor=staff),
        lambda: cancel(order, actor=customer),
        lambda: cancel(order, {line: 1}, actor=staff),
        lambda: cancel(order, actor=staff),
        lambda: services.refund_payment(payment_id=payment.pk, wish=refund, actor=staff, at=NOON),
    ]


def settle() -> None:
    """Let workers and the clock send back what is promised."""
    catch_up()
    catch_up()
