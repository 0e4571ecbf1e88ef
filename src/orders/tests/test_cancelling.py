from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from accounts.models import User
from accounts.tests.factories import make_user
from core.errors import Forbidden
from inventory.models import Stock
from inventory.tests.factories import NOON, make_stock
from orders import services
from orders.errors import CancelRefused, MoveRefused, OrderNotFound, UnitsRefused
from orders.models import Order, OrderNote
from orders.tests.books import books_agree
from orders.tests.factories import make_guest_order, make_order
from orders.tests.gateway import agree, catch_up, charges, pay
from orders.tests.parcels import deliver, fulfil, line_ids, make_manager, make_paid_order, status_of
from payments import selectors as ledger
from payments.errors import RefundTooLarge
from payments.models import Payment, Refund


def cancel(
    order: Order,
    items: dict[UUID, int] | None = None,
    *,
    actor: User | None = None,
    token: str | None = None,
    reason: str = "Sold out.",
    is_refunded: bool = True,
) -> Order:
    wish = services.CancelWish(reason=reason, items=items, is_refunded=is_refunded)
    return services.cancel_order(order_id=order.pk, wish=wish, actor=actor, token=token, at=NOON)


def make_charged_order(*wanted: tuple[Stock, int], customer: User | None = None) -> Order:
    """Return an order that was paid through the gateway."""
    order = make_order(*wanted, customer=customer)
    pay(order)
    return order


def settle() -> None:
    """Let workers and the clock send back what is promised."""
    catch_up(after=timedelta(minutes=1))


def refunded() -> int:
    return sum(charge["refunded"] for charge in charges())


def counts(order: Order) -> list[tuple[int, int, int]]:
    return list(order.lines.order_by("position").values_list("quantity", "shipped", "cancelled"))


@pytest.mark.django_db
class TestCancelOrder:
    def test_a_customer_cancels_a_paid_order_and_the_money_goes_back_by_itself(self) -> None:
        stock, customer = make_stock(on_hand=5, price_minor=1000), make_user()
        order = make_charged_order((stock, 2), customer=customer)

        cancel(order, actor=customer)
        settle()

        stock.refresh_from_db()
        assert status_of(order) == "cancelled"
        assert counts(order) == [(2, 0, 2)]
        assert (stock.on_hand, stock.reserved) == (5, 0)
        assert refunded() == order.total_minor
        assert ledger.balance(account="refunds_due", currency="GBP") == 0
        agree()

    def test_a_guest_cancels_with_the_token_alone(self) -> None:
        order = make_guest_order()
        pay(order)

        for token in (None, "", "wrong"):
            with pytest.raises(OrderNotFound):
                cancel(order, token=token)
        assert status_of(order) == "paid"

        cancel(order, token=order.guest_token)
        settle()

        assert status_of(order) == "cancelled"
        assert refunded() == order.total_minor
        agree()

    def test_twice_is_once(self) -> None:
        customer = make_user()
        order = make_charged_order(customer=customer)

        for _ in range(2):
            cancel(order, actor=customer)
        settle()

        assert order.moves.filter(to_status="cancelled").count() == 1
        assert Refund.objects.count() == 1
        agree()

    def test_customers_cancel_no_part_and_nothing_of_which_a_part_was_sent(self) -> None:
        customer = make_user()
        order = make_paid_order((make_stock(on_hand=5), 3), customer=customer)
        line = line_ids(order)[0]

        with pytest.raises(CancelRefused) as refusal:
            cancel(order, {line: 1}, actor=customer)
        assert refusal.value.facts["reason"] == "only_as_a_whole"
        fulfil(order, {line: 1})
        with pytest.raises(CancelRefused) as refusal:
            cancel(order, actor=customer)
        assert refusal.value.facts["reason"] == "partly_shipped"

        assert counts(order) == [(3, 1, 0)]
        books_agree()

    @pytest.mark.parametrize("is_delivered", [False, True])
    def test_nobody_cancels_what_was_sent(self, is_delivered: bool) -> None:
        customer = make_user()
        order = make_paid_order((make_stock(on_hand=5), 3), customer=customer)
        parcel = fulfil(order)
        if is_delivered:
            deliver(parcel)

        for actor in (customer, make_manager()):
            with pytest.raises(MoveRefused):
                cancel(order, actor=actor)

        assert counts(order) == [(3, 3, 0)]
        books_agree()

    def test_strangers_find_nothing_and_staff_who_only_look_cancel_nothing(self) -> None:
        order = make_paid_order()

        for actor, error in (
            (None, OrderNotFound),
            (make_user(), OrderNotFound),
            (make_user(permissions=["orders.view_order"]), Forbidden),
        ):
            with pytest.raises(error):
                cancel(order, actor=actor)

        assert status_of(order) == "paid"
        assert counts(order) == [(1, 0, 0)]


