"""Reads of returns. Whose they are cannot be forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from core.models import LockingQuerySet
from orders.domain import OrderStatus, last_day_to_withdraw
from orders.errors import OrderNotFound, PictureNotFound, ReturnNotFound
from orders.models import Order, OrderLine, OrderMove, Return, ReturnPicture
from orders.selectors.reading import visible_orders
from payments import selectors as payment_reads

if TYPE_CHECKING:
    from accounts.models import User

_VIEW = "orders.view_return"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReturns:
    """The returns of an order, what may still be sent back (line and units), and the last day to withdraw, if known."""

    returns: list[Return]
    returnable: list[tuple[OrderLine, int]]
    withdraw_until: date | None


def visible_returns(*, viewer: User | None, token: str | None = None) -> LockingQuerySet[Return]:
    """Return the returns that the viewer may see: staff with ``orders.view_return`` all, a customer their own.

    A guest sees those of one order by its token, which ``Order.is_shown_to`` compares.
    """
    if viewer is not None and viewer.is_staff and viewer.has_perm(_VIEW):
        return Return.objects.all()
    mine = Q(order__customer_id=viewer.pk) if viewer is not None else Q(pk__in=[])
    if token:
        mine |= Q(order__customer__isnull=True)
    return Return.objects.filter(mine)


def get_return(*, return_id: UUID, viewer: User | None, token: str | None = None) -> Return:
    """Return one return with its order, lines, pictures and withdrawal. Three queries (staff: and their permissions).

    :raises ReturnNotFound: there is none, or it is not the viewer's (nor does the token fit)
    """
    back: Return | None = _whole(visible_returns(viewer=viewer, token=token)).filter(pk=return_id).first()
    if back is None or not back.order.is_shown_to(token=token, viewer=viewer):
        raise ReturnNotFound
    return back


def list_returns(*, viewer: User, status: str | None = None, order: UUID | None = None) -> QuerySet[Return]:
    """Return the returns that the viewer may see; order them by ``-requested_at, -pk``. Three queries, however many."""
    rows = _whole(visible_returns(viewer=viewer))
    if status is not None:
        rows = rows.filter(status=status)
    return rows if order is None else rows.filter(order=order)


def list_order_returns(*, order_id: UUID, viewer: User | None, token: str | None = None) -> OrderReturns:
    """Return the returns of one order, oldest first, and what may still be sent back. At most seven queries.

    :raises OrderNotFound: there is no such order, or it is not the viewer's (nor does the token fit)
    """
    order: Order | None = visible_orders(viewer=viewer, token=token).filter(pk=order_id).first()
    if order is None or not order.is_shown_to(token=token, viewer=viewer):
        raise OrderNotFound
    lines = {line.pk: line for line in order.lines.order_by("position")}
    left = returnable_units(order_id=order.pk, lines=lines.values())
    delivered_at = find_delivered_at(order=order)
    return OrderReturns(
        returns=list(_whole(Return.objects.filter(order=order)).order_by("requested_at", "pk")),
        returnable=[(lines[line_id], units) for line_id, units in left.items()],
        withdraw_until=None if delivered_at is None else last_day_to_withdraw(delivered_at),
    )


def get_return_picture(
    *, return_id: UUID, picture_id: UUID, viewer: User | None, token: str | None = None
) -> ReturnPicture:
    """Return a picture of a return. Two queries (staff: and their permissions).

    :raises ReturnNotFound: there is no such return, or it is not the viewer's
    :raises PictureNotFound: it has no such picture
    """
    back: Return | None = (
        visible_returns(viewer=viewer, token=token).select_related("order").filter(pk=return_id).first()
    )
    if back is None or not back.order.is_shown_to(token=token, viewer=viewer):
        raise ReturnNotFound
    picture: ReturnPicture | None = back.pictures.filter(pk=picture_id).first()
    if picture is None:
        raise PictureNotFound
    return picture


def get_return_for_message(*, return_id: UUID) -> Return:
    """Return a return with its order and lines, for whoever tells of it. Three queries.

    :raises ReturnNotFound: there is none
    """
    back: Return | None = _whole(Return.objects.all()).filter(pk=return_id).first()
    if back is None:
        raise ReturnNotFound
    return back


def returnable_units(*, order_id: UUID, lines: Iterable[OrderLine]) -> dict[UUID, int]:
    """Return line id -> units that were shipped and are neither back, also by a refund, nor on their way. One query."""
    there = payment_reads.restocked_units(order_id=order_id)
    left = {line.pk: line.shipped - line.returned - line.returning - there[str(line.pk)] for line in lines}
    return {line_id: units for line_id, units in left.items() if units > 0}


def find_delivered_at(*, order: Order) -> datetime | None:
    """Return when the last of an order's goods was delivered; nothing while some are not. One query."""
    if order.status != OrderStatus.DELIVERED.value:
        return None
    moves = OrderMove.objects.filter(order=order, to_status=OrderStatus.DELIVERED.value)
    delivered_at: datetime | None = moves.order_by("-pk").values_list("at", flat=True).first()
    return delivered_at


def _whole(rows: QuerySet[Return]) -> QuerySet[Return]:
    return rows.select_related("order", "withdrawal", "exchange_order").prefetch_related("lines__line", "pictures")
