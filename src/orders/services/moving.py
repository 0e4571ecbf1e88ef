"""Moving orders through their states, and what each move means for stock and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from core import outbox
from core.errors import Forbidden
from core.transactions import command, step
from inventory import services as inventory
from orders.domain import MovedBy, OrderStatus, may_move
from orders.errors import MoveRefused, OrderNotFound
from orders.events import OrderMoved
from orders.models import Order, OrderMove, OrderNote, Shipment
from orders.selectors import visible_orders
from payments import services as payments
from payments.domain import CASH, REFUNDS_DUE, SALES

if TYPE_CHECKING:
    from accounts.models import User


@command
def move_order(
    *,
    order_id: UUID,
    to: OrderStatus,
    actor: User | None,
    at: datetime,
    token: str | None = None,
    reason: str = "",
    carrier: str = "",
    tracking_number: str = "",
) -> Order:
    """Move one order on. Locks the order, then its stock rows. Asking for the state it is in changes nothing.

    Staff with ``orders.move_order`` make any move of the table; a customer, or a guest with the order's token, cancels
    while it is pending.

    :raises OrderNotFound: there is none, or it is not the actor's
    :raises MoveRefused: the table of moves does not allow it (409)
    """
    order = visible_orders(viewer=actor, token=token).filter(pk=order_id).locked().first()
    if order is None or not order.is_shown_to(token=token, viewer=actor):
        raise OrderNotFound
    by = _who_asks(order, actor, token)
    if by is MovedBy.CUSTOMER and order.status != to.value and not _customer_may(order, to):
        raise MoveRefused(from_status=order.status, wanted=to.value)
    parcel = {"carrier": carrier, "tracking_number": tracking_number}
    _move(order, {to: at}, Cause(actor=actor, by=by, reason=reason), parcel)
    return order


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Who moves an order, in what capacity, and why."""

    actor: User | None
    by: MovedBy
    reason: str


def _who_asks(order: Order, actor: User | None, token: str | None) -> MovedBy:
    if actor is not None and actor.is_staff and actor.has_perm("orders.move_order"):
        return MovedBy.STAFF
    if order.belongs_to(token=token, viewer=actor):
        return MovedBy.CUSTOMER
    raise Forbidden


def _customer_may(order: Order, to: OrderStatus) -> bool:
    return to is OrderStatus.CANCELLED and order.status == OrderStatus.PENDING.value


@command
def move_orders(*, order_ids: Sequence[UUID], to: OrderStatus, actor: User, at: datetime, reason: str = "") -> int:
    """Move several orders on, all or none, for staff; those already there stay. Locks them in id order.

    :returns: how many moved
    :raises MoveRefused: one of them may not make the move; it is named
    """
    orders = list(Order.objects.filter(pk__in=order_ids).locked())
    moving = [order for order in orders if order.status != to.value]
    for order in moving:
        _move(order, {to: at}, Cause(actor=actor, by=MovedBy.STAFF, reason=reason))
    return len(moving)


@step
def move_through(*, order: Order, moves: Mapping[OrderStatus, datetime], reason: str) -> None:
    """Take an order that this transaction locked or made through moves that happened elsewhere, each at its own time.

    :param moves: state -> when, in their order
    :raises MoveRefused: the table of moves does not allow one
    """
    _move(order, moves, Cause(actor=None, by=MovedBy.SYSTEM, reason=reason))


@command
def expire_unpaid(*, now: datetime, most: int = 100) -> int:
    """Cancel pending orders whose time is over, oldest first, and return how many. Skips those that someone holds."""
    due = Order.objects.filter(status=OrderStatus.PENDING.value, expires_at__lte=now)
    orders = list(due.locked(skip_locked=True)[:most])
    for order in orders:
        _move(order, {OrderStatus.CANCELLED: now}, Cause(actor=None, by=MovedBy.SYSTEM, reason="Not paid in time."))
    return len(orders)


@command
def add_note(*, order_id: UUID, author: User, text: str) -> OrderNote:
    """Keep a note for staff.

    :raises OrderNotFound: there is no such order
    """
    if not Order.objects.filter(pk=order_id).exists():
        raise OrderNotFound
    note: OrderNote = OrderNote.objects.create(order_id=order_id, author=author, text=text)
    return note


@step
def _move(
    order: Order, moves: Mapping[OrderStatus, datetime], cause: Cause, parcel: Mapping[str, str] | None = None
) -> None:
    """Move a locked order on, state by state, with what each move means, and announce each."""
    path = _path(order, moves)
    if not path:
        return
    order.status, order.expires_at = path[-1].to_status, None
    Order.objects.filter(pk=order.pk).update(status=order.status, expires_at=None, updated_at=path[-1].at)
    for move in path:
        move.actor, move.by, move.reason = cause.actor, cause.by.value, cause.reason
        _follow(order, move, ships_too=OrderStatus.SHIPPED in moves, parcel=parcel or {})
    OrderMove.objects.bulk_create(path)
    outbox.publish_many([(_announcement(move), move.at) for move in path])


def _path(order: Order, moves: Mapping[OrderStatus, datetime]) -> list[OrderMove]:
    """Return the moves to write; none to the state in which the order is.

    :raises MoveRefused: the table of moves does not allow one of them
    """
    path, here = [], OrderStatus(order.status)
    for to, at in moves.items():
        if here is to:
            continue
        if not may_move(here, to):
            raise MoveRefused(from_status=here.value, wanted=to.value, order=order.number)
        path.append(OrderMove(order=order, from_status=here.value, to_status=to.value, at=at))
        here = to
    return path


def _announcement(move: OrderMove) -> OrderMoved:
    return OrderMoved(order_id=move.order_id, move_id=move.pk, from_status=move.from_status, to_status=move.to_status)


def _follow(order: Order, move: OrderMove, *, ships_too: bool, parcel: Mapping[str, str]) -> None:
    """Do to stock and money what the move means. What ships in the same breath is not claimed before."""
    if move.to_status == OrderStatus.PAID.value:
        if not ships_too:
            inventory.claim_stock(reference=order.pk)
        _post(order, "order_paid", {CASH: order.total_minor, SALES: -order.total_minor}, move.at)
    elif move.to_status == OrderStatus.SHIPPED.value:
        Shipment.objects.create(order=order, shipped_at=move.at, **parcel)
        inventory.ship_stock(reference=order.pk, actor_id=move.actor_id, at=move.at)
    elif move.to_status == OrderStatus.CANCELLED.value:
        inventory.release_stock(reference=order.pk)
        if move.from_status == OrderStatus.PAID.value:
            _post(order, "order_cancelled", {SALES: order.total_minor, REFUNDS_DUE: -order.total_minor}, move.at)


def _post(order: Order, kind: str, amounts: dict[str, int], at: datetime) -> None:
    payments.post_entry(kind=kind, reference=str(order.pk), currency=order.currency, amounts=amounts, at=at)
