"""Money on its way back: by the merchant's will, or by the bank's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.transactions import command
from sandbox import selectors
from sandbox.domain import EntryKind, FaultName, Status
from sandbox.errors import NotPossible, TooLittleLeft
from sandbox.models import Charge, Refund
from sandbox.services import booking, keys
from sandbox.services.faults import take


@command
def refund_charge(*, charge_id: UUID, amount: int, reference: str, key: str | None, at: datetime) -> Refund:
    """Give back a part of what was captured, or all. The same key is the same refund.

    :raises ChargeNotFound: there is none
    :raises NotPossible: nothing was captured
    :raises TooLittleLeft: more than is left
    :raises KeyReused: the key belongs to another request
    """
    refund = Refund(charge_id=charge_id, amount_minor=amount, reference=reference, is_done=True, created_at=at)
    asked = {"charge": str(charge_id), "amount": amount, "reference": reference}
    earlier = keys.claim(key=key, action="refund", asked=asked, makes=refund.pk)
    if earlier is not None:
        return selectors.get_refund(refund_id=earlier)

    charge = _lock_captured(charge_id)
    if amount > charge.returnable_minor:
        raise TooLittleLeft(left=charge.returnable_minor)
    if take(name=FaultName.REFUNDS_FAIL):
        refund.is_done = False
        booking.record(charge=charge, told_as=None, refund=refund, at=at)
    else:
        charge.refunded_minor += amount
        lines = {EntryKind.REFUNDED: amount}
        booking.record(charge=charge, told_as="refunded", lines=lines, refund=refund, at=at)
    return refund


@command
def dispute_charge(*, charge_id: UUID, key: str | None, at: datetime) -> Charge:
    """Charge back all that is left: the shopper's bank takes it. Once per charge.

    :raises ChargeNotFound: there is none
    :raises NotPossible: nothing was captured
    :raises TooLittleLeft: nothing is left
    :raises KeyReused: the key belongs to another request
    """
    asked = {"charge": str(charge_id)}
    if keys.claim(key=key, action="dispute", asked=asked, makes=charge_id) is not None:
        return selectors.get_charge(charge_id=charge_id)

    charge = _lock_captured(charge_id)
    left = charge.returnable_minor
    if not left:
        raise TooLittleLeft(left=0)
    charge.disputed_minor = left
    booking.record(charge=charge, told_as="disputed", lines={EntryKind.DISPUTED: left}, at=at)
    return charge


def _lock_captured(charge_id: UUID) -> Charge:
    charge = booking.lock_charge(charge_id=charge_id)
    if charge.status != Status.CAPTURED:
        raise NotPossible(state=charge.status)
    return charge
