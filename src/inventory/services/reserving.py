"""Promising stock to orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from core.batching import Write, write
from core.sql import insert_values
from core.transactions import step
from inventory.domain import ReservationState
from inventory.errors import OutOfStock
from inventory.models import Reservation
from inventory.services.rows import Change, StockRow, free_by_variant, lock_stock, write_changes

_CLAIM = "UPDATE inventory_reservation SET state = %s, expires_at = NULL WHERE reference = %s AND state = %s"


@step
def reserve_stock(*, reference: UUID, wanted: Mapping[UUID, int], expires_at: datetime) -> None:
    """Promise ``wanted`` (variant id -> units) to ``reference``: every line, or none. Three statements.

    :raises OutOfStock: naming every short line, not only the first
    """
    rows = lock_stock(variant_ids=wanted.keys())
    taken = _allocate(rows, wanted)
    write_changes(rows=rows, changes=[Change(row, reserved=units) for row, units in taken])
    _write(reference, taken, expires_at)


@step
def renew_stock(*, reference: UUID, wanted: Mapping[UUID, int], expires_at: datetime) -> None:
    """Promise again what was released before: every line, or none. Four statements.

    :raises OutOfStock: naming every short line; undo what this step did
    """
    Reservation.objects.filter(reference=reference, state=ReservationState.RELEASED.value).delete()
    reserve_stock(reference=reference, wanted=wanted, expires_at=expires_at)


@step
def rebook_stock(*, reference: UUID, wanted: Mapping[UUID, int], expires_at: datetime) -> None:
    """Promise ``wanted`` (variant id -> units) instead of what is held for ``reference``: every line, or none.

    Units that it held count as free. Five statements.

    :raises OutOfStock: naming every short line; undo what this step did
    """
    mine = Reservation.objects.filter(reference=reference, state=ReservationState.HELD.value)
    held = list(mine.locked().values_list("stock_id", "stock__variant_id", "quantity"))
    rows = lock_stock(variant_ids={*wanted, *(variant for _, variant, _ in held)})
    differences = {stock: -units for stock, _, units in held}
    bare = [replace(row, reserved=row.reserved + differences.get(row.pk, 0)) for row in rows]
    taken = _allocate(bare, wanted)
    for row, units in taken:
        differences[row.pk] = differences.get(row.pk, 0) + units
    mine.delete()
    changes = [Change(row, reserved=differences[row.pk]) for row in rows if differences.get(row.pk)]
    if changes:
        write_changes(rows=rows, changes=changes)
    _write(reference, taken, expires_at)


@step
def claim_stock(*, reference: UUID) -> None:
    """Keep what was promised for good: it has been paid for. One statement."""
    values = [ReservationState.CLAIMED.value, reference, ReservationState.HELD.value]
    write(Write(_CLAIM, values, "inventory_reservation", is_update=True))


def _allocate(rows: Sequence[StockRow], wanted: Mapping[UUID, int]) -> list[tuple[StockRow, int]]:
    """Spread each variant's units over its places, in the order of the rows.

    :raises OutOfStock: naming every short line
    """
    free = free_by_variant(rows)
    short = {variant: units - max(free[variant], 0) for variant, units in wanted.items() if units > free[variant]}
    if short:
        raise OutOfStock(short=short)
    left = dict(wanted)
    taken = []
    for row in rows:
        units = min(row.free, left.get(row.variant_id, 0))
        if units > 0:
            left[row.variant_id] -= units
            taken.append((row, units))
    return taken


def _write(reference: UUID, taken: Sequence[tuple[StockRow, int]], expires_at: datetime) -> None:
    insert_values(
        Reservation,
        [
            {"reference": reference, "stock_id": row.pk, "quantity": units, "expires_at": expires_at}
            for row, units in taken
        ],
    )
