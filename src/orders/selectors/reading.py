"""Reads of orders. Whose they are cannot be forgotten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from core.compiled import Compiled
from core.models import LockingQuerySet, remember_related
from orders.errors import FulfilmentNotFound, OrderNotFound
from orders.models import Fulfilment, Order, OrderLine, OrderMove, OrderNote

if TYPE_CHECKING:
    from accounts.models import User

_RELATED = ("lines", "moves", "fulfilments__lines")
_ORDERS: Compiled[Order] = Compiled(lambda orders: Order.objects.filter(pk__any_of=orders), orders=[UUID])
_LINES: Compiled[OrderLine] = Compiled(
    lambda orders: OrderLine.objects.filter(order__any_of=orders).order_by("position"), orders=[UUID]
)
_PARCELS: Compiled[Fulfilment] = Compiled(
    lambda orders: Fulfilment.objects.filter(order__any_of=orders).order_by("shipped_at", "pk"), orders=[UUID]
)
_MOVES: Compiled[OrderMove] = Compiled(lambda orders: OrderMove.objects.filter(order__any_of=orders), orders=[UUID])


def visible_orders(*, viewer: User | None, token: str | None = None) -> LockingQuerySet[Order]:
    """Return the orders that the viewer may see: staff with ``orders.view_order`` all, a customer their own.

    A guest sees one order by its token, which ``Order.is_shown_to`` compares; without a token none at all.
    """
    if viewer is not None and viewer.is_staff and viewer.has_perm("orders.view_order"):
        return Order.objects.all()
    mine = Q(customer_id=viewer.pk) if viewer is not None else Q(pk__in=[])
    if token:
        mine |= Q(customer__isnull=True)
    return Order.objects.filter(mine)


def get_order(*, order_id: UUID, viewer: User | None, token: str | None = None) -> Order:
    """Return one order with lines, history and fulfilments. Five queries (staff: and their permissions).

    :raises OrderNotFound: there is none, or it is not the viewer's (nor does the token fit)
    """
    rows = visible_orders(viewer=viewer, token=token).prefetch_related(*_RELATED)
    order: Order | None = rows.filter(pk=order_id).first()
    if order is None or not order.is_shown_to(token=token, viewer=viewer):
        raise OrderNotFound
    return order


def list_orders(
    *,
    viewer: User,
    status: str | None = None,
    search: str | None = None,
    placed_after: datetime | None = None,
    placed_before: datetime | None = None,
) -> QuerySet[Order]:
    """Return the orders that the viewer may see, with lines, history and fulfilments; order it by ``-placed_at, -pk``.

    Five queries for any number of rows.

    :param search: the order's number, or the e-mail it was placed with
    """
    rows = visible_orders(viewer=viewer).prefetch_related(*_RELATED)
    if status is not None:
        rows = rows.filter(status=status)
    if search is not None:
        rows = rows.filter(Q(number__iexact=search) | Q(email_key__of=search) | Q(lines__sku__iexact=search)).distinct()
    if placed_after is not None:
        rows = rows.filter(placed_at__gte=placed_after)
    if placed_before is not None:
        rows = rows.filter(placed_at__lt=placed_before)
    return rows


def list_fulfilments(*, order_id: UUID, viewer: User | None, token: str | None = None) -> list[Fulfilment]:
    """Return an order's parcels with what lies in them, oldest first. Four queries (staff: and their permissions).

    :raises OrderNotFound: there is no such order, or it is not the viewer's (nor does the token fit)
    """
    order: Order | None = visible_orders(viewer=viewer, token=token).filter(pk=order_id).first()
    if order is None or not order.is_shown_to(token=token, viewer=viewer):
        raise OrderNotFound
    return list(order.fulfilments.prefetch_related("lines__line").order_by("shipped_at", "pk"))


def get_fulfilment(*, fulfilment_id: UUID, order_id: UUID | None = None) -> Fulfilment:
    """Return a parcel with what lies in it. Three queries.

    :param order_id: the order that it has to be of
    :raises FulfilmentNotFound: there is none
    """
    rows = Fulfilment.objects.prefetch_related("lines__line").filter(pk=fulfilment_id)
    found: Fulfilment | None = (rows if order_id is None else rows.filter(order_id=order_id)).first()
    if found is None:
        raise FulfilmentNotFound
    return found


def get_order_for_message(*, order_id: UUID) -> Order:
    """Return an order with lines and fulfilments, for whoever tells its customer of it. Three queries.

    :raises OrderNotFound: there is none
    """
    return get_orders_for_messages(order_ids=[order_id])[order_id]


def get_orders_for_messages(*, order_ids: Collection[UUID]) -> dict[UUID, Order]:
    """Return orders by their ids, as ``get_order_for_message`` does. Three queries for any number.

    :raises OrderNotFound: one of them is not there
    """
    found = {order.pk: order for order in _ORDERS.all(orders=order_ids)}
    if not found.keys() >= set(order_ids):
        raise OrderNotFound
    lines, parcels = defaultdict(list), defaultdict(list)
    for line in _LINES.all(orders=order_ids):
        lines[line.order_id].append(line)
    for parcel in _PARCELS.all(orders=order_ids):
        parcels[parcel.order_id].append(parcel)
    for order in found.values():
        remember_related(order, lines=lines[order.pk], fulfilments=parcels[order.pk])
    return found


def get_moves(*, order_ids: Collection[UUID]) -> dict[int, OrderMove]:
    """Return the steps of some orders' histories by their ids. One query."""
    return {move.pk: move for move in _MOVES.all(orders=order_ids)}


def list_notes(*, order_id: UUID) -> list[OrderNote]:
    """Return the staff notes on an order, oldest first. Two queries.

    :raises OrderNotFound: there is no such order
    """
    if not Order.objects.filter(pk=order_id).exists():
        raise OrderNotFound
    return list(OrderNote.objects.filter(order_id=order_id).order_by("created_at", "pk"))
