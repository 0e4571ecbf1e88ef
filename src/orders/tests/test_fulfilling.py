from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import make_user
from core.errors import Forbidden
from inventory.models import Movement, Reservation
from inventory.tests.factories import NOON, make_stock
from orders import services
from orders.domain import OrderStatus
from orders.errors import FulfilmentNotFound, MoveRefused, OrderNotFound, UnitsRefused
from orders.models import Fulfilment, FulfilmentLine, OrderLine
from orders.tests.books import books_agree
from orders.tests.factories import make_order
from orders.tests.parcels import (
    deliver,
    differences,
    fulfil,
    line_ids,
    make_barn,
    make_manager,
    make_paid_order,
    split_line,
    status_of,
)


@pytest.mark.django_db
class TestFulfilOrder:
    def test_sends_some_units_and_owes_the_rest(self) -> None:
        one, two = make_stock(on_hand=5), make_stock(on_hand=5)
        order = make_paid_order((one, 3), (two, 1))
        first = line_ids(order)[0]

        parcel = fulfil(order, {first: 2}, carrier="Royal Mail", tracking_number="AB123456789GB")

        one.refresh_from_db()
        two.refresh_from_db()
        assert (one.on_hand, one.reserved, two.on_hand, two.reserved) == (3, 1, 5, 1)
        assert list(FulfilmentLine.objects.values_list("fulfilment", "line", "quantity")) == [(parcel.pk, first, 2)]
        assert OrderLine.objects.get(pk=first).shipped == 2
        assert status_of(order) == "paid"
        books_agree()

    def test_moves_the_order_to_shipped_with_the_last_unit(self) -> None:
        one, two = make_stock(on_hand=5), make_stock(on_hand=5)
        order = make_paid_order((one, 3), (two, 1))

        fulfil(order, {line_ids(order)[0]: 2})
        fulfil(order)

        one.refresh_from_db()
        assert status_of(order) == "shipped"
        assert (one.on_hand, one.reserved) == (2, 0)
        assert Fulfilment.objects.filter(order=order).count() == 2
        assert set(Reservation.objects.values_list("state", flat=True)) == {"shipped"}
        books_agree()

    def test_takes_units_from_all_places_that_promised_them(self) -> None:
        stock = make_stock(on_hand=2)
        barn = make_barn(stock, on_hand=3)
        order = make_paid_order((stock, 4))

        for units in (1, 2):
            fulfil(order, {line_ids(order)[0]: units})

        stock.refresh_from_db()
        barn.refresh_from_db()
        assert (stock.on_hand, stock.reserved, barn.on_hand, barn.reserved) == (0, 0, 2, 1)
        books_agree()

    def test_sends_a_line_of_each_of_two_that_are_of_one_variant(self) -> None:
        stock = make_stock(on_hand=9)
        order = make_paid_order((stock, 3))
        split_line(order, 1)
        ids = line_ids(order)

        fulfil(order, {ids[0]: 1, ids[1]: 1})

        assert list(order.lines.order_by("position").values_list("shipped", flat=True)) == [1, 1]
        books_agree()

    def test_refuses_more_than_is_owed_and_sends_nothing(self) -> None:
        stock = make_stock(on_hand=5)
        order = make_paid_order((stock, 3))
        line = line_ids(order)[0]
        fulfil(order, {line: 2})

        for wanted, left in (({line: 2}, {str(line): 1}), ({(other := uuid4()): 1}, {str(other): 0})):
            with pytest.raises(UnitsRefused) as refusal:
                fulfil(order, wanted)
            assert refusal.value.facts["left"] == left

        assert Fulfilment.objects.count() == 1
        assert Movement.objects.filter(reason="shipped").count() == 1
        books_agree()

    @pytest.mark.parametrize("path", [[], ["cancelled"], ["paid", "shipped"], ["paid", "shipped", "delivered"]])
    def test_refuses_an_order_that_is_not_paid_or_of_which_nothing_is_owed(self, path: list[str]) -> None:
        order, staff = make_order(), make_manager()
        for to in path:
            services.move_order(order_id=order.pk, to=OrderStatus(to), actor=staff, at=NOON)
        before = Fulfilment.objects.count()

        with pytest.raises(MoveRefused):
            fulfil(order)

        assert Fulfilment.objects.count() == before
        books_agree()

    def test_gives_the_same_parcel_for_the_same_request(self) -> None:
        order = make_paid_order((make_stock(on_hand=5), 3))
        line = line_ids(order)[0]

        first = fulfil(order, {line: 1}, request_key="k")
        again = fulfil(order, {line: 1}, request_key="k")

        assert first == again
        assert OrderLine.objects.get(pk=line).shipped == 1

    def test_is_for_staff_who_move_orders(self) -> None:
        customer = make_user()
        order = make_order(customer=customer)
        services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=make_manager(), at=NOON)

        for actor, refusal in (
            (customer, Forbidden),
            (make_user(), OrderNotFound),
            (make_user(permissions=["orders.view_order"]), Forbidden),
        ):
            with pytest.raises(refusal):
                fulfil(order, actor=actor)

        assert not Fulfilment.objects.exists()

    def test_costs_the_same_for_one_line_and_for_ten(self) -> None:
        one = make_paid_order((make_stock(on_hand=5), 2))
        ten = make_paid_order(*((make_stock(on_hand=5), 2) for _ in range(10)))
        staff, counts = make_manager(), []
        fulfil(make_paid_order(), actor=staff)

        for order in (one, ten):
            with CaptureQueriesContext(connection) as statements:
                fulfil(order, dict.fromkeys(line_ids(order), 1), actor=staff)
            counts.append(len(statements))

        assert counts[0] == counts[1]


