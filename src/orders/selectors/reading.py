"""Reads of orders. Whose they are cannot be forgotten."""

from __future__ import annotations

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
_ORDER: Compiled[Order] = Compiled(lambda order: Order.objects.filter(pk=order), order=UUID)
_LINES: Compiled[OrderLine] = Compiled(
    lambda order: OrderLine.objects.filter(order=order).order_by("position"), order=UUID
)
_MOVE: Compiled[OrderMove] = Compiled(lambda move_id: OrderMove.objects.filter(pk=move_id), move_id=int)
_PARCELS: Compiled[Fulfilment] = Compiled(
    lambda order: Fulfilment.objects.filter(order=order).order_by("shipped_at", "pk"), order=UUID
)


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
        rows = rows.filter(Q(number__iexact=search) | Q(email__iexact=search) | Q(lines__sku__iexact=search)).distinct()
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
    order = _ORDER.first(order=order_id)
    if order is None:
        raise OrderNotFound
    remember_related(order, lines=_LINES.all(order=order_id), fulfilments=_PARCELS.all(order=order_id))
    return order


def get_move(*, move_id: int) -> OrderMove:
    """Return one step of an order's history. One query.

    :raises OrderNotFound: there is none
    """
    move = _MOVE.first(move_id=move_id)
    if move is None:
        raise OrderNotFound
    return move


def list_notes(*, order_id: UUID) -> list[OrderNote]:
    """Return the staff notes on an order, oldest first. Two queries.

    :raises OrderNotFound: there is no such order
    """
    if not Order.objects.filter(pk=order_id).exists():
        raise OrderNotFound
    return list(OrderNote.objects.filter(order_id=order_id).order_by("created_at", "pk"))
