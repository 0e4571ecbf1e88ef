"""Two of them at once: what the locks and the constraints are for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tests.factories import client_of, make_user
from core import outbox
from core.errors import DomainError
from core.tests.threads import at_once, in_thread, waits_for_a_lock
from inventory.models import Stock
from inventory.tests.factories import make_stock
from orders import services
from orders.domain import OrderStatus
from orders.models import Order
from orders.services import RefundOrder
from orders.tests.factories import make_order
from orders.tests.gateway import (
    RETURN_URL,
    agree,
    ask_gateway,
    catch_up,
    charges,
    deliver,
    pay,
    set_faults,
    webhook_bodies,
)
from payments.models import Attempt, Payment, Refund


def outcome(work: Any) -> str:
    try:
        return str(getattr(work(), "status", "done"))
    except DomainError as refusal:
        return refusal.code


@pytest.mark.django_db(transaction=True)
class TestPaying:
    def test_r08_twenty_at_once_charge_once(self) -> None:
        order = make_order()

        outcomes = at_once(lambda _: outcome(lambda: pay(order)), range(12))

        assert "captured" in outcomes
        assert set(outcomes) <= {"captured", "payments.in_progress", "payments.already_paid"}
        assert len(charges()) == Attempt.objects.count() == 1
        agree()

    def test_r17_the_same_key_at_once_executes_once(self) -> None:
        order = make_order()
        body = {"order": str(order.pk), "provider": "sandbox", "return_url": RETURN_URL, "card": "success"}
        clients = [client_of(order.customer) for _ in range(8)]

        answers = at_once(
            lambda client: client.post("/api/v1/payments", body, format="json", headers={"Idempotency-Key": "k"}),
            clients,
        )

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        assert len(charges()) == 1
        agree()

    def test_webhook_and_return_at_once_confirm_once(self) -> None:
        for _ in range(5):
            order = make_order()
            set_faults(error_after_success=1)
            payment = pay(order)
            body = webhook_bodies(Attempt.objects.get(payment=payment).idempotency_key)[-1]
            assert deliver(body) == 204
            later = timezone.now() + timedelta(seconds=30)
            works: list[Callable[[], Any]] = [
                outbox.drain,
                partial(services.show_payment, payment_id=payment.pk, viewer=order.customer, token=None, at=later),
            ] * 2

            at_once(outcome, works)
            outbox.drain()

            assert list(order.moves.order_by("pk").values_list("to_status", flat=True)) == ["pending", "paid"]
        agree()

    @pytest.mark.parametrize("rounds", [8, pytest.param(200, marks=pytest.mark.long)])
    def test_r07_cancelling_races_capturing(self, rounds: int) -> None:
        for _ in range(rounds):
            order = make_order((make_stock(on_hand=1), 1))
            works = [partial(pay, order), partial(_cancel, order)]

            at_once(outcome, works)
            catch_up(after=timedelta(seconds=20))

            _money_and_order_agree(order)
        agree()

    def test_capturing_races_expiry_and_staff(self) -> None:
        staff = make_user(permissions=["orders.view_order", "orders.move_order"])
        for _ in range(6):
            order = make_order((make_stock(on_hand=1), 1))
            works = [
                partial(pay, order),
                lambda: services.expire_unpaid(now=timezone.now() + timedelta(days=2)),
                lambda order=order: services.move_order(
                    order_id=order.pk, to=OrderStatus.PAID, actor=staff, at=timezone.now()
                ),
            ]

            at_once(outcome, works)
            catch_up(after=timedelta(seconds=20))

            _money_and_order_agree(order)
        agree()

    def test_a_lapsed_order_is_taken_up_again_once(self) -> None:
        stock = make_stock(on_hand=1)
        first, second = make_order((stock, 1)), None
        pay(first, "slow")
        services.expire_unpaid(now=timezone.now())
        second = make_order((stock, 1))
        services.move_order(order_id=second.pk, to=OrderStatus.CANCELLED, actor=second.customer, at=timezone.now())
        later = timezone.now() + timedelta(seconds=30)
        payment = Payment.objects.get()

        at_once(
            lambda _: services.show_payment(payment_id=payment.pk, viewer=first.customer, token=None, at=later),
            range(4),
        )

        first.refresh_from_db()
        assert (first.status, Stock.objects.get().reserved) == ("paid", 1)
        agree()


@pytest.mark.django_db(transaction=True)
class TestRefunding:
    def test_r06_two_full_refunds_at_once_are_one(self) -> None:
        staff = make_user(is_superuser=True)
        for _ in range(10):
            payment = pay(make_order())

            works: list[Callable[[], Any]] = [partial(_refund, payment, None, staff)] * 2

            outcomes = at_once(outcome, works)

            assert sorted(outcomes) == ["payments.refund_too_large", "succeeded"]
        agree()

    def test_r06_ten_partial_refunds_at_once_stay_within_the_capture(self) -> None:
        staff = make_user(is_superuser=True)
        payment = pay(make_order((make_stock(price_minor=1000), 1)))

        outcomes = at_once(lambda _: outcome(lambda: _refund(payment, "3.00", staff)), range(10))

        assert sorted(outcomes) == ["payments.refund_too_large"] * 7 + ["succeeded"] * 3
        assert charges()[0]["refunded"] == 900
        agree()

    @pytest.mark.parametrize("rounds", [5, pytest.param(200, marks=pytest.mark.long)])
    def test_r07_a_refund_races_a_charge_back(self, rounds: int) -> None:
        staff = make_user(is_superuser=True)
        for _ in range(rounds):
            payment = pay(make_order())
            reference = Attempt.objects.get(payment=payment).provider_reference

            def dispute(reference: str = reference) -> None:
                with suppress(AssertionError):
                    ask_gateway("POST", f"charges/{reference}/dispute")
                for body in webhook_bodies():
                    deliver(body)
                outbox.drain()

            works: list[Callable[[], Any]] = [dispute, partial(_refund, payment, None, staff)]

            at_once(outcome, works)
            catch_up(after=timedelta(seconds=20))

            attempt = Attempt.objects.get(payment=payment)
            assert attempt.refunded_minor + attempt.disputed_minor == attempt.captured_minor
        agree()

    def test_a_refund_and_its_webhook_at_once_are_booked_once(self) -> None:
        staff = make_user(is_superuser=True)
        payment = pay(make_order())
        set_faults(error_after_success=1)
        _refund(payment, None, staff)
        for body in webhook_bodies():
            deliver(body)

        works: list[Callable[[], Any]] = [outbox.drain, lambda: catch_up(after=timedelta(minutes=2)), outbox.drain]

        at_once(outcome, works)

        assert Refund.objects.get().status == "succeeded"
        agree()


@pytest.mark.django_db(transaction=True)
class TestLocks:
    def test_whoever_pays_waits_for_whoever_cancels(self) -> None:
        order = make_order()

        with ThreadPoolExecutor(max_workers=1) as shopper:
            with transaction.atomic():
                held = Order.objects.filter(pk=order.pk).locked().get()
                paying = shopper.submit(in_thread, outcome, partial(pay, order))
                waited = waits_for_a_lock(paying)
                held.status = "cancelled"
                held.save(update_fields=["status"])
            end = paying.result()

        assert (waited, end) == (True, "payments.not_payable")
        assert charges() == []
        assert not Attempt.objects.exists()

    def test_whatever_is_captured_waits_for_whoever_cancels(self) -> None:
        order = make_order()
        payment = pay(order, "slow")
        later = timezone.now() + timedelta(seconds=30)
        come_back = partial(services.show_payment, payment_id=payment.pk, viewer=order.customer, token=None, at=later)

        with ThreadPoolExecutor(max_workers=1) as shopper:
            with transaction.atomic():
                held = Order.objects.filter(pk=order.pk).locked().get()
                coming = shopper.submit(in_thread, outcome, come_back)
                waited = waits_for_a_lock(coming)
                held.status = "cancelled"
                held.save(update_fields=["status"])
            coming.result()

        order.refresh_from_db()
        assert (waited, order.status, Refund.objects.count()) == (True, "cancelled", 1)

    @pytest.mark.parametrize("is_first", [True, False])
    def test_by_hand_the_payment_is_locked_before_the_order(self, is_first: bool) -> None:
        order, staff = make_order(), make_user(permissions=["orders.view_order", "orders.move_order"])
        if not is_first:
            pay(order, "declined")

        with CaptureQueriesContext(connection) as captured:
            services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=staff, at=timezone.now())

        held = 'INSERT INTO "payments_payment"' if is_first else 'FOR UPDATE OF "payments_payment"'
        assert _position(captured, held) < _position(captured, 'FOR UPDATE OF "orders_order"')

    def test_those_of_several_orders_are_locked_in_their_own_order_before_any(self) -> None:
        orders, staff = [make_order(), make_order()], make_user(permissions=["orders.view_order", "orders.move_order"])
        for order in reversed(orders):
            pay(order, "declined")

        with CaptureQueriesContext(connection) as captured:
            services.move_orders(
                order_ids=[order.pk for order in orders], to=OrderStatus.PAID, actor=staff, at=timezone.now()
            )

        first = next(query["sql"] for query in captured.captured_queries if "FOR UPDATE" in query["sql"])
        assert '"payments_payment"."order_id" IN (' in first
        assert " ORDER BY " in first

    def test_a_capture_locks_the_payment_before_the_order(self) -> None:
        order = make_order()

        with CaptureQueriesContext(connection) as captured:
            pay(order)

        statements = [query["sql"] for query in captured.captured_queries]
        outcome_at = next(at for at, sql in enumerate(statements) if "sandbox_event" in sql)
        locks = [sql for sql in statements[outcome_at:] if "FOR UPDATE" in sql]
        assert ['"payments_payment"' in sql for sql in locks] == [True, False]
        assert 'FOR UPDATE OF "orders_order"' in locks[1]


def _position(captured: CaptureQueriesContext, words: str) -> int:
    return next(at for at, query in enumerate(captured.captured_queries) if words in query["sql"])


def _cancel(order: Order) -> Order:
    return services.move_order(order_id=order.pk, to=OrderStatus.CANCELLED, actor=order.customer, at=timezone.now())


def _refund(payment: Payment, amount: str | None, staff: Any) -> Refund:
    wish = RefundOrder(amount=Decimal(amount) if amount else None)
    [refund] = services.refund_payment(payment_id=payment.pk, wish=wish, actor=staff, at=timezone.now())
    return refund


def _money_and_order_agree(order: Order) -> None:
    """The shop holds the money of an order exactly when it owes the goods."""
    order.refresh_from_db()
    rows = Attempt.objects.filter(payment__order_id=order.pk)
    kept = sum(attempt.captured_minor - attempt.refunded_minor for attempt in rows)
    assert kept == (order.total_minor if order.status == "paid" else 0)
