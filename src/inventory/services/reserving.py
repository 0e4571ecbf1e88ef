"""Promising stock to orders, and what becomes of the promise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from core.transactions import step
from inventory.domain import Reason, ReservationState
from inventory.errors import OutOfStock
from inventory.models import Reservation, Stock
from inventory.services.rows import Change, free_by_variant, lock_stock, write_changes, write_movements

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
    write_changes(rows=rows, changes=[Change(stock, reserved=units) for stock, units in taken])
    Reservation.objects.bulk_create(
        Reservation(reference=reference, stock=stock, quantity=units, expires_at=expires_at) for stock, units in taken
    )


def _allocate(rows: list[Stock], wanted: Mapping[UUID, int]) -> list[tuple[Stock, int]]:
    """Spread each variant's units over its places, in the order of the rows."""
    left = dict(wanted)
    taken = []
    for stock in rows:
        units = min(stock.free, left[stock.variant_id])
        if units > 0:
            left[stock.variant_id] -= units
            taken.append((stock, units))
    return taken


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
        rows = lock_stock(variant_ids=_variants(promised))
        write_changes(rows=rows, changes=[Change(_row(rows, r), reserved=-r.quantity) for r in promised])


@step
def ship_stock(*, reference: UUID, actor_id: UUID | None, at: datetime) -> None:
    """Let what was promised leave the house: it is neither on hand nor promised any more. Five statements."""
    promised = _take_open(reference, ReservationState.SHIPPED)
    if not promised:
        return
    rows = lock_stock(variant_ids=_variants(promised))
    changes = [Change(_row(rows, r), on_hand=-r.quantity, reserved=-r.quantity) for r in promised]
    write_changes(rows=rows, changes=changes)
    write_movements(
        differences={change.stock.pk: change.on_hand for change in changes},
        reason=Reason.SHIPPED,
        reference=str(reference),
        actor_id=actor_id,
        at=at,
    )


def _take_open(reference: UUID, state: ReservationState) -> list[Reservation]:
    """Lock the open reservations of something, and move them on."""
    promised = list(Reservation.objects.filter(reference=reference, state__in=_OPEN).select_related("stock").locked())
    Reservation.objects.filter(pk__in=[r.pk for r in promised]).update(state=state.value, expires_at=None)
    return promised


def _variants(promised: list[Reservation]) -> set[UUID]:
    return {r.stock.variant_id for r in promised}


def _row(rows: list[Stock], reservation: Reservation) -> Stock:
    return next(stock for stock in rows if stock.pk == reservation.stock_id)
