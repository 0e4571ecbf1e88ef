"""What staff say to a return, and the parcel that comes in; and the customer who thinks better of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from core.errors import Malformed
from core.transactions import command
from orders.domain import ReturnStatus
from orders.models import Return, ReturnLine
from orders.services.returns.rows import Asker, check_units, let_go, lines_of, lock_return, move_return, shown


@command
def approve_return(*, return_id: UUID, answer: str = "", at: datetime) -> Return:
    """Let goods be sent back; ``answer`` tells the customer where to. Approving twice changes nothing.

    :raises ReturnNotFound: there is none
    :raises ReturnMoveRefused: it is not waiting for an answer (409)
    """
    back = lock_return(return_id=return_id)
    if back.status != ReturnStatus.APPROVED.value:
        back.answer = answer
        move_return(back=back, to=ReturnStatus.APPROVED, at=at)
    return shown(back=back)


@command
def reject_return(*, return_id: UUID, answer: str, at: datetime) -> Return:
    """Refuse a return before its goods are here; ``answer`` tells the customer why. Frees its units.

    :raises ReturnNotFound: there is none
    :raises ReturnMoveRefused: the goods are here, or it is closed (409)
    """
    back = lock_return(return_id=return_id)
    if back.status != ReturnStatus.REJECTED.value:
        back.answer = answer
        _close(back, ReturnStatus.REJECTED, at)
    return shown(back=back)


@command
def cancel_return(*, return_id: UUID, asker: Asker, at: datetime) -> Return:
    """Keep the goods after all, as who asked for the return or staff. Frees its units.

    :raises ReturnNotFound: there is none, or it is not the asker's
    :raises ReturnMoveRefused: the goods are here, or it is closed (409)
    """
    back = lock_return(return_id=return_id, asker=asker)
    if back.status != ReturnStatus.CANCELLED.value:
        _close(back, ReturnStatus.CANCELLED, at)
    return shown(back=back)


def _close(back: Return, to: ReturnStatus, at: datetime) -> None:
    move_return(back=back, to=to, at=at)
    let_go(lines=lines_of(back=back))


@command
def receive_return(*, return_id: UUID, units: Mapping[UUID, int] | None = None, at: datetime) -> Return:
    """Note that the parcel came in, and what was in it; nothing is decided yet. Receiving twice changes nothing.

    :param units: order line's id -> units; what is left out is missing; without it, all that was announced
    :raises ReturnNotFound: there is none
    :raises UnitsDisagree: more units than the return holds (409)
    :raises ReturnMoveRefused: it was not approved (409)
    """
    back = lock_return(return_id=return_id)
    if back.status == ReturnStatus.RECEIVED.value:
        return shown(back=back)
    lines = lines_of(back=back)
    announced = {line_id: line.quantity for line_id, line in lines.items()}
    came = announced if units is None else units
    check_units(wanted=came, most=announced)
    if not any(came.values()):
        raise Malformed.field("items", "Nothing came in.")
    for line_id, line in lines.items():
        line.received = came.get(line_id, 0)
    move_return(back=back, to=ReturnStatus.RECEIVED, at=at)
    ReturnLine.objects.bulk_update(lines.values(), ["received"])
    return shown(back=back)
