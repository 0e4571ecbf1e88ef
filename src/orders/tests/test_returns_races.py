"""Two of them at once: what the locks and the constraints of returns are for."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.errors import DomainError
from core.tests.threads import at_once
from inventory.tests.factories import make_stock
from orders import services
from orders.domain import OrderStatus, Resolution
from orders.models import Order, OrderLine, Return, Withdrawal
from orders.services import Declaration, RefundOrder
from orders.tests.factories import make_order
from orders.tests.gateway import agree, catch_up, pay
from orders.tests.returned import (
    buyer_of,
    make_clerk,
    make_received_return,
    make_return,
    make_sent_order,
    settle,
    wish_for,
)
from payments.models import Payment, Refund

ROUNDS = 6


def outcome(work: Any) -> str:
    try:
        return str(getattr(work(), "status", "done"))
    except DomainError as refusal:
        return refusal.code


def request(order: Order, *quantities: int) -> Return:
    return services.request_return(
        order_id=order.pk, wish=wish_for(order, *quantities), asker=buyer_of(order), at=timezone.now()
    )


@pytest.mark.django_db(transaction=True)
class TestReturnsAtOnce:
    def test_a_unit_is_asked_for_once(self) -> None:
        order = make_sent_order((make_stock(on_hand=9), 3))

        outcomes = sorted(at_once(lambda _: outcome(partial(request, order, 1)), range(8)))

        assert outcomes == ["orders.not_returnable"] * 5 + ["requested"] * 3
        assert order.lines.get().returning == 3
        agree()

    def test_a_return_is_settled_once(self) -> None:
        for _ in range(ROUNDS):
            stock = make_stock(on_hand=9, price_minor=1000)
            back = make_received_return(make_sent_order((stock, 2)), 2)
            clerk = make_clerk()

            at_once(outcome, [partial(settle, back, clerk, is_restocked=True)] * 4)

            stock.refresh_from_db()
            assert [row.amount_minor for row in Refund.objects.filter(reason="Returned goods.")][-1] == 2000
            assert stock.on_hand == 9
        assert Refund.objects.count() == ROUNDS
        agree()

    def test_r07_settling_races_a_refund_of_all(self) -> None:
        for _ in range(ROUNDS):
            order = make_sent_order((make_stock(price_minor=1000), 1))
            back, clerk = make_received_return(order), make_clerk()
            payment = Payment.objects.get(order_id=order.pk)
            refund = partial(
                services.refund_payment, payment_id=payment.pk, wish=RefundOrder(), actor=clerk, at=timezone.now()
            )

            at_once(outcome, [partial(settle, back, clerk), refund])

            payment.refresh_from_db()
            assert payment.refunded_minor == 1000
        agree()

    def test_r02_exchanges_of_each_others_goods_end_without_deadlock(self) -> None:
        small, large = make_stock(on_hand=60), make_stock(on_hand=60)
        clerk = make_clerk()
        for _ in range(ROUNDS):
            backs = []
            for mine, theirs in ((small, large), (large, small)) * 2:
                order = make_sent_order((mine, 1))
                backs.append(make_received_return(order, wanted=Resolution.EXCHANGE, wanted_variant=theirs.variant_id))

            outcomes = at_once(outcome, [partial(settle, back, clerk, is_restocked=True) for back in backs])

            assert outcomes == ["completed"] * 4
        small.refresh_from_db()
        large.refresh_from_db()
        assert (small.on_hand, large.on_hand) == (60, 60)
        catch_up()
        agree()

    def test_receiving_races_calling_off(self) -> None:
        for _ in range(ROUNDS):
            order = make_sent_order()
            back = make_return(order)
            services.approve_return(return_id=back.pk, at=timezone.now())
            works = [
                partial(services.receive_return, return_id=back.pk, at=timezone.now()),
                partial(services.cancel_return, return_id=back.pk, asker=buyer_of(order), at=timezone.now()),
            ]

            at_once(outcome, works)

            back.refresh_from_db()
            assert order.lines.get().returning == (1 if back.status == "received" else 0)
        agree()


@pytest.mark.django_db(transaction=True)
class TestWithdrawalsAtOnce:
    def test_are_confirmed_once(self) -> None:
        order = make_sent_order((make_stock(), 2))
        withdrawal = _declared(order)
        confirm = partial(
            services.confirm_withdrawal, withdrawal_id=withdrawal.pk, asker=buyer_of(order), at=timezone.now()
        )

        outcomes = at_once(outcome, [confirm] * 6)

        assert outcomes == ["confirmed"] * 6
        assert Return.objects.count() == 1
        agree()

    def test_r07_race_shipping_and_nothing_is_paid_back_for_what_was_sent(self) -> None:
        clerk = make_clerk()
        for _ in range(ROUNDS):
            order = make_order((make_stock(on_hand=2), 1))
            pay(order)
            withdrawal = _declared(order)
            works = [
                partial(
                    services.confirm_withdrawal, withdrawal_id=withdrawal.pk, asker=buyer_of(order), at=timezone.now()
                ),
                partial(services.move_order, order_id=order.pk, to=OrderStatus.SHIPPED, actor=clerk, at=timezone.now()),
            ]

            at_once(outcome, works)

            order.refresh_from_db()
            is_sent = order.status == "shipped"
            assert is_sent == Return.objects.filter(order=order).exists()
        catch_up()
        agree()


@pytest.mark.django_db(transaction=True)
class TestLocks:
    def test_settling_locks_the_payment_then_the_order_then_the_return(self) -> None:
        back, clerk = make_received_return(make_sent_order()), make_clerk()

        with CaptureQueriesContext(connection) as captured:
            settle(back, clerk, deduction=Decimal("0.01"))

        locked = [query["sql"] for query in captured if "FOR UPDATE" in query["sql"]]
        tables = [sql.partition('FROM "')[2].partition('"')[0] for sql in locked]
        assert tables[:3] == ["payments_payment", "orders_order", "orders_return"]

    def test_confirming_locks_the_payment_then_the_order_then_the_withdrawal(self) -> None:
        order = make_sent_order()
        withdrawal = _declared(order)

        with CaptureQueriesContext(connection) as captured:
            services.confirm_withdrawal(withdrawal_id=withdrawal.pk, asker=buyer_of(order), at=timezone.now())

        locked = [query["sql"] for query in captured if "FOR UPDATE" in query["sql"]]
        tables = [sql.partition('FROM "')[2].partition('"')[0] for sql in locked]
        assert tables[:3] == ["payments_payment", "orders_order", "orders_withdrawal"]

    def test_no_more_units_come_back_than_were_sent_whatever_the_code_does(self) -> None:
        line = make_sent_order().lines.get()

        for change in ({"returning": 2}, {"returned": 1, "returning": 1}):
            with pytest.raises(IntegrityError), transaction.atomic():
                OrderLine.objects.filter(pk=line.pk).update(**change)

    def test_no_more_is_kept_than_it_is_worth_whatever_the_code_does(self) -> None:
        back = make_return(make_sent_order())

        with pytest.raises(IntegrityError), transaction.atomic():
            Return.objects.filter(pk=back.pk).update(deduction_minor=1)


def _declared(order: Order) -> Withdrawal:
    declared = services.declare_withdrawal(
        wish=Declaration(order=order.number), asker=buyer_of(order), address="203.0.113.7", at=timezone.now()
    )
    assert declared.withdrawal is not None
    return declared.withdrawal
