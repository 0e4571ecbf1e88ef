"""Gift cards that were sold, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from accounts.tests.factories import make_user
from core.crypto import open_sealed
from core.models import OutboxEvent
from inventory.tests.factories import make_stock
from orders import services
from orders.services import RefundItem, RefundOrder
from orders.tests.factories import make_order
from orders.tests.gateway import catch_up, pay
from payments.models import Balance, Payment

if TYPE_CHECKING:
    from accounts.models import User
    from inventory.models import Stock
    from orders.models import Order, OrderLine
    from payments.models import Refund

STAFF = ("orders.view_order", "orders.move_order", "orders.change_order", "payments.add_refund")


def make_clerk() -> User:
    """Return one of the staff who cancel, edit and refund."""
    return make_user(permissions=STAFF)


def make_card_stock(price_minor: int = 5000, **fields: Any) -> Stock:
    """Return the stock of a variant that is a gift card."""
    return make_stock(on_hand=20, price_minor=price_minor, is_gift_card=True, **fields)


def make_goods(price_minor: int = 2000) -> Stock:
    """Return the stock of something that is sent."""
    return make_stock(on_hand=20, price_minor=price_minor)


def buy(*wanted: tuple[Stock, int], card: str = "success", provider: str = "sandbox", **more: Any) -> Order:
    """Return an order that was paid, with its gift cards made."""
    order = make_order(*wanted, **more)
    pay(order, card, provider=provider)
    catch_up()
    order.refresh_from_db()
    return order


def card_line(order: Order) -> OrderLine:
    """Return the order's line of gift cards."""
    return order.lines.get(is_gift_card=True)


def cards_of(order: Order) -> list[Balance]:
    """Return the gift cards that an order's units became, first unit first."""
    lines = order.lines.order_by("position")
    return [card for line in lines for card in Balance.objects.filter(source__startswith=f"{line.pk}:").order_by("pk")]


def issue(order: Order) -> None:
    """Make the gift cards of an order, as the outbox would."""
    with transaction.atomic():
        services.issue_gift_cards(order_id=order.pk, at=timezone.now())


def code_of(card: Balance) -> str:
    """Return a card's code, as the fact by which it is mailed has it."""
    facts = OutboxEvent.objects.filter(name="payments.gift_card_issued")
    sealed = next(fact.payload["sealed_code"] for fact in facts if fact.payload["gift_card_id"] == str(card.pk))
    return open_sealed(sealed)


def spend(card: Balance, order: Order) -> None:
    """Pay an order by a gift card, as far as it goes."""
    pay(order, "", provider="gift_card", code=code_of(card))


def kept_of(order: Order) -> int:
    """Return what was paid for an order and not given back, in minor units."""
    payment = Payment.objects.get(order_id=order.pk)
    return payment.captured_minor - payment.refunded_minor


def lefts(order: Order) -> list[int]:
    """Return what is left on each card of an order, first unit first, in minor units."""
    return [card.left_minor for card in cards_of(order)]


def refund(order: Order, units: int | None = None, line: OrderLine | None = None, **more: Any) -> list[Refund]:
    """Refund units of a line, by default of gift cards; without any, what the wish says, or all that is left."""
    items = [RefundItem(line=(line or card_line(order)).pk, quantity=units)] if units else []
    wish = RefundOrder(items=items, **more)
    return services.refund_order(order_id=order.pk, wish=wish, actor=make_clerk(), at=timezone.now())
