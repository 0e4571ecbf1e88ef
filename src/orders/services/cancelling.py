"""Cancelling an order, or what is still owed of it. What was paid for it goes back by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from core import courier, outbox
from core.transactions import command, step
from orders.domain import MovedBy, OrderStatus
from orders.errors import CancelRefused, MoveRefused, OrderNotFound
from orders.events import PartCancelled
from orders.models import Fulfilment, Order, OrderNote
from orders.selectors import visible_orders
from orders.services import parcels
from orders.services.fulfilling import complete_sending
from orders.services.gift_cards import units_to_give_back
from orders.services.moving import Cause, move_locked, who_asks
from orders.services.refunding import promise_units
from orders.services.shares import refunded_units
from payments import services as payments

if TYPE_CHECKING:
    from accounts.models import User
    from payments.models import Payment

_SWEEP = "payments.tasks.sweep"
_OVER = (OrderStatus.SHIPPED.value, OrderStatus.DELIVERED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelWish:
    """What is cancelled, and why.

    :param items: line id -> units, for staff; ``None``: all that is still owed
    :param is_refunded: whether what was paid for a part goes back; for the whole of an order it always does
    """

    reason: str = ""
    items: Mapping[UUID, int] | None = None
    is_refunded: bool = True


@command
def cancel_order(
    *, order_id: UUID, wish: CancelWish, actor: User | None, token: str | None = None, at: datetime
) -> Order:
    """Cancel an order, or what is still owed of it. Locks the payment, then the order, then its stock rows.

    A customer, or a guest with the order's token, cancels all of it while nothing was sent. Staff with
    ``orders.move_order`` cancel units of a paid order, or all that is still to be sent; where something was sent, the
    order is shipped then. An order that is cancelled stays so.

    :raises OrderNotFound: there is none, or it is not the actor's
    :raises Forbidden: the actor only looks
    :raises MoveRefused: nothing of it is left to cancel (409)
    :raises CancelRefused: not like that; ``reason`` says why (409)
    :raises UnitsRefused: a line owes fewer units, or is none of the order's (409)
    :raises RefundTooLarge: its units were paid back before: cancel them without a refund (409)
    :raises GiftCardsOut: all is cancelled, and gift cards of it were spent: name the other items (409)
    """
    payment = _hold_payment(order_id, actor, token)
    order = visible_orders(viewer=actor, token=token).filter(pk=order_id).locked().first()
    if order is None or not order.is_shown_to(token=token, viewer=actor):
        raise OrderNotFound
    cause = Cause(actor=actor, by=who_asks(order=order, actor=actor, token=token), reason=wish.reason)
    _refuse(order, wish, cause)
    cancel_locked(order=order, payment=payment, wish=wish, cause=cause, at=at)
    return order


@step
def cancel_locked(*, order: Order, payment: Payment | None, wish: CancelWish, cause: Cause, at: datetime) -> None:
    """Cancel an order that this transaction locked after its payment, or units of it that are still owed.

    :raises MoveRefused: nothing of it is left to cancel (409)
    :raises UnitsRefused: a line owes fewer units, or is none of the order's (409)
    :raises RefundTooLarge: its units were paid back before (409)
    """
    units = parcels.open_units(order=order, wanted=wish.items)
    if _is_whole(order, units):
        move_locked(order=order, moves={OrderStatus.CANCELLED: at}, cause=cause)
    else:
        _cancel_part(order, units, wish, cause, payment, at)


def _hold_payment(order_id: UUID, actor: User | None, token: str | None) -> Payment | None:
    """Lock the payment before the order, where a part of it may have to be given back: for staff alone."""
    if token or actor is None or not actor.is_staff or not visible_orders(viewer=actor).filter(pk=order_id).exists():
        return None
    return payments.lock_payment_of(order_id=order_id)


def _refuse(order: Order, wish: CancelWish, cause: Cause) -> None:
    """:raises MoveRefused, CancelRefused: the order, in its state, is not to be cancelled like that"""
    if order.status in _OVER:
        raise MoveRefused(from_status=order.status, wanted=OrderStatus.CANCELLED.value, order=order.number)
    reason = ""
    if wish.items is not None and cause.by is MovedBy.CUSTOMER:
        reason = "only_as_a_whole"
    elif wish.items is not None and order.status == OrderStatus.PENDING.value:
        reason = "pending_in_part"
    elif cause.by is MovedBy.CUSTOMER and Fulfilment.objects.filter(order=order).exists():
        reason = "partly_shipped"
    if reason:
        raise CancelRefused(reason=reason, order=order.number)


def _is_whole(order: Order, units: Mapping[UUID, int]) -> bool:
    """Tell whether nothing was sent, and nothing would be owed afterwards."""
    lines = parcels.lines_of(order=order)
    return not any(line.shipped for line in lines) and all(line.open == units.get(line.pk, 0) for line in lines)


def _cancel_part(
    order: Order, units: Mapping[UUID, int], wish: CancelWish, cause: Cause, payment: Payment | None, at: datetime
) -> None:
    if wish.is_refunded and payment is not None:
        _give_back(order, units, wish, payment, at)
    parcels.cancel_units(order=order, units=units)
    OrderNote.objects.create(order=order, author=cause.actor, text=_in_words(order, units, wish))
    gone = {str(line): count for line, count in units.items()}
    outbox.publish(PartCancelled(order_id=order.pk, units=gone, is_refunded=wish.is_refunded), at=at)
    if not parcels.is_owed(order=order):
        complete_sending(order=order, cause=cause, at=at)


def _give_back(order: Order, units: Mapping[UUID, int], wish: CancelWish, payment: Payment, at: datetime) -> None:
    """Promise what the units cost; the sweep tells the provider, or staff where the money came by hand."""
    lines = parcels.lines_of(order=order)
    if wish.items is None and order.has_gift_cards:
        # Cards that were made are as good as sent, and yet nobody has to send them back.
        before = refunded_units(lines=lines, payment_id=payment.pk)
        units = dict(units) | units_to_give_back(lines=lines, before=before)
    if promise_units(payment=payment, order=order, lines=lines, units=units, reason=wish.reason, at=at):
        transaction.on_commit(partial(courier.wake, _SWEEP))


def _in_words(order: Order, units: Mapping[UUID, int], wish: CancelWish) -> str:
    lines = [line for line in parcels.lines_of(order=order) if units.get(line.pk)]
    what = ", ".join(f"{units[line.pk]} of {line.sku}" for line in lines)
    refund = "" if wish.is_refunded else " Nothing was paid back for it."
    return f"Cancelled: {what}.{refund}" + (f" Reason: {wish.reason}" if wish.reason else "")
