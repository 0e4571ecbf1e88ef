"""Moving orders through their states, and what each move means for stock and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from django.db.models import F
from django.db.models.fields.tuple_lookups import TupleGreaterThan

from core import outbox
from core.errors import Forbidden
from core.sql import insert_numbered, update_together
from core.sweeping import go_by_index
from core.transactions import command, step
from inventory import services as inventory
from orders.domain import MovedBy, OrderStatus, may_move
from orders.errors import MoveRefused, OrderNotFound
from orders.events import GiftCardsSold, OrderMoved
from orders.models import Fulfilment, Order, OrderLine, OrderMove
from orders.selectors import visible_orders
from orders.services import parcels
from orders.services.parcels import Parcel
from payments import services as payments
from payments.domain import CASH, DEPOSITS, REFUNDS_DUE, SALES
from payments.errors import NotPayable
from products import services as products
from promotions import selectors as promotion_reads
from promotions import services as promotions

if TYPE_CHECKING:
    from accounts.models import User
    from payments.models import Payment

log = structlog.get_logger(__name__)

# Found at once; each is locked and cancelled by itself.
_EXPIRED_TOGETHER = 100


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
    while nothing was sent. To move it to paid is to confirm a payment by hand, which is locked first; to move it to
    shipped is to send all that is still owed, in one parcel.

    :raises OrderNotFound: there is none, or it is not the actor's
    :raises MoveRefused: the table of moves does not allow it, or a part was sent that would be cancelled (409)
    """
    mine = visible_orders(viewer=actor, token=token).filter(pk=order_id)
    payment = _hold_payment(mine.first()) if to is OrderStatus.PAID else None
    order = mine.locked().first()
    if order is None or not order.is_shown_to(token=token, viewer=actor):
        raise OrderNotFound
    by = who_asks(order=order, actor=actor, token=token)
    if by is MovedBy.CUSTOMER and order.status != to.value and not _customer_may(order, to):
        raise MoveRefused(from_status=order.status, wanted=to.value)
    parcel = Parcel(carrier=carrier, tracking_number=tracking_number)
    cause = Cause(actor=actor, by=by, reason=reason, is_deposited=payment is not None)
    if payment is None:
        _move(order, {to: at}, cause, parcel)
    else:
        _pay_by_hand(order, payment, cause, at)
    return order


def _hold_payment(order: Order | None) -> Payment | None:
    """Lock the payment of an order that waits for one and is not locked yet, and make it if need be."""
    if order is None or order.status != OrderStatus.PENDING.value:
        return None
    return payments.hold_payment(order_id=order.pk, amount_minor=order.total_minor, currency=order.currency)


def _pay_by_hand(order: Order, payment: Payment, cause: Cause, at: datetime) -> None:
    """Move a locked order to paid, with a payment by hand; a payment that was captured already stays as it is."""
    if not _move(order, {OrderStatus.PAID: at}, cause):
        return
    if payment.amount_minor != order.total_minor:
        raise NotPayable(order_status=order.status)
    payments.settle_by_hand(payment=payment, at=at)


@step
def move_locked(*, order: Order, moves: Mapping[OrderStatus, datetime], cause: Cause) -> bool:
    """Move an order that this transaction locked on, state by state; tell whether it moved at all.

    :param moves: state -> when, in their order
    :raises MoveRefused: the table of moves does not allow it, or a part was sent that would be cancelled (409)
    """
    return _move(order, moves, cause)


