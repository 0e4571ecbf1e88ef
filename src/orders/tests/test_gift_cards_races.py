"""Gift cards that were sold, under several at once: spent or given back, and made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.tests.factories import make_user
from core.errors import DomainError
from core.tests.threads import at_once
from orders import services
from orders.models import Order
from orders.services import RefundItem, RefundOrder
from orders.tests.factories import make_order
from orders.tests.gateway import agree, catch_up, pay
from orders.tests.gift_cards import buy, card_line, cards_of, kept_of, make_card_stock, make_clerk, make_goods, spend
from payments.models import Balance
from payments.tests.factories import make_store_credit

ROUNDS = 6


@pytest.fixture(autouse=True)
def _unthrottled(settings: Settings) -> None:
    settings.THROTTLES = False


def outcome(work: Callable[[], object]) -> str:
    try:
        work()
    except DomainError as refusal:
        return refusal.code
    return "done"


def refund(order: Order, wish: RefundOrder, clerk: User) -> object:
    return services.refund_order(order_id=order.pk, wish=wish, actor=clerk, at=timezone.now())


@pytest.mark.django_db(transaction=True)
class TestRefundOrder:
    def test_gives_a_card_back_or_lets_it_be_spent_and_never_both(self) -> None:
        clerk, seen = make_clerk(), set()

        def run(order: Order, card: Balance, another: Order) -> list[str]:
            wish = RefundOrder(items=[RefundItem(line=card_line(order).pk, quantity=1)])
            works: list[Callable[[], object]] = [partial(refund, order, wish, clerk), partial(spend, card, another)]
            return at_once(outcome, works)

        for _ in range(ROUNDS):
            order, another = buy((make_card_stock(5000), 1)), make_order((make_goods(5000), 1))
            [card] = cards_of(order)
            refunded, spent = run(order, card, another)
            card.refresh_from_db()
            seen.add((refunded, spent))

            assert [refunded, spent].count("done") == 1
            assert card.left_minor == 0
            assert kept_of(order) == (0 if refunded == "done" else 5000)
        assert seen <= {("done", "payments.gift_card_unknown"), ("orders.gift_cards_out", "done")}
        agree()

    def test_never_waits_in_a_circle_for_cards_and_store_credit(self) -> None:
        clerk, customer = make_clerk(), make_user()
        make_store_credit(customer, 99_900)
        credit: dict[str, Any] = {"card": "", "provider": "store_credit"}

        for _ in range(ROUNDS):
            order = buy((make_card_stock(), 2), customer=customer, **credit)
            another = make_order((make_goods(9000), 1), customer=customer)
            spend(cards_of(order)[1], another)
            pay(another, **credit)
            one_card = RefundOrder(items=[RefundItem(line=card_line(order).pk, quantity=1)])

            outcomes = at_once(
                outcome,
                [partial(refund, order, one_card, clerk), partial(refund, another, RefundOrder(), clerk)],
            )

            assert outcomes == ["done", "done"]
        agree()

    def test_gives_one_card_back_once(self) -> None:
        order, clerk = buy((make_card_stock(5000), 2)), make_clerk()
        wish = RefundOrder(items=[RefundItem(line=card_line(order).pk, quantity=2)])

        outcomes = sorted(at_once(outcome, [partial(refund, order, wish, clerk)] * 4))

        assert outcomes == ["done"] + ["payments.refund_too_large"] * 3
        assert [card.left_minor for card in cards_of(order)] == [0, 0]
        agree()


@pytest.mark.django_db(transaction=True)
class TestIssueGiftCards:
    def test_makes_the_cards_of_an_order_once(self) -> None:
        order = make_order((make_card_stock(5000), 3))
        pay(order)

        def issue(_: int) -> str:
            with transaction.atomic():
                return outcome(lambda: services.issue_gift_cards(order_id=order.pk, at=timezone.now()))

        outcomes = at_once(issue, range(6))
        catch_up()

        assert outcomes == ["done"] * 6
        assert [card.left_minor for card in cards_of(order)] == [5000] * 3
        agree()
