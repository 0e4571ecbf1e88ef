"""Asking to send something back, and what staff say to it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.tests.factories import make_user
from core.errors import Malformed
from core.ids import new_id
from core.models import OutboxEvent
from inventory.models import Movement
from inventory.tests.factories import make_stock
from orders import services
from orders.domain import OrderStatus, Resolution, ReturnReason
from orders.errors import (
    ExchangeRefused,
    NotReturnable,
    OrderNotFound,
    ReturnMoveRefused,
    ReturnNotFound,
    UnitsDisagree,
)
from orders.models import Order, OrderLine, Return
from orders.services import Asker, RefundItem, RefundOrder, ReturnItem, ReturnWish
from orders.tests.books import books_agree
from orders.tests.factories import make_order
from orders.tests.gateway import agree, pay
from orders.tests.returned import (
    buyer_of,
    make_clerk,
    make_received_return,
    make_return,
    make_sent_order,
    send,
    wish_for,
)
from payments.errors import NothingToCredit

pytestmark = pytest.mark.django_db


def request(order: Order, *quantities: int, asker: Asker | None = None, **wish: Any) -> Return:
    return services.request_return(
        order_id=order.pk, wish=wish_for(order, *quantities, **wish), asker=asker or buyer_of(order), at=timezone.now()
    )


def moves() -> list[tuple[str, str]]:
    facts = OutboxEvent.objects.filter(name="orders.return_moved").order_by("pk")
    return [(fact.payload["from_status"], fact.payload["to_status"]) for fact in facts]


class TestRequestReturn:
    def test_holds_the_units_and_tells_of_it(self) -> None:
        order = make_sent_order((make_stock(), 3), (make_stock(), 1))

        back = request(order, 2)

        line = order.lines.order_by("position")[0]
        assert (back.status, back.wanted, back.actor) == ("requested", "refund", order.customer)
        assert [(row.line_id, row.quantity, row.reason) for row in back.lines.all()] == [(line.pk, 2, "faulty")]
        assert (line.returning, line.returned) == (2, 0)
        assert moves() == [("", "requested")]
        books_agree()

    def test_takes_a_guest_by_the_orders_token_alone(self) -> None:
        order = make_sent_order(guest=True)

        for token in (None, "", "wrong"):
            with pytest.raises(OrderNotFound):
                request(order, asker=Asker(viewer=None, token=token))

        assert request(order).order == order
        assert Return.objects.count() == 1

    def test_s01_finds_no_order_of_others(self) -> None:
        order = make_sent_order()

        for asker in (make_user(), make_user(permissions=["orders.view_order"])):
            with pytest.raises(OrderNotFound):
                request(order, asker=Asker(viewer=asker))

        assert not Return.objects.exists()

    def test_lets_staff_ask_for_a_customer(self) -> None:
        order, clerk = make_sent_order(), make_clerk()

        back = request(order, asker=Asker(viewer=clerk))

        assert back.actor == clerk

    def test_refuses_units_that_were_never_sent(self) -> None:
        order = make_order()
        pay(order)

        with pytest.raises(NotReturnable) as refusal:
            request(order)

        assert refusal.value.facts == {"left": {str(order.lines.get().pk): 0}}
        assert not Return.objects.exists()

    def test_refuses_units_that_are_on_their_way_already(self) -> None:
        order = make_sent_order((make_stock(), 3))
        make_return(order, 2)

        with pytest.raises(NotReturnable) as refusal:
            request(order, 2)

        assert refusal.value.facts == {"left": {str(order.lines.get().pk): 1}}
        assert Return.objects.count() == 1
        assert order.lines.get().returning == 2

    def test_refuses_units_that_came_back_with_a_refund(self) -> None:
        stock = make_stock(on_hand=9)
        order = make_sent_order((stock, 2))
        back = [RefundItem(line=order.lines.get().pk, quantity=1, restock=True)]
        services.refund_order(
            order_id=order.pk, wish=RefundOrder(items=back), actor=make_user(is_superuser=True), at=timezone.now()
        )

        with pytest.raises(NotReturnable) as refusal:
            request(order, 2)

        assert refusal.value.facts == {"left": {str(order.lines.get().pk): 1}}
        assert request(order, 1).status == "requested"
        agree()

    def test_s01_refuses_a_line_of_another_order(self) -> None:
        order, other = make_sent_order(), make_sent_order()
        item = ReturnItem(line=other.lines.get().pk, quantity=1, reason=ReturnReason.OTHER)

        with pytest.raises(NotReturnable):
            services.request_return(
                order_id=order.pk, wish=ReturnWish(items=[item]), asker=buyer_of(order), at=timezone.now()
            )

        assert not Return.objects.exists()
        assert not OrderLine.objects.filter(returning__gt=0).exists()

    def test_is_the_same_return_for_the_same_request(self) -> None:
        order = make_sent_order((make_stock(), 2))
        wish = ReturnWish(items=wish_for(order).items, request_key="k")

        first, second = (
            services.request_return(order_id=order.pk, wish=wish, asker=buyer_of(order), at=timezone.now())
            for _ in range(2)
        )

        assert first == second
        assert order.lines.get().returning == 1

    def test_refuses_an_exchange_for_nothing_or_for_what_is_not_sold(self) -> None:
        order = make_sent_order()

        for variant, reason in ((None, "no_variant"), (new_id(), "not_sold")):
            with pytest.raises(ExchangeRefused) as refusal:
                request(order, wanted=Resolution.EXCHANGE, wanted_variant=variant)
            assert refusal.value.facts["reason"] == reason

        assert not Return.objects.exists()

    def test_refuses_store_credit_for_a_guest(self) -> None:
        order = make_sent_order(guest=True)

        with pytest.raises(NothingToCredit):
            request(order, wanted=Resolution.STORE_CREDIT)

        assert not Return.objects.exists()


class TestApproveReturn:
    def test_says_where_to_send_it(self) -> None:
        back = make_return(make_sent_order())

        services.approve_return(return_id=back.pk, answer="To 1 Dock Road.", at=timezone.now())

        back.refresh_from_db()
        assert (back.status, back.answer) == ("approved", "To 1 Dock Road.")
        assert back.approved_at is not None
        assert moves()[-1] == ("requested", "approved")

    def test_changes_nothing_the_second_time(self) -> None:
        back = make_return(make_sent_order())

        for answer in ("first", "second"):
            services.approve_return(return_id=back.pk, answer=answer, at=timezone.now())

        back.refresh_from_db()
        assert back.answer == "first"
        assert len(moves()) == 2

    def test_finds_no_return_that_is_not_there(self) -> None:
        with pytest.raises(ReturnNotFound):
            services.approve_return(return_id=new_id(), at=timezone.now())


class TestRejectReturn:
    def test_frees_the_units(self) -> None:
        order = make_sent_order()
        back = make_return(order)

        services.reject_return(return_id=back.pk, answer="It was worn.", at=timezone.now())

        back.refresh_from_db()
        line = order.lines.get()
        assert (back.status, back.answer) == ("rejected", "It was worn.")
        assert (line.returning, line.returned) == (0, 0)
        assert request(order).status == "requested"
        books_agree()

    def test_refuses_once_the_goods_are_here(self) -> None:
        back = make_received_return(make_sent_order())

        with pytest.raises(ReturnMoveRefused):
            services.reject_return(return_id=back.pk, answer="No.", at=timezone.now())

        back.refresh_from_db()
        assert back.status == "received"


class TestCancelReturn:
    def test_lets_the_buyer_keep_the_goods(self) -> None:
        order = make_sent_order()
        back = make_return(order)

        services.cancel_return(return_id=back.pk, asker=buyer_of(order), at=timezone.now())

        back.refresh_from_db()
        assert back.status == "cancelled"
        assert order.lines.get().returning == 0

    def test_s01_finds_no_return_of_others(self) -> None:
        back = make_return(make_sent_order())

        with pytest.raises(ReturnNotFound):
            services.cancel_return(return_id=back.pk, asker=Asker(viewer=make_user()), at=timezone.now())

        back.refresh_from_db()
        assert back.status == "requested"

    def test_refuses_once_the_goods_are_here(self) -> None:
        order = make_sent_order()
        back = make_received_return(order)

        with pytest.raises(ReturnMoveRefused):
            services.cancel_return(return_id=back.pk, asker=buyer_of(order), at=timezone.now())

        assert order.lines.get().returning == 1


class TestReceiveReturn:
    def test_notes_what_was_in_the_parcel_and_moves_no_stock(self) -> None:
        order = make_sent_order((make_stock(), 3))
        back = make_return(order, 3)
        services.approve_return(return_id=back.pk, at=timezone.now())

        services.receive_return(return_id=back.pk, units={order.lines.get().pk: 2}, at=timezone.now())

        back.refresh_from_db()
        line = order.lines.get()
        assert back.status == "received"
        assert back.lines.get().received == 2
        assert (line.returning, line.returned) == (3, 0)
        assert not Movement.objects.filter(reason="returned").exists()

    def test_refuses_more_than_was_announced(self) -> None:
        order = make_sent_order((make_stock(), 3))
        back = make_return(order, 2)
        services.approve_return(return_id=back.pk, at=timezone.now())

        for units in ({order.lines.get().pk: 3}, {new_id(): 1}):
            with pytest.raises(UnitsDisagree):
                services.receive_return(return_id=back.pk, units=units, at=timezone.now())

        back.refresh_from_db()
        assert back.status == "approved"

    def test_refuses_an_empty_parcel(self) -> None:
        back = make_return(make_sent_order())
        services.approve_return(return_id=back.pk, at=timezone.now())

        with pytest.raises(Malformed):
            services.receive_return(return_id=back.pk, units={}, at=timezone.now())

        back.refresh_from_db()
        assert back.status == "approved"

    def test_refuses_what_was_not_approved(self) -> None:
        back = make_return(make_sent_order())

        with pytest.raises(ReturnMoveRefused):
            services.receive_return(return_id=back.pk, at=timezone.now())

        assert back.lines.get().received == 0


class TestShippedOrder:
    def test_takes_returns_before_it_is_delivered(self) -> None:
        order = send(make_order(), to=(OrderStatus.SHIPPED,))

        assert request(order).status == "requested"
