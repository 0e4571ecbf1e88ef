"""What becomes of promised stock: it ships, or it is free again; all of it, or some units."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from core.compiled import Compiled
from core.models import LockingQuerySet
from core.transactions import step
from inventory.domain import OPEN_RESERVATIONS, Reason
from inventory.errors import NotPromised
from inventory.models import Reservation
from inventory.services.rows import Change, StockRow, lock_stock, write_changes, write_movements

_OPEN = [state.value for state in OPEN_RESERVATIONS]


@step
def lock_promised(*, references: Collection[UUID]) -> None:
    """Lock the stock of all that is promised to several, in the one order, before one after the other is moved on."""
    rows = Reservation.objects.filter(reference__in=references, state__in=_OPEN)
    lock_stock(variant_ids=set(rows.values_list("stock__variant_id", flat=True)))


@step
def release_stock(*, reference: UUID, units: Mapping[UUID, int] | None = None) -> None:
    """Give back promised units (variant id -> units); without them all that is still promised.

    Giving all back twice gives back once. Four statements.

    :raises NotPromised: more than is still promised (409)
    """
    rows, parts = _take(reference, units)
    if not parts:
        return
    _note("released", parts)
    write_changes(rows=rows, changes=[Change(part.stock, reserved=-part.units) for part in parts])


@step
def ship_stock(
    *, reference: UUID, units: Mapping[UUID, int] | None = None, actor_id: UUID | None, at: datetime
) -> None:
    """Let promised units (variant id -> units; without them all that is still promised) leave the house.

    They are neither on hand nor promised any more. Five statements.

    :raises NotPromised: more than is still promised (409)
    """
    rows, parts = _take(reference, units)
    if not parts:
        return
    _note("shipped", parts)
    write_changes(rows=rows, changes=[Change(part.stock, on_hand=-part.units, reserved=-part.units) for part in parts])
    write_movements(
        differences={part.stock.pk: -part.units for part in parts},
        reason=Reason.SHIPPED,
        reference=str(reference),
        actor_id=actor_id,
        at=at,
    )


class _Promise(NamedTuple):
    pk: UUID
    stock_id: UUID
    variant_id: UUID
    quantity: int
    shipped: int
    released: int

    @property
    def open(self) -> int:
        return self.quantity - self.shipped - self.released


class _Part(NamedTuple):
    """Units of one promise, and the locked row that they are of."""

    promise: _Promise
    stock: StockRow
    units: int


def _open_ones(reference: UUID) -> LockingQuerySet[Reservation]:
    rows: LockingQuerySet[Reservation] = Reservation.objects.filter(reference=reference, state__in=_OPEN)
    columns = ("pk", "stock_id", "stock__variant_id", "quantity", "shipped", "released")
    return rows.locked().values_list(*columns)  # type: ignore[return-value]


_LOCKED = Compiled(_open_ones, reference=UUID)


def _take(reference: UUID, units: Mapping[UUID, int] | None) -> tuple[list[StockRow], list[_Part]]:
    """Lock the promises and every row of the variants concerned, and choose the parts, the default place first.

    :raises NotPromised: more than is still promised
    """
    promised = [_Promise(*row) for row in _LOCKED.all(reference=reference)]  # type: ignore[misc]
    wanted = _units_of(promised) if units is None else dict(units)
    if not wanted:
        return [], []
    by_stock = {promise.stock_id: promise for promise in promised}
    rows = lock_stock(variant_ids=wanted.keys())
    parts = []
    for row in rows:
        promise = by_stock.get(row.pk)
        taken = min(promise.open, wanted[row.variant_id]) if promise else 0
        if promise and taken:
            wanted[row.variant_id] -= taken
            parts.append(_Part(promise, row, taken))
    beyond = {str(variant): left for variant, left in wanted.items() if left}
    if beyond:
        raise NotPromised(beyond=beyond)
    return rows, parts


def _units_of(promised: Sequence[_Promise]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for promise in promised:
        found[promise.variant_id] = found.get(promise.variant_id, 0) + promise.open
    return found


_NOTE = """
    UPDATE inventory_reservation r
       SET shipped = c.shipped, released = c.released, updated_at = now(),
           state = CASE WHEN c.shipped + c.released < r.quantity THEN r.state
                        WHEN c.shipped > 0 THEN 'shipped' ELSE 'released' END,
           expires_at = CASE WHEN c.shipped + c.released < r.quantity THEN r.expires_at END
      FROM jsonb_to_recordset(%s::jsonb) AS c (id uuid, shipped int, released int)
     WHERE r.id = c.id
"""


def _note(what: str, parts: Sequence[_Part]) -> None:
    """Count the units of each promise; one of which nothing is open any more is over. One statement."""
    values = [
        {"id": promise.pk, "shipped": promise.shipped, "released": promise.released}
        | {what: getattr(promise, what) + units}
        for promise, _, units in parts
    ]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [orjson.dumps(values).decode()])
