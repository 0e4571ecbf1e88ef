"""Different commands on one order at once, drawn at random: each ends or is refused, and the books agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.tests.factories import make_user
from core.errors import DomainError
from core.tests.threads import at_once
from inventory.tests.factories import make_stock
from orders import services
from orders.domain import OrderStatus, Resolution
from orders.services import CancelWish, FulfilmentWish, RefundItem, RefundOrder
from orders.tests.drafting import edit, item
from orders.tests.factories import make_order
from orders.tests.gateway import agree, ask_gateway, catch_up, deliver, expire, pay, webhook_bodies
from orders.tests.parcels import fulfil, line_ids
from orders.tests.returned import buyer_of, make_received_return, make_withdrawal, settle, wish_for
from payments import services as payments
from payments.domain import GIFT_CARD, RefundTo
from payments.models import Attempt, Payment
from payments.tests.factories import make_gift_card

if TYPE_CHECKING:
    from accounts.models import User
    from inventory.models import Stock
    from orders.models import Order
    from payments.services import IssuedGiftCard

Acts = dict[str, Callable[[], Any]]

SOON = timedelta(minutes=1)
AT_ONCE = 6


@pytest.fixture(autouse=True)
def _unthrottled(settings: Settings) -> None:
    settings.THROTTLES = False
    settings.SANDBOX_SLOW_SECONDS = 0


def let_loose(acts: Acts, seed: int) -> None:
    """Run some of them at once; then let workers and clock do the rest."""

    def act(name: str) -> None:
        try:
            acts[name]()
        except DomainError:
            return

    at_once(act, random.Random(seed).sample(sorted(acts), AT_ONCE))
    for body in webhook_bodies():
        deliver(body)
    catch_up(after=SOON)


def kept_of(order: Order) -> int:
    """Return what the shop holds of an order's money, without what staff give back by hand."""
    order.refresh_from_db()
    rows = Attempt.objects.filter(payment__order_id=order.pk)
    return sum(row.captured_minor - max(row.promised_minor, row.refunded_minor) for row in rows)


def acts_on_unpaid(order: Order, card: IssuedGiftCard, stocks: tuple[Stock, Stock], boss: User) -> Acts:
    now, (first, second) = timezone.now(), stocks
    withdrawal = make_withdrawal(order)
    by_hand: dict[str, Any] = {"to": OrderStatus.PAID, "actor": boss, "at": now}
    return {
        "pay": partial(pay, order),
        "pay late": partial(pay, order, "slow"),
        "open the page": partial(pay, order, ""),
        "spend a card": partial(pay, order, "", provider=GIFT_CARD, code=card.code),
        "block the card": partial(payments.change_gift_card, balance_id=card.card.pk, changes={"is_active": False}),
        "make it more": partial(edit, order, items=[item(first, 4)], at=now),
        "make it less": partial(edit, order, items=[item(first)], at=now),
        "make it other": partial(edit, order, items=[item(second, 3), item(first)], at=now),
        "cancel": partial(services.cancel_order, order_id=order.pk, wish=CancelWish(), actor=order.customer, at=now),
        "lapse": partial(expire, order),
        "pay by hand": partial(services.move_order, order_id=order.pk, **by_hand),
        "pay several by hand": partial(services.move_orders, order_ids=[order.pk], **by_hand),
        "withdraw": partial(services.confirm_withdrawal, withdrawal_id=withdrawal.pk, asker=buyer_of(order), at=now),
        "work": catch_up,
    }


def acts_on_paid(order: Order, card: IssuedGiftCard, boss: User) -> Acts:
    now, asker, lines = timezone.now(), buyer_of(order), line_ids(order)
    fulfil(order, dict.fromkeys(lines, 1))
    back, withdrawal = make_received_return(order, 1, 0), make_withdrawal(order)
    charge = Attempt.objects.get(payment__order_id=order.pk, provider="sandbox").provider_reference
    of: dict[str, Any] = {"order_id": order.pk, "actor": boss, "at": now}
    refund, cancel, send = (
        partial(service, **of) for service in (services.refund_order, services.cancel_order, services.fulfil_order)
    )
    return {
        "cancel a unit": partial(cancel, wish=CancelWish(items={lines[0]: 1})),
        "cancel the rest": partial(cancel, wish=CancelWish()),
        "send some": partial(send, wish=FulfilmentWish(items={lines[1]: 2})),
        "send the rest": partial(send, wish=FulfilmentWish()),
        "ship": partial(services.move_order, to=OrderStatus.SHIPPED, **of),
        "pay a unit back": partial(refund, wish=RefundOrder(items=[RefundItem(line=lines[0], quantity=1)])),
        "pay all back": partial(refund, wish=RefundOrder()),
        "pay all back as credit": partial(refund, wish=RefundOrder(to=RefundTo.STORE_CREDIT)),
        "ask for a return": partial(
            services.request_return, order_id=order.pk, wish=wish_for(order, 0, 1), asker=asker, at=now
        ),
        "settle": partial(settle, back, boss, is_restocked=True),
        "exchange": partial(settle, back, boss, resolution=Resolution.EXCHANGE),
        "withdraw": partial(services.confirm_withdrawal, withdrawal_id=withdrawal.pk, asker=asker, at=now),
        "dispute": partial(ask_gateway, "POST", f"charges/{charge}/dispute"),
        "block the card": partial(payments.change_gift_card, balance_id=card.card.pk, changes={"is_active": False}),
        "work": catch_up,
    }


def cross_unpaid(seeds: range) -> None:
    boss = make_user(is_superuser=True)
    stocks = make_stock(on_hand=9999, price_minor=1000), make_stock(on_hand=9999, price_minor=700)
    for seed in seeds:
        order, card = make_order((stocks[0], 2), (stocks[1], 1)), make_gift_card(1500)
        if seed % 2:
            pay(order, "", provider=GIFT_CARD, code=card.code)

        let_loose(acts_on_unpaid(order, card, stocks, boss), seed)

        kept, payment = kept_of(order), Payment.objects.filter(order_id=order.pk).first()
        assert order.status != "cancelled" or kept == 0
        assert order.status != "paid" or kept == order.total_minor
        assert order.status != "pending" or payment is None or payment.amount_minor == order.total_minor
        agree()


def cross_paid(seeds: range) -> None:
    boss = make_user(is_superuser=True)
    stocks = make_stock(on_hand=9999, price_minor=1000), make_stock(on_hand=9999, price_minor=700)
    for seed in seeds:
        order, card = make_order((stocks[0], 3), (stocks[1], 3)), make_gift_card(1500)
        pay(order, "", provider=GIFT_CARD, code=card.code)
        pay(order)

        let_loose(acts_on_paid(order, card, boss), seed)

        assert kept_of(order) >= 0
        agree()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_on_an_order_that_waits_for_its_money(self) -> None:
        cross_unpaid(range(6))

    def test_on_an_order_that_is_sent_in_parts(self) -> None:
        cross_paid(range(6))

    @pytest.mark.long
    def test_on_an_order_that_waits_for_its_money_200_rounds(self) -> None:
        cross_unpaid(range(200))

    @pytest.mark.long
    def test_on_an_order_that_is_sent_in_parts_200_rounds(self) -> None:
        cross_paid(range(200))