@pytest.mark.django_db
class TestUpdateFulfilment:
    def test_corrects_what_is_given_and_leaves_the_rest(self) -> None:
        parcel = fulfil(make_paid_order(), carrier="DHL", tracking_number="1")
        change = services.ParcelChange(tracking_number="2")

        changed = services.update_fulfilment(fulfilment_id=parcel.pk, change=change, actor=make_manager())

        assert (changed.carrier, changed.tracking_number) == ("DHL", "2")
        assert changed.link == "https://www.dhl.com/global-en/home/tracking.html?tracking-id=2"

    def test_finds_no_parcel_of_others(self) -> None:
        parcel = fulfil(make_paid_order(), carrier="DHL")
        change = services.ParcelChange(carrier="UPS")

        with pytest.raises(FulfilmentNotFound):
            services.update_fulfilment(fulfilment_id=uuid4(), change=change, actor=make_manager())
        with pytest.raises(OrderNotFound):
            services.update_fulfilment(fulfilment_id=parcel.pk, change=change, actor=make_user())

        assert Fulfilment.objects.get().carrier == "DHL"


@pytest.mark.django_db
class TestDeliverFulfilment:
    def test_moves_the_order_to_delivered_when_all_have_arrived(self) -> None:
        order = make_paid_order((make_stock(on_hand=5), 2))
        one = fulfil(order, {line_ids(order)[0]: 1})
        deliver(one)
        assert status_of(order) == "paid"
        two = fulfil(order)
        assert status_of(order) == "shipped"

        deliver(two)

        assert status_of(order) == "delivered"
        books_agree()

    def test_says_delivered_at_once_where_the_last_parcel_was_the_only_one_under_way(self) -> None:
        order = make_paid_order((make_stock(on_hand=5), 2))
        two = (fulfil(order, {line_ids(order)[0]: 1}), fulfil(order))

        for parcel in (*two, *two):
            deliver(parcel)

        assert list(order.moves.order_by("pk").values_list("to_status", flat=True)) == [
            "pending",
            "paid",
            "shipped",
            "delivered",
        ]

    def test_keeps_the_first_time(self) -> None:
        parcel = fulfil(make_paid_order((make_stock(on_hand=5), 2)))
        deliver(parcel)

        later = services.deliver_fulfilment(fulfilment_id=parcel.pk, actor=make_manager(), at=NOON + timedelta(hours=1))

        assert later.delivered_at == NOON

    def test_r37_a_clock_that_is_behind_delivers_when_it_was_sent(self) -> None:
        order = make_paid_order()
        parcel = fulfil(order)

        early = services.deliver_fulfilment(
            fulfilment_id=parcel.pk, actor=make_manager(), at=NOON - timedelta(minutes=10)
        )

        assert early.delivered_at == NOON
        books_agree()


@pytest.mark.django_db
class TestMoveOrderWithParcels:
    def test_shipped_sends_what_is_left(self) -> None:
        stock = make_stock(on_hand=5)
        order = make_paid_order((stock, 3))
        fulfil(order, {line_ids(order)[0]: 1})

        services.move_order(order_id=order.pk, to=OrderStatus.SHIPPED, actor=make_manager(), at=NOON, carrier="UPS")

        stock.refresh_from_db()
        assert list(order.fulfilments.order_by("pk").values_list("carrier", "lines__quantity")) == [("", 1), ("UPS", 2)]
        assert (stock.on_hand, stock.reserved) == (2, 0)
        books_agree()

    def test_delivered_marks_all_parcels(self) -> None:
        order = make_paid_order((make_stock(on_hand=5), 3))
        fulfil(order, {line_ids(order)[0]: 1})
        fulfil(order)

        services.move_order(order_id=order.pk, to=OrderStatus.DELIVERED, actor=make_manager(), at=NOON)

        assert set(order.fulfilments.values_list("delivered_at", flat=True)) == {NOON}
        books_agree()

    def test_cancelled_is_refused_once_a_part_was_sent(self) -> None:
        order = make_paid_order((make_stock(on_hand=5), 3))
        fulfil(order, {line_ids(order)[0]: 1})

        with pytest.raises(MoveRefused):
            services.move_order(order_id=order.pk, to=OrderStatus.CANCELLED, actor=make_manager(), at=NOON)

        assert status_of(order) == "paid"
        books_agree()


@pytest.mark.django_db
class TestVerifyBooks:
    @pytest.mark.parametrize(
        "forge",
        [
            "UPDATE orders_orderline SET shipped = 2",
            "UPDATE orders_orderline SET cancelled = 1",
            "UPDATE orders_fulfilmentline SET quantity = 2",
            "UPDATE inventory_reservation SET shipped = 0",
            "UPDATE orders_order SET status = 'shipped'",
            "DELETE FROM orders_fulfilmentline",
        ],
    )
    def test_finds_a_parcel_that_does_not_agree(self, forge: str) -> None:
        order = make_paid_order((make_stock(on_hand=5), 3))
        fulfil(order, {line_ids(order)[0]: 1})
        books_agree()
        with connection.cursor() as cursor:
            cursor.execute(forge)

        assert differences()
