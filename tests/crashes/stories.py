"""What happens in a shop from an order to its end: what was before, and the part in which anything may fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from orders.models import Order
from tests.crashes.desk import Desk


@dataclass(frozen=True)
class Story:
    """What was before, what is told, and how the order stands at the end."""

    before: Callable[[Desk], Order]
    told: Callable[[Desk, Order], object]
    ends: str


def pending(desk: Desk) -> Order:
    """Have an order that waits for its payment."""
    return desk.order()


def paid(desk: Desk) -> Order:
    """Have an order that is paid by card."""
    order = desk.order()
    desk.pay(order)
    desk.work()
    return order


def shipped(desk: Desk) -> Order:
    """Have an order that left the house."""
    order = paid(desk)
    desk.move(order, "shipped")
    desk.work()
    return order


def waits_for_its_slow_card(desk: Desk) -> Order:
    """Have an order whose charge is pending at the provider."""
    order = desk.order()
    desk.pay(order, "slow")
    return order


def waits_for_the_challenge(desk: Desk) -> Order:
    """Have an order whose charge waits for its shopper."""
    order = desk.order()
    desk.pay(order, "3ds")
    return order


def _cancelled_too_late(desk: Desk) -> Order:
    order = waits_for_its_slow_card(desk)
    desk.cancel(order)
    return order


def _passes_the_challenge(desk: Desk, order: Order) -> None:
    said = desk.pay(order, "3ds")
    desk.visit(lambda: desk.approve(said["next_action"]["url"]))


def _changes_the_card(desk: Desk, order: Order) -> None:
    desk.pay(order, "3ds")
    desk.pay(order, "success")


def _is_declined_first(desk: Desk, order: Order) -> None:
    desk.pay(order, "declined")
    desk.pay(order, "success")


def _lapses(desk: Desk, _: Order) -> None:
    desk.clock.go_on(settings.UNPAID_ORDER_TTL + timedelta(minutes=1))


def _goods_come_back(desk: Desk, order: Order) -> None:
    desk.refund(order, items=[{"variant": str(desk.stock.variant_id), "quantity": 1}], restock=True)
    desk.refund(order)


def _more_is_bought(desk: Desk, _: Order) -> None:
    desk.pay(desk.order())


STORIES = {
    "more is ordered and paid": Story(pending, _more_is_bought, "paid"),
    "an order is paid": Story(pending, lambda desk, order: desk.pay(order), "paid"),
    "a challenge is passed": Story(pending, _passes_the_challenge, "paid"),
    "a card is declined and another pays": Story(pending, _is_declined_first, "paid"),
    "another card is shown instead of the challenge": Story(pending, _changes_the_card, "paid"),
    "an order is cancelled before its challenge": Story(
        waits_for_the_challenge, lambda desk, order: desk.cancel(order), "cancelled"
    ),
    "a payment comes after the order was cancelled": Story(_cancelled_too_late, lambda desk, order: None, "cancelled"),
    "a payment comes after the order lapsed": Story(waits_for_its_slow_card, _lapses, "paid"),
    "staff saw the money": Story(pending, lambda desk, order: desk.move(order, "paid"), "paid"),
    "an order is shipped": Story(paid, lambda desk, order: desk.move(order, "shipped"), "shipped"),
    "goods come back and the money goes back": Story(shipped, _goods_come_back, "shipped"),
    "a paid order is cancelled, and its money goes back by itself": Story(
        paid, lambda desk, order: desk.move(order, "cancelled"), "cancelled"
    ),
}
