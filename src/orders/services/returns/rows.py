"""The rows of a return, under lock: the payment where money is given back, the order, then the return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import F

from core import outbox
from core.transactions import step
from orders.domain import ReturnStatus, may_move_return
from orders.errors import OrderNotFound, ReturnMoveRefused, ReturnNotFound, UnitsDisagree
from orders.events import ReturnMoved
from orders.models import Order, OrderLine, Return, ReturnLine
from orders.selectors import get_return_for_message, visible_orders

if TYPE_CHECKING:
    from accounts.models import User

HANDLE = "orders.handle_return"
_TIMES = {
    ReturnStatus.APPROVED: "approved_at",
    ReturnStatus.RECEIVED: "received_at",
    ReturnStatus.REJECTED: "closed_at",
    ReturnStatus.CANCELLED: "closed_at",
    ReturnStatus.COMPLETED: "closed_at",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks: someone signed in, or the guest with the order's token."""

    viewer: User | None
    token: str | None = None

    def is_staff_for_returns(self) -> bool:
        """Tell whether they handle the returns of others."""
        return self.viewer is not None and self.viewer.is_staff and self.viewer.has_perm(HANDLE)


@step
def lock_order_of(*, order_id: UUID, asker: Asker) -> Order:
    """Lock the order of its customer, of the guest with its token, or of staff who handle returns.

    :raises OrderNotFound: there is none, or it is not the asker's
    """
    if asker.is_staff_for_returns():
        rows = Order.objects.filter(pk=order_id)
    else:
        rows = visible_orders(viewer=asker.viewer, token=asker.token).filter(pk=order_id)
    order: Order | None = rows.locked().first()
    if order is None or not (asker.is_staff_for_returns() or order.belongs_to(token=asker.token, viewer=asker.viewer)):
        raise OrderNotFound
    return order


@step
def lock_return(*, return_id: UUID, asker: Asker | None = None) -> Return:
    """Lock a return, after its order, which stands in it. Without an asker it is staff's, as their edge made sure.

    :raises ReturnNotFound: there is none, or its order is not the asker's
    """
    order_id: UUID | None = Return.objects.filter(pk=return_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise ReturnNotFound
    try:
        order = (
            Order.objects.filter(pk=order_id).locked().get()
            if asker is None
            else lock_order_of(order_id=order_id, asker=asker)
        )
    except OrderNotFound as error:
        raise ReturnNotFound from error
    back: Return = Return.objects.filter(pk=return_id).locked().get()
    back.order = order
    return back


@step
def lines_of(*, back: Return) -> dict[UUID, ReturnLine]:
    """Return order line's id -> what comes back of it, with that line. The order is locked by this transaction."""
    return {line.line_id: line for line in back.lines.select_related("line").order_by("line__position", "pk")}


@step
def move_return(*, back: Return, to: ReturnStatus, at: datetime) -> None:
    """Move a locked return on, and announce it.

    :raises ReturnMoveRefused: the table of moves does not allow it
    """
    here = ReturnStatus(back.status)
    if not may_move_return(here, to):
        raise ReturnMoveRefused(from_status=here.value, wanted=to.value)
    back.status = to.value
    setattr(back, _TIMES[to], at)
    back.save()
    announce(back=back, came_from=here.value, at=at)


@step
def shown(*, back: Return) -> Return:
    """Return a return as it stands, with all that is shown of it. Three queries, whatever the number of lines."""
    return get_return_for_message(return_id=back.pk)


@step
def announce(*, back: Return, came_from: str, at: datetime) -> None:
    """Announce where a return stands now."""
    moved = ReturnMoved(order_id=back.order_id, return_id=back.pk, from_status=came_from, to_status=back.status)
    outbox.publish(moved, at=at)


@step
def let_go(*, lines: Mapping[UUID, ReturnLine]) -> None:
    """Free the units of a return that is closed; those that were taken back for good count as returned."""
    for line in lines.values():
        line.line.returning = F("returning") - line.quantity
        line.line.returned = F("returned") + line.accepted
    OrderLine.objects.bulk_update([line.line for line in lines.values()], ["returning", "returned"])


@step
def check_units(*, wanted: Mapping[UUID, int], most: Mapping[UUID, int]) -> None:
    """Refuse what is beyond the limits, or of a line that has none.

    :param wanted: order line's id -> units
    :raises UnitsDisagree: naming every line that has fewer
    """
    beyond = {str(line): most.get(line, 0) for line, units in wanted.items() if units > most.get(line, 0)}
    if beyond:
        raise UnitsDisagree(most=beyond)
