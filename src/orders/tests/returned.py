"""Orders that were sent, and returns of them, for tests."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.tests.factories import make_user
from orders import services
from orders.domain import OrderStatus, Resolution, ReturnReason
from orders.models import ReturnPicture
from orders.services import Asker, ReturnItem, ReturnWish
from orders.tests.factories import make_guest_order, make_order
from orders.tests.gateway import pay
from products.tests.pictures import picture_bytes

if TYPE_CHECKING:
    from accounts.models import User
    from inventory.models import Stock
    from orders.models import Order, Return, Withdrawal

_SENT = (OrderStatus.SHIPPED, OrderStatus.DELIVERED)
STAFF = ("orders.view_order", "orders.move_order", "orders.view_return", "orders.handle_return")


def make_clerk(*more: str) -> User:
    """Return one of the staff who handles returns."""
    return make_user(permissions=[*STAFF, *more])


def send(order: Order, *, at: datetime | None = None, to: tuple[OrderStatus, ...] = _SENT) -> Order:
    """Pay an order through the sandbox, send it and have it delivered."""
    pay(order)
    clerk = make_clerk()
    for status in to:
        services.move_order(order_id=order.pk, to=status, actor=clerk, at=at or timezone.now())
    order.refresh_from_db()
    return order


def make_sent_order(
    *wanted: tuple[Stock, int], guest: bool = False, customer: User | None = None, **sending: Any
) -> Order:
    """Return an order that was paid and delivered: a customer's, or a guest's."""
    return send(make_guest_order(*wanted) if guest else make_order(*wanted, customer=customer), **sending)


def buyer_of(order: Order) -> Asker:
    """Return its customer, or the guest with its token."""
    return Asker(viewer=order.customer, token=order.guest_token or None)


def wish_for(order: Order, *quantities: int, wanted: Resolution = Resolution.REFUND, **more: Any) -> ReturnWish:
    """Return the wish to send back so many units of each line; by default one of the first."""
    lines = order.lines.order_by("position")
    items = [
        ReturnItem(line=line.pk, quantity=units, reason=ReturnReason.FAULTY, **more)
        for line, units in zip(lines, quantities or (1,), strict=False)
        if units
    ]
    return ReturnWish(items=items, wanted=wanted)


def make_return(order: Order, *quantities: int, **wish: Any) -> Return:
    """Return a return that its buyer asked for."""
    return services.request_return(
        order_id=order.pk, wish=wish_for(order, *quantities, **wish), asker=buyer_of(order), at=timezone.now()
    )


def make_approved_return(order: Order, *quantities: int, **wish: Any) -> Return:
    """Return a return whose goods are on their way."""
    return services.approve_return(return_id=make_return(order, *quantities, **wish).pk, at=timezone.now())


def make_received_return(order: Order, *quantities: int, **wish: Any) -> Return:
    """Return a return whose goods are here."""
    back = make_approved_return(order, *quantities, **wish)
    return services.receive_return(return_id=back.pk, at=timezone.now())


def make_picture(back: Return) -> ReturnPicture:
    """Return a picture of what is wrong."""
    found: ReturnPicture = ReturnPicture.objects.create(
        back=back, file=ContentFile(picture_bytes(), "chip.jpg"), width=60, height=40
    )
    return found


def make_withdrawal(order: Order) -> Withdrawal:
    """Return a withdrawal that its buyer declared."""
    declared = services.declare_withdrawal(
        wish=services.Declaration(order=order.number), asker=buyer_of(order), address="203.0.113.7", at=timezone.now()
    )
    assert declared.withdrawal is not None
    return declared.withdrawal


def settle(back: Return, actor: User | None = None, **wish: Any) -> Return:
    """Settle a return as staff do."""
    return services.settle_return(
        return_id=back.pk, wish=services.Settlement(**wish), actor=actor or make_clerk(), at=timezone.now()
    )
