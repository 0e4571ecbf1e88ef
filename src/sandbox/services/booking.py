"""What every change of a charge writes: the charge, lines of the ledger, and the webhook that tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

import orjson
from django.db import transaction

from core import courier
from core.sql import insert_together
from core.transactions import step
from sandbox import selectors
from sandbox.domain import WEBHOOK_FAULTS, EntryKind, FaultName, Switch
from sandbox.errors import ChargeNotFound
from sandbox.models import Charge, Entry, Event, Refund
from sandbox.services.faults import take

SEND_TASK = "sandbox.tasks.send_due_events"
# So long a webhook waits for others to overtake it, where that fault is switched on.
_REORDER = timedelta(seconds=2)
_NO_LINES: Mapping[EntryKind, int] = MappingProxyType({})


@step
def lock_charge(*, charge_id: UUID) -> Charge:
    """Return the charge, which nobody else changes until the transaction ends.

    :raises ChargeNotFound: there is none
    """
    charge: Charge | None = Charge.objects.filter(pk=charge_id).locked().first()
    if charge is None:
        raise ChargeNotFound
    return charge


@step
def record(
    *,
    charge: Charge,
    told_as: str | None,
    lines: Mapping[EntryKind, int] = _NO_LINES,
    refund: Refund | None = None,
    at: datetime,
) -> None:
    """Write the charge as it is now with what made it so, and have the webhook ``charge.<told_as>`` sent.

    At most three statements. It is sent after the commit.

    :param told_as: ``None`` where nobody is told
    :param lines: kind of entry -> minor units; those of nothing are left out
    """
    events = [] if told_as is None else [_event(charge, told_as, at)]
    entries = [
        Entry(charge=charge, refund=refund, kind=kind.value, amount_minor=minor, currency=charge.currency, at=at)
        for kind, minor in lines.items()
        if minor
    ]
    is_new = charge._state.adding  # noqa: SLF001 - Django's documented way to ask
    if not is_new:
        charge.save()
    insert_together([charge] if is_new else [], [refund] if refund else [], entries, events)
    if events:
        transaction.on_commit(_wake)


def _event(charge: Charge, told_as: str, at: datetime) -> Event:
    event = Event(charge=charge, type=f"charge.{told_as}", created_at=at, due_at=at)
    body = {
        "id": f"evt_{event.pk.hex}",
        "type": event.type,
        "created": int(at.timestamp()),
        "data": {"charge": selectors.charge_document(charge=charge)},
    }
    event.body = orjson.dumps(body).decode()
    _go_wrong(event, at)
    return event


def _wake() -> None:
    courier.wake(SEND_TASK)


def _go_wrong(event: Event, at: datetime) -> None:
    switched_on = selectors.faults()
    taken: dict[FaultName, Switch | None] = {name: take(name=name) for name in WEBHOOK_FAULTS if name in switched_on}
    if taken.get(FaultName.DOUBLED):
        event.copies = 2
    if taken.get(FaultName.REORDERED):
        event.is_reordered = True
        event.due_at = at + _REORDER
    if late := taken.get(FaultName.LATE):
        event.due_at = at + timedelta(seconds=late.seconds)
    if taken.get(FaultName.LOST):
        event.copies, event.due_at = 0, None
