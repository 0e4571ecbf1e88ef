"""Sending an order in parcels, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from core import outbox
from core.errors import Forbidden
from core.transactions import command, step
from orders.domain import MovedBy, OrderStatus
from orders.errors import FulfilmentNotFound, MoveRefused, OrderNotFound
from orders.events import PartFulfilled
from orders.models import Fulfilment, Order
from orders.selectors import visible_orders
from orders.services import parcels
from orders.services.moving import Cause, move_locked, who_asks

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentWish:
    """What goes into a parcel, and how it goes.

    :param items: line id -> units; ``None``: all that is still owed
    :param request_key: a digest of the client's request; its repetition is the same parcel
    """

    items: Mapping[UUID, int] | None = None
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    request_key: str = ""

    @property
    def parcel(self) -> parcels.Parcel:
        return parcels.Parcel(
            carrier=self.carrier,
            tracking_number=self.tracking_number,
            tracking_url=self.tracking_url,
            request_key=self.request_key,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelChange:
    """What is known better of a parcel that left; ``None`` stays as it is."""

    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None


@command
def fulfil_order(*, order_id: UUID, wish: FulfilmentWish, actor: User, at: datetime) -> Fulfilment:
    """Send all that a paid order still owes, or some of it, in one parcel. Locks the order, then its stock rows.

    The parcel with the last units moves the order to shipped.

    :raises OrderNotFound: there is no such order
    :raises Forbidden: the actor moves no orders
    :raises MoveRefused: the order is not paid, or nothing of it is owed any more (409)
    :raises UnitsRefused: a line owes fewer units, or is none of the order's (409)
    """
    order = lock_for_staff(order_id=order_id, actor=actor)
    if wish.request_key and (earlier := order.fulfilments.filter(request_key=wish.request_key).first()):
        return shown(fulfilment=earlier)
    if order.status != OrderStatus.PAID.value:
        raise MoveRefused(from_status=order.status, wanted=OrderStatus.SHIPPED.value, order=order.number)
    units = parcels.open_units(order=order, wanted=wish.items)
    fulfilment = parcels.send_parcel(order=order, units=units, parcel=wish.parcel, actor=actor, at=at)
    if parcels.is_owed(order=order):
        outbox.publish(PartFulfilled(order_id=order.pk, fulfilment_id=fulfilment.pk), at=at)
    else:
        complete_sending(order=order, cause=Cause(actor=actor, by=MovedBy.STAFF, reason=""), at=at)
    return shown(fulfilment=fulfilment)


@command
def update_fulfilment(*, fulfilment_id: UUID, change: ParcelChange, actor: User) -> Fulfilment:
    """Correct with whom a parcel goes, and under which number. Locks the order.

    :raises FulfilmentNotFound: there is no such parcel
    :raises Forbidden: the actor moves no orders
    """
    _, fulfilment = _lock(fulfilment_id, actor)
    for name in ("carrier", "tracking_number", "tracking_url"):
        if (value := getattr(change, name)) is not None:
            setattr(fulfilment, name, value)
    fulfilment.save(update_fields=["carrier", "tracking_number", "tracking_url", "updated_at"])
    return shown(fulfilment=fulfilment)


@command
def deliver_fulfilment(*, fulfilment_id: UUID, actor: User, at: datetime) -> Fulfilment:
    """Note that a parcel has arrived; once noted it stays. The last one moves a shipped order to delivered.

    :raises FulfilmentNotFound: there is no such parcel
    :raises Forbidden: the actor moves no orders
    """
    order, fulfilment = _lock(fulfilment_id, actor)
    if fulfilment.delivered_at is None:
        # A clock may be behind the one that noted the sending.
        fulfilment.delivered_at = max(at, fulfilment.shipped_at)
        fulfilment.save(update_fields=["delivered_at", "updated_at"])
    under_way = order.fulfilments.filter(delivered_at__isnull=True)
    if order.status == OrderStatus.SHIPPED.value and not under_way.exists():
        cause = Cause(actor=actor, by=MovedBy.STAFF, reason="")
        move_locked(order=order, moves={OrderStatus.DELIVERED: at}, cause=cause)
    return shown(fulfilment=fulfilment)


@step
def complete_sending(*, order: Order, cause: Cause, at: datetime) -> None:
    """Move a locked order, of which nothing is owed any more, to shipped; to delivered, where all has arrived."""
    moves = {OrderStatus.SHIPPED: at}
    if not order.fulfilments.filter(delivered_at__isnull=True).exists():
        moves[OrderStatus.DELIVERED] = at
    move_locked(order=order, moves=moves, cause=cause)


@step
def lock_for_staff(*, order_id: UUID, actor: User) -> Order:
    """Lock an order for someone who moves orders, and return it.

    :raises OrderNotFound: there is none, or the actor does not see it
    :raises Forbidden: the actor moves no orders
    """
    order: Order | None = visible_orders(viewer=actor).filter(pk=order_id).locked().first()
    if order is None:
        raise OrderNotFound
    if who_asks(order=order, actor=actor, token=None) is not MovedBy.STAFF:
        raise Forbidden
    return order


@step
def shown(*, fulfilment: Fulfilment) -> Fulfilment:
    """Return the parcel with all that is shown of it. Three queries."""
    found: Fulfilment = Fulfilment.objects.prefetch_related("lines__line").get(pk=fulfilment.pk)
    return found


def _lock(fulfilment_id: UUID, actor: User) -> tuple[Order, Fulfilment]:
    order_id = Fulfilment.objects.filter(pk=fulfilment_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise FulfilmentNotFound
    order = lock_for_staff(order_id=order_id, actor=actor)
    return order, Fulfilment.objects.get(pk=fulfilment_id)
