"""Promising stock to orders, and what becomes of the promise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.compiled import Compiled
from core.models import LockingQuerySet
from core.sql import insert_values
from core.transactions import step
from inventory.domain import Reason, ReservationState
from inventory.errors import OutOfStock
from inventory.models import Reservation
from inventory.services.rows import Change, StockRow, free_by_variant, lock_stock, write_changes, write_movements

_OPEN = (ReservationState.HELD.value, ReservationState.CLAIMED.value)


@step
def reserve_stock(*, reference: UUID, wanted: Mapping[UUID, int], expires_at: datetime) -> None:
    """Promise ``wanted`` (variant id -> units) to ``reference``: every line, or none. Three statements.

    :raises OutOfStock: naming every short line, not only the first
    """
    rows = lock_stock(variant_ids=wanted.keys())
    free = free_by_variant(rows)
    short = {variant: units - max(free[variant], 0) for variant, units in wanted.items() if units > free[variant]}
    if short:
        raise OutOfStock(short=short)

    taken = _allocate(rows, wanted)
    write_changes(rows=rows, changes=[Change(row, reserved=units) for row, units in taken])
    insert_values(
        Reservation,
        [
            {"reference": reference, "stock_id": row.pk, "quantity": units, "expires_at": expires_at}
            for row, units in taken
        ],
    )


@step
def renew_stock(*, reference: UUID, wanted: Mapping[UUID, int], expires_at: datetime) -> None:
    """Promise again what was released before: every line, or none. Four statements.

    :raises OutOfStock: naming every short line; undo what this step did
    """
    Reservation.objects.filter(reference=reference, state=ReservationState.RELEASED.value).delete()
    reserve_stock(reference=reference, wanted=wanted, expires_at=expires_at)


def _allocate(rows: list[StockRow], wanted: Mapping[UUID, int]) -> list[tuple[StockRow, int]]:
    """Spread each variant's units over its places, in the order of the rows."""
    left = dict(wanted)
    taken = []
    for row in rows:
        units = min(row.free, left[row.variant_id])
        if units > 0:
            left[row.variant_id] -= units
            taken.append((row, units))
    return taken


@step
def lock_promised(*, references: Collection[UUID]) -> None:
    """Lock the stock of all that is promised to several, in the one order, before one after the other is moved on."""
    rows = Reservation.objects.filter(reference__in=references, state__in=_OPEN)
    lock_stock(variant_ids=set(rows.values_list("stock__variant_id", flat=True)))


@step
def claim_stock(*, reference: UUID) -> None:
    """Keep what was promised for good: it has been paid for. One statement."""
    Reservation.objects.filter(reference=reference, state=ReservationState.HELD.value).update(
        state=ReservationState.CLAIMED.value, expires_at=None
    )


@step
def release_stock(*, reference: UUID) -> None:
    """Give back what was promised and not yet shipped. Doing it twice gives back once. Four statements."""
    promised = _take_open(reference, ReservationState.RELEASED)
    if promised:
        rows = _lock_promised(promised)
        write_changes(rows=rows.values(), changes=[Change(rows[p.stock_id], reserved=-p.quantity) for p in promised])


@step
def ship_stock(*, reference: UUID, actor_id: UUID | None, at: datetime) -> None:
    """Let what was promised leave the house: it is neither on hand nor promised any more. Five statements."""
    promised = _take_open(reference, ReservationState.SHIPPED)
    if not promised:
        return
    rows = _lock_promised(promised)
    changes = [Change(rows[p.stock_id], on_hand=-p.quantity, reserved=-p.quantity) for p in promised]
    write_changes(rows=rows.values(), changes=changes)
    write_movements(
        differences={change.stock.pk: change.on_hand for change in changes},
        reason=Reason.SHIPPED,
        reference=str(reference),
        actor_id=actor_id,
        at=at,
    )


def _open_ones(reference: UUID) -> LockingQuerySet[Reservation]:
    rows: LockingQuerySet[Reservation] = Reservation.objects.filter(reference=reference, state__in=_OPEN)
    return rows


_LOCKED = Compiled(
    lambda reference: _open_ones(reference).locked().values_list("pk", "stock_id", "quantity", "stock__variant_id"),
    reference=UUID,
)


class _Promise(NamedTuple):
    pk: UUID
    stock_id: UUID
    quantity: int
    variant_id: UUID


def _take_open(reference: UUID, state: ReservationState) -> list[_Promise]:
    """Lock the open reservations of something, and move them on."""
    promised = [_Promise(*row) for row in _LOCKED.all(reference=reference)]
    if promised:
        _open_ones(reference).update(state=state.value, expires_at=None)
    return promised


def _lock_promised(promised: list[_Promise]) -> dict[UUID, StockRow]:
    """Lock every row of the variants concerned: stock id -> row."""
    return {row.pk: row for row in lock_stock(variant_ids={promise.variant_id for promise in promised})}
