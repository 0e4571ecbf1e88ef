"""The provider goes away for five minutes, in the middle of a charge or of a refund."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.ids import new_id
from orders.tests.gateway import agree, charges, set_faults, state_of
from payments.models import Attempt, Payment, Refund
from payments.providers import forget_failures
from tests.crashes.desk import Desk, paying, refunds_of
from tests.crashes.house import House

OUTAGE, RESOLVED_WITHIN = timedelta(minutes=5), timedelta(minutes=2)
# The sweep's own pace (config.schedule).
TICK = timedelta(seconds=15)
AFTER_SUCCESS = pytest.mark.parametrize("fault", ["timeout_after_success", "error_after_success"])


def go_away(desk: Desk) -> None:
    """Have nobody at the provider's for five minutes, while workers keep asking; then it is back."""
    set_faults(unavailable=True)
    back_at = desk.clock.now() + OUTAGE
    while desk.clock.go_on(TICK) < back_at:
        desk.work()
    set_faults()
    forget_failures()


def seconds_until(holds: Callable[[], bool], desk: Desk) -> timedelta:
    """Let workers do what is due, tick by tick, and return how long it took until it held."""
    began_at = desk.clock.now()
    while not holds() and desk.clock.now() - began_at < 2 * RESOLVED_WITHIN:
        desk.clock.go_on(TICK)
        desk.work()
    return desk.clock.now() - began_at


def once(desk: Desk, body: dict[str, Any], path: str = "payments") -> int:
    """Send one request, and return the status of the answer."""
    client = desk.customer if path == "payments" else desk.staff
    status: int = desk.send(client, "post", path, body, new_id().hex).status_code
    return status


@AFTER_SUCCESS
def test_r29_a_charge_of_unknown_outcome_is_known_two_minutes_after_the_provider_is_back(
    house: House, fault: str
) -> None:
    desk = house.desk()
    order, before = desk.order(), len(charges())
    set_faults(**{fault: 1}, webhooks={"lost": True})
    assert once(desk, paying(order)) == 201

    go_away(desk)

    assert state_of(order) == "pending"
    assert Attempt.objects.get(payment__order_id=order.pk).status == "unknown"
    assert seconds_until(lambda: state_of(order) == "paid", desk) <= RESOLVED_WITHIN
    assert len(charges()) == before + 1
    agree()


@AFTER_SUCCESS
def test_r29_a_refund_of_unknown_outcome_is_known_two_minutes_after_the_provider_is_back(
    house: House, fault: str
) -> None:
    desk = house.desk()
    order = desk.order()
    desk.pay(order)
    set_faults(**{fault: 1}, webhooks={"lost": True})
    assert once(desk, {"amount": "5.00"}, refunds_of(order)) == 201

    go_away(desk)

    refund = Refund.objects.get(payment__order_id=order.pk)
    assert refund.status == "unknown"
    assert seconds_until(lambda: not Refund.objects.exclude(status="succeeded").exists(), desk) <= RESOLVED_WITHIN
    assert Payment.objects.get(order_id=order.pk).refunded_minor == refund.amount_minor == 500
    agree()


def test_r29_a_refund_that_never_arrived_is_made_two_minutes_after_the_provider_is_back(house: House) -> None:
    desk = house.desk()
    order = desk.order()
    desk.pay(order)
    set_faults(unavailable=True)
    assert once(desk, {"amount": "5.00"}, refunds_of(order)) == 201

    go_away(desk)

    assert seconds_until(lambda: not Refund.objects.exclude(status="succeeded").exists(), desk) <= RESOLVED_WITHIN
    assert Payment.objects.get(order_id=order.pk).refunded_minor == 500
    agree()


def test_r29_who_was_turned_away_pays_by_the_same_request_when_the_provider_is_back(house: House) -> None:
    desk = house.desk()
    order, before, key = desk.order(), len(charges()), new_id().hex
    set_faults(unavailable=True)
    turned_away = desk.send(desk.customer, "post", "payments", paying(order), key)

    go_away(desk)
    paid = desk.send(desk.customer, "post", "payments", paying(order), key)

    assert (turned_away.status_code, paid.status_code) == (503, 201)
    assert state_of(order) == "paid"
    assert len(charges()) == before + 1
    agree()


def test_r29_while_one_provider_is_away_others_go_on(house: House) -> None:
    desk, other = house.desk(), house.desk()
    order, by_hand = desk.order(), other.order()
    set_faults(unavailable=True)
    statuses = [once(desk, paying(order)) for _ in range(5)]

    other.move(by_hand, "paid")

    assert statuses == [503] * 5
    assert (state_of(order), state_of(by_hand)) == ("pending", "paid")
    agree()
