from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import pytest

from core.tests.threads import at_once
from inventory.tests.factories import NOON, make_stock
from orders import services
from orders.domain import OrderStatus
from orders.errors import MoveRefused, UnitsRefused
from orders.models import Fulfilment, Order
from orders.tests.books import books_agree
from orders.tests.parcels import fulfil, line_ids, make_manager, make_paid_order, status_of


@pytest.mark.django_db(transaction=True)
def test_r07_a_unit_that_many_send_at_once_is_sent_once() -> None:
    stock = make_stock(on_hand=9)
    order, staff = make_paid_order((stock, 3)), make_manager()
    line = line_ids(order)[0]

    def send(_: int) -> str:
        try:
            fulfil(order, {line: 2}, actor=staff)
        except (UnitsRefused, MoveRefused):
            return "refused"
        return "sent"

    outcomes = sorted(at_once(send, range(6)))

    stock.refresh_from_db()
    assert outcomes == ["refused"] * 5 + ["sent"]
    assert (stock.on_hand, stock.reserved) == (7, 1)
    books_agree()


@pytest.mark.django_db(transaction=True)
def test_two_parcels_that_arrive_at_once_make_the_order_delivered() -> None:
    staff = make_manager()

    for _ in range(5):
        order = make_paid_order((make_stock(on_hand=5), 2))
        both = [fulfil(order, {line_ids(order)[0]: 1}), fulfil(order)]

        def arrive(parcel: Fulfilment) -> None:
            services.deliver_fulfilment(fulfilment_id=parcel.pk, actor=staff, at=NOON)

        at_once(arrive, both)

        assert status_of(order) == "delivered"
    books_agree()


@pytest.mark.django_db(transaction=True)
def test_r07_sending_races_cancelling_and_only_one_of_them_gets_the_unit() -> None:
    race_parcels_and_cancels(rounds=12)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_r07_sending_races_cancelling_two_hundred_times() -> None:
    race_parcels_and_cancels(rounds=200)


def race_parcels_and_cancels(*, rounds: int) -> None:
    staff = make_manager()
    for _ in range(rounds):
        order = make_paid_order((make_stock(on_hand=5), 2))
        line = line_ids(order)[0]

        def send(order: Order = order, line: UUID = line) -> None:
            fulfil(order, {line: 1}, actor=staff)

        def cancel(order: Order = order) -> None:
            services.move_order(order_id=order.pk, to=OrderStatus.CANCELLED, actor=staff, at=NOON)

        acts: list[Callable[[], None]] = [send, cancel, send, cancel]
        at_once(try_to, acts)

    books_agree()


def try_to(act: Callable[[], None]) -> None:
    with suppress(MoveRefused, UnitsRefused):
        act()