@step
def settle_move(*, order: Order, reason: str, at: datetime) -> None:
    """Move a locked order to paid, for its payment was captured; also one that lapsed and has its goods again."""
    cause = Cause(actor=None, by=MovedBy.SYSTEM, reason=reason, is_deposited=True)
    path = [OrderMove(order=order, from_status=order.status, to_status=OrderStatus.PAID.value, at=at)]
    _take(order, path, cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Who moves an order, in what capacity, and why."""

    actor: User | None
    by: MovedBy
    reason: str
    # Its payment stands among the deposits, of which the sale takes it.
    is_deposited: bool = False


def who_asks(*, order: Order, actor: User | None, token: str | None) -> MovedBy:
    """Tell in what capacity someone acts on an order that was shown to them.

    :raises Forbidden: they only look
    """
    if actor is not None and actor.is_staff and actor.has_perm("orders.move_order"):
        return MovedBy.STAFF
    if order.belongs_to(token=token, viewer=actor):
        return MovedBy.CUSTOMER
    raise Forbidden


def _customer_may(order: Order, to: OrderStatus) -> bool:
    return to is OrderStatus.CANCELLED and order.status in (OrderStatus.PENDING.value, OrderStatus.PAID.value)


@command
def move_orders(*, order_ids: Sequence[UUID], to: OrderStatus, actor: User, at: datetime, reason: str = "") -> int:
    """Move several orders on, all or none, for staff; those already there stay. Locks them in id order.

    :returns: how many moved
    :raises MoveRefused: one of them may not make the move; it is named
    """
    chosen = Order.objects.filter(pk__in=order_ids)
    held = {}
    if to is OrderStatus.PAID:
        payments.lock_payments_of(order_ids=order_ids)
        held = {order.pk: _hold_payment(order) for order in chosen.order_by("pk")}
    moving = [order for order in chosen.locked() if order.status != to.value]
    _lock_below(moving, to)
    cause = Cause(actor=actor, by=MovedBy.STAFF, reason=reason, is_deposited=to is OrderStatus.PAID)
    for order in moving:
        if (payment := held.get(order.pk)) is not None:
            _pay_by_hand(order, payment, cause, at)
        else:
            _move(order, {to: at}, cause)
    return len(moving)


def _lock_below(orders: Sequence[Order], to: OrderStatus) -> None:
    """Lock what several orders hold in the one order of locks; moving them one by one would go up and down it."""
    if len(orders) < 2 or to not in (OrderStatus.SHIPPED, OrderStatus.CANCELLED):
        return
    ids = [order.pk for order in orders]
    if to is OrderStatus.CANCELLED:
        promotions.lock_uses(order_ids=ids, buyers={_buyer_of(order) for order in orders})
    inventory.lock_promised(references=ids)
    if to is OrderStatus.CANCELLED:
        bought = OrderLine.objects.filter(order__in=ids).values_list("product", flat=True)
        products.lock_products(product_ids=set(bought))


@step
def move_through(*, order: Order, moves: Mapping[OrderStatus, datetime], reason: str) -> None:
    """Take an order that this transaction locked or made through moves that happened elsewhere, each at its own time.

    :param moves: state -> when, in their order
    :raises MoveRefused: the table of moves does not allow one
    """
    _move(order, moves, Cause(actor=None, by=MovedBy.SYSTEM, reason=reason))


def expire_unpaid(*, now: datetime) -> int:
    """Cancel all pending orders whose time is over, oldest first, and return how many. Skips those that someone holds.

    Not a command: each order is one, so that no two of them are locked at once. Several may do so at once. An order
    that cannot be cancelled holds up no other.
    """
    count, after = 0, (datetime.min.replace(tzinfo=UTC), UUID(int=0))
    while due := _due_after(after=after, now=now):
        count += sum(_try_to_expire(order_id, now) for _, order_id in due)
        after = due[-1]
    return count


@command
def _due_after(*, after: tuple[datetime, UUID], now: datetime) -> list[tuple[datetime, UUID]]:
    go_by_index()
    further = TupleGreaterThan((F("expires_at"), F("pk")), after)
    due = Order.objects.filter(further, expires_at__lte=now).order_by("expires_at", "pk")
    found = due.values_list("expires_at", "pk")[:_EXPIRED_TOGETHER]
    return [(expires_at, pk) for expires_at, pk in found if expires_at is not None]


def _try_to_expire(order_id: UUID, now: datetime) -> bool:
    try:
        return _expire(order_id=order_id, now=now)
    except Exception:
        log.exception("order does not expire", order_id=str(order_id))
        return False


@command
def _expire(*, order_id: UUID, now: datetime) -> bool:
    due = Order.objects.filter(pk=order_id, status=OrderStatus.PENDING.value, expires_at__lte=now)
    order: Order | None = due.locked(skip_locked=True).first()
    if order is None:
        return False
    return _move(order, {OrderStatus.CANCELLED: now}, Cause(actor=None, by=MovedBy.SYSTEM, reason="Not paid in time."))


@step
def _move(order: Order, moves: Mapping[OrderStatus, datetime], cause: Cause, parcel: Parcel | None = None) -> bool:
    """Move a locked order on, state by state; tell whether it moved at all."""
    path = _path(order, moves)
    if path:
        _take(order, path, cause, parcel)
    return bool(path)


def _take(order: Order, path: list[OrderMove], cause: Cause, parcel: Parcel | None = None) -> None:
    """Write the moves, do what each means, and announce each."""
    _refuse_to_cancel_what_was_sent(order, path)
    ships_too = any(move.to_status == OrderStatus.SHIPPED.value for move in path)
    for move in path:
        move.actor, move.by, move.reason = cause.actor, cause.by.value, cause.reason
    insert_numbered(path)
    order.status, order.expires_at, order.updated_at = path[-1].to_status, None, path[-1].at
    update_together((order, ("status", "expires_at", "updated_at")))
    for move in path:
        _follow(order, move, ships_too=ships_too, is_deposited=cause.is_deposited, parcel=parcel or Parcel())
    outbox.publish_many([(_announcement(move), move.at) for move in path])


def _refuse_to_cancel_what_was_sent(order: Order, path: list[OrderMove]) -> None:
    for move in path:
        if (move.from_status, move.to_status) != (OrderStatus.PAID.value, OrderStatus.CANCELLED.value):
            continue
        if Fulfilment.objects.filter(order=order).exists():
            raise MoveRefused(from_status=move.from_status, wanted=move.to_status, order=order.number)


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


def _follow(order: Order, move: OrderMove, *, ships_too: bool, is_deposited: bool, parcel: Parcel) -> None:
    """Do to stock and money what the move means. What ships in the same breath is not claimed before."""
    if move.to_status == OrderStatus.PAID.value:
        if move.from_status == OrderStatus.CANCELLED.value:
            parcels.owe_all_again(order=order)
        if not ships_too:
            inventory.claim_stock(reference=order.pk)
        _post(order, _sale(order, is_deposited=is_deposited), move.at)
        if order.has_gift_cards:
            outbox.publish(GiftCardsSold(order_id=order.pk), at=move.at)
    elif move.to_status == OrderStatus.SHIPPED.value:
        if units := parcels.open_units(order=order, wanted=None):
            parcels.send_parcel(order=order, units=units, parcel=parcel, actor=move.actor, at=move.at)
    elif move.to_status == OrderStatus.DELIVERED.value:
        parcels.deliver_all(order=order, at=move.at)
    elif move.to_status == OrderStatus.CANCELLED.value:
        _return_uses(order, move.at)
        parcels.cancel_all(order=order)
        if move.from_status == OrderStatus.PAID.value:
            _post(order, {"order_cancelled": {SALES: order.total_minor, REFUNDS_DUE: -order.total_minor}}, move.at)


def _return_uses(order: Order, at: datetime) -> None:
    """Give the promotions back, and count one order less of its buyer."""
    promotions.return_uses(order_id=order.pk, at=at)
    count_for_buyer(order=order, difference=-1)


@step
def count_for_buyer(*, order: Order, difference: int) -> None:
    """Count an order more or less of its buyer. Comes before stock is locked."""
    promotions.count_order(buyer=_buyer_of(order), difference=difference)


def _buyer_of(order: Order) -> str:
    return promotion_reads.buyer_key(customer_id=order.customer_id, email=order.email)


def _sale(order: Order, *, is_deposited: bool) -> dict[str, dict[str, int]]:
    """Return what a sale books; of what was deposited it takes its money."""
    sale = {"order_paid": {CASH: order.total_minor, SALES: -order.total_minor}}
    if is_deposited:
        sale["payment_applied"] = {DEPOSITS: order.total_minor, CASH: -order.total_minor}
    return sale


def _post(order: Order, amounts: Mapping[str, Mapping[str, int]], at: datetime) -> None:
    """Book entries of an order.

    :param amounts: kind of entry -> account -> minor units
    """
    entries = [
        payments.Entry(kind=kind, reference=str(order.pk), currency=order.currency, amounts=moving)
        for kind, moving in amounts.items()
    ]
    payments.post_entries(entries=entries, at=at)