@pytest.mark.django_db
class TestCancelPart:
    def test_frees_the_units_and_gives_back_what_they_cost(self) -> None:
        one, two = make_stock(on_hand=5, price_minor=1000), make_stock(on_hand=5, price_minor=300)
        order = make_charged_order((one, 3), (two, 1))
        lines = line_ids(order)

        cancel(order, {lines[0]: 2}, actor=make_manager())
        settle()

        one.refresh_from_db()
        assert counts(order) == [(3, 0, 2), (1, 0, 0)]
        assert (one.on_hand, one.reserved) == (5, 1)
        assert refunded() == 2000
        assert status_of(order) == "paid"
        assert "2 of" in OrderNote.objects.get(order=order).text
        agree()

    def test_the_rest_of_a_partly_sent_order_makes_it_shipped(self) -> None:
        stock = make_stock(on_hand=5, price_minor=1000)
        order = make_charged_order((stock, 3))
        fulfil(order, {line_ids(order)[0]: 1})

        cancel(order, actor=make_manager())
        settle()

        stock.refresh_from_db()
        assert status_of(order) == "shipped"
        assert counts(order) == [(3, 1, 2)]
        assert (stock.on_hand, stock.reserved) == (4, 0)
        assert refunded() == 2000
        agree()

    def test_the_rest_makes_it_delivered_where_all_has_arrived(self) -> None:
        order = make_charged_order((make_stock(on_hand=5), 3))
        deliver(fulfil(order, {line_ids(order)[0]: 1}))

        cancel(order, actor=make_manager())

        assert status_of(order) == "delivered"
        books_agree()

    def test_all_units_that_were_named_cancel_the_whole_and_give_all_back(self) -> None:
        order = make_charged_order((make_stock(on_hand=5, price_minor=1000), 3))
        line = line_ids(order)[0]

        cancel(order, {line: 2}, actor=make_manager())
        cancel(order, {line: 1}, actor=make_manager())
        settle()

        assert status_of(order) == "cancelled"
        assert counts(order) == [(3, 0, 3)]
        assert refunded() == order.total_minor
        assert ledger.balance(account="refunds_due", currency="GBP") == 0
        agree()

    def test_is_sent_by_hand_where_it_was_paid_by_hand(self) -> None:
        order = make_paid_order((make_stock(on_hand=5, price_minor=1000), 3))

        cancel(order, {line_ids(order)[0]: 1}, actor=make_manager())

        assert Refund.objects.get().amount_minor == 1000
        books_agree()

    def test_gives_nothing_back_where_staff_say_so(self) -> None:
        order = make_charged_order((make_stock(on_hand=5), 3))

        cancel(order, {line_ids(order)[0]: 1}, actor=make_manager(), is_refunded=False)
        settle()

        assert counts(order) == [(3, 0, 1)]
        assert refunded() == 0
        agree()

    def test_frees_goods_that_cost_nothing(self) -> None:
        order = make_charged_order((make_stock(on_hand=5, price_minor=0), 3), (make_stock(price_minor=500), 1))

        cancel(order, {line_ids(order)[0]: 1}, actor=make_manager())

        assert counts(order) == [(3, 0, 1), (1, 0, 0)]
        assert not Refund.objects.exists()
        books_agree()

    def test_refuses_units_that_were_paid_back_before(self) -> None:
        stock = make_stock(on_hand=5, price_minor=1000)
        order, boss = make_charged_order((stock, 1), (make_stock(on_hand=5), 1)), make_manager()
        payment = Payment.objects.get(order_id=order.pk)
        items = [services.RefundItem(variant=stock.variant_id, quantity=1)]
        services.refund_payment(payment_id=payment.pk, wish=services.RefundOrder(items=items), actor=boss, at=NOON)

        with pytest.raises(RefundTooLarge):
            cancel(order, {line_ids(order)[0]: 1}, actor=boss)

        stock.refresh_from_db()
        assert counts(order)[0] == (1, 0, 0)
        assert stock.reserved == 1
        assert Refund.objects.count() == 1
        agree()

    def test_refuses_units_of_an_order_that_is_not_paid(self) -> None:
        order = make_order((make_stock(on_hand=5), 3))

        with pytest.raises(CancelRefused) as refusal:
            cancel(order, {line_ids(order)[0]: 1}, actor=make_manager())

        assert refusal.value.facts["reason"] == "pending_in_part"
        assert counts(order) == [(3, 0, 0)]

    def test_refuses_more_than_is_owed_and_gives_nothing_back(self) -> None:
        order = make_charged_order((make_stock(on_hand=5), 3))
        line = line_ids(order)[0]
        fulfil(order, {line: 2})

        for wanted in ({line: 2}, {uuid4(): 1}):
            with pytest.raises(UnitsRefused):
                cancel(order, wanted, actor=make_manager())

        assert counts(order) == [(3, 2, 0)]
        assert not Refund.objects.exists()
        agree()
