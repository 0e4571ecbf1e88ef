"""Balances under several at once: spent once, given back once, never in a deadlock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.tests.factories import make_user
from core.errors import DomainError
from core.money import Money
from core.tests.threads import at_once
from inventory.tests.factories import make_stock
from orders import services
from orders.domain import OrderStatus
from orders.models import Order
from orders.services import RefundOrder
from orders.tests.factories import make_order
from orders.tests.gateway import agree, ask_gateway, catch_up, deliver, pay, webhook_bodies
from payments import services as payments
from payments.domain import GIFT_CARD, STORE_CREDIT, RefundTo
from payments.models import Attempt, Balance, Payment, Refund
from payments.services import IssuedGiftCard
from payments.tests.factories import make_gift_card


@pytest.fixture(autouse=True)
def _unthrottled(settings: Settings) -> None:
    settings.THROTTLES = False


def outcome(work: Any) -> str:
    try:
        return str(getattr(work(), "status", "done"))
    except DomainError as refusal:
        return refusal.code


def order_of(minor: int, **more: Any) -> Order:
    return make_order((make_stock(on_hand=1, price_minor=minor), 1), **more)


def pay_by(made: IssuedGiftCard, order: Order) -> Payment:
    return pay(order, "", provider=GIFT_CARD, code=made.code)


def left_on(made: IssuedGiftCard) -> int:
    return int(Balance.objects.get(pk=made.card.pk).left_minor)


def give_back(order: Order, staff: Any, amount: str | None = None, **more: Any) -> list[Refund]:
    wish = RefundOrder(amount=Decimal(amount) if amount else None, **more)
    return services.refund_order(order_id=order.pk, wish=wish, actor=staff, at=timezone.now())


def cancel(order: Order, staff: Any) -> Order:
    return services.move_order(
        order_id=order.pk, to=OrderStatus.CANCELLED, actor=staff, at=timezone.now(), reason="Changed my mind."
    )


def kept_of(order: Order) -> int:
    rows = Attempt.objects.filter(payment__order_id=order.pk)
    return sum(attempt.captured_minor - attempt.refunded_minor for attempt in rows)


@pytest.mark.django_db(transaction=True)
class TestSpending:
    def test_r05_twenty_orders_spend_one_gift_card_once(self) -> None:
        made, orders = make_gift_card(5000), [order_of(5000) for _ in range(20)]

        outcomes = at_once(lambda order: outcome(lambda: pay_by(made, order)), orders)

        assert sorted(outcomes) == ["captured"] + ["payments.balance_not_usable"] * 19
        assert left_on(made) == 0
        assert Order.objects.filter(status="paid").count() == 1
        agree()

    def test_store_credit_pays_no_more_than_there_is(self) -> None:
        customer = make_user()
        payments.grant_store_credit(
            customer_id=customer.pk, amount=Money(5000, "GBP"), note="", actor=customer, at=timezone.now()
        )
        orders = [order_of(2000, customer=customer) for _ in range(6)]

        at_once(lambda order: outcome(lambda: pay(order, "", provider=STORE_CREDIT)), orders)

        assert sum(Attempt.objects.values_list("captured_minor", flat=True)) == 5000
        assert Order.objects.filter(status="paid").count() == 2
        assert Balance.objects.get().left_minor == 0
        agree()

    def test_two_cards_and_a_card_at_once_pay_an_order_once(self) -> None:
        for _ in range(5):
            order, cards = order_of(5000), [make_gift_card(3000), make_gift_card(4000)]
            works: list[Callable[[], Any]] = [partial(pay_by, made, order) for made in cards]

            at_once(outcome, [*works, partial(pay, order)])
            catch_up(after=timedelta(minutes=1))

            if Order.objects.get(pk=order.pk).status == "pending":
                pay(order)
            assert kept_of(order) == 5000
        agree()

    def test_locks_payment_order_and_balance_in_that_order(self) -> None:
        made, order = make_gift_card(5000), order_of(2000)

        with CaptureQueriesContext(connection) as captured:
            pay_by(made, order)

        locks = [query["sql"] for query in captured.captured_queries if "FOR UPDATE" in query["sql"]]
        tables = [sql.partition('FOR UPDATE OF "')[2].partition('"')[0] for sql in locks]
        assert tables[:2] == ["orders_order", "payments_balance"]
        inserts = [query["sql"] for query in captured.captured_queries if "payments_payment" in query["sql"]]
        assert inserts[0].startswith("INSERT")


@pytest.mark.django_db(transaction=True)
class TestGivingBack:
    def test_crossing_refunds_to_the_same_cards_end(self) -> None:
        staff = make_user(is_superuser=True)
        for _ in range(6):
            first, second, orders = crossing(staff)

            at_once(outcome, [partial(give_back, order, staff) for order in orders])

            assert (left_on(first), left_on(second)) == (6000, 4000)
        agree()

    def test_r06_full_refunds_at_once_over_two_means_are_one(self) -> None:
        refund_race(rounds=6)

    @pytest.mark.long
    def test_r06_full_refunds_at_once_200_rounds(self) -> None:
        refund_race(rounds=200)

    def test_r06_ten_parts_at_once_stay_within_all_means(self) -> None:
        staff, order, made = make_user(is_superuser=True), order_of(1000), make_gift_card(500)
        pay_by(made, order)
        pay(order)

        outcomes = at_once(lambda _: outcome(lambda: give_back(order, staff, "3.00")), range(10))

        assert sorted(outcomes) == ["done"] * 3 + ["payments.refund_too_large"] * 7
        assert (kept_of(order), left_on(made)) == (100, 400)
        agree()

    def test_r07_a_refund_races_cancelling(self) -> None:
        cancel_race(rounds=6, works=lambda order, staff: [give_back_part(order, staff)])

    @pytest.mark.long
    def test_r07_a_refund_races_cancelling_200_rounds(self) -> None:
        cancel_race(rounds=200, works=lambda order, staff: [give_back_part(order, staff)])

    def test_r07_cancelling_races_capturing_the_rest(self) -> None:
        capture_race(rounds=6)

    @pytest.mark.long
    def test_r07_cancelling_races_capturing_the_rest_200_rounds(self) -> None:
        capture_race(rounds=200)

    def test_r07_a_refund_races_a_charge_back(self) -> None:
        charge_back_race(rounds=6)

    @pytest.mark.long
    def test_r07_a_refund_races_a_charge_back_200_rounds(self) -> None:
        charge_back_race(rounds=200)


def crossing(staff: Any) -> tuple[IssuedGiftCard, IssuedGiftCard, list[Order]]:
    """Return two cards and two orders: one took 20.00 of the first and then of the second, one the other way round."""
    first, second = make_gift_card(6000), make_gift_card(4000)
    ahead, orders = order_of(4000), [order_of(4000), order_of(4000)]
    pay_by(first, ahead)
    pay_by(first, orders[0])
    pay_by(second, orders[0])
    pay_by(second, orders[1])
    give_back(ahead, staff)
    pay_by(first, orders[1])
    return first, second, orders


def refund_race(*, rounds: int) -> None:
    staff = make_user(is_superuser=True)
    for _ in range(rounds):
        order, made = order_of(1000), make_gift_card(400)
        pay_by(made, order)
        pay(order)

        outcomes = at_once(outcome, [partial(give_back, order, staff)] * 2)

        assert sorted(outcomes) == ["done", "payments.refund_too_large"]
        assert (kept_of(order), left_on(made)) == (0, 400)
    agree()


def charge_back_race(*, rounds: int) -> None:
    staff = make_user(is_superuser=True)
    for _ in range(rounds):
        order, made = order_of(1000), make_gift_card(400)
        pay_by(made, order)
        reference = Attempt.objects.get(payment=pay(order), provider="sandbox").provider_reference
        # What was paid back before can no longer be charged back.
        dispute = partial(ask_gateway, "POST", f"charges/{reference}/dispute", may_refuse=True)

        at_once(outcome, [dispute, partial(give_back, order, staff)])
        for body in webhook_bodies():
            deliver(body)
        catch_up(after=timedelta(minutes=1))
    agree()


def give_back_part(order: Order, staff: Any) -> Callable[[], Any]:
    return partial(give_back, order, staff, "7.00", to=RefundTo.STORE_CREDIT)


def cancel_race(*, rounds: int, works: Callable[[Order, Any], list[Callable[[], Any]]]) -> None:
    staff = make_user(is_superuser=True)
    for _ in range(rounds):
        order, made = order_of(1000), make_gift_card(400)
        pay_by(made, order)
        pay(order)

        at_once(outcome, [partial(cancel, order, staff), *works(order, staff)])
        catch_up(after=timedelta(minutes=1))

        promised = Refund.objects.filter(payment__order_id=order.pk).exclude(status="failed")
        assert sum(promised.values_list("amount_minor", flat=True)) == 1000
    agree()


def capture_race(*, rounds: int) -> None:
    staff = make_user(is_superuser=True)
    for _ in range(rounds):
        order, made = order_of(1000), make_gift_card(400)
        pay_by(made, order)

        at_once(outcome, [partial(pay, order), partial(cancel, order, staff)])
        catch_up(after=timedelta(minutes=1))

        order.refresh_from_db()
        assert kept_of(order) == (1000 if order.status == "paid" else 0)
    agree()
