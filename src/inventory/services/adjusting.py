"""Receiving, declaring, counting and correcting stock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.transactions import command, step
from inventory.domain import Reason
from inventory.errors import NamedTwice, StockMoved, StockNotFound, StockPromised, TooManyUnits
from inventory.models import Place, Stock
from inventory.services.rows import Change, StockRow, lock_stock, open_stock, write_changes, write_movements
from products import selectors as product_reads

MAX_UNITS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A change of one variant's units (named by id or SKU) in the default place: by ``difference``, or to ``quantity``.

    With ``expected`` the row must still hold that many on hand.
    """

    variant: UUID | None = None
    sku: str | None = None
    difference: int | None = None
    quantity: int | None = None
    expected: int | None = None


@command
def ensure_default_place() -> Place:
    """Return the place where stock stands if none is named; made if there is none yet."""
    place: Place | None = Place.objects.filter(is_default=True).first()
    return place or Place.objects.create(code="main", name="Main", is_default=True)


@command
def adjust_stock(*, items: Sequence[Adjustment], reason: str, actor_id: UUID | None, at: datetime) -> dict[UUID, int]:
    """Correct stock, every line or none. Locks the rows of all variants named.

    :returns: variant id -> units on hand in the default place afterwards
    :raises StockNotFound: a variant does not exist
    :raises StockMoved: an ``expected`` is not what is there (409)
    :raises StockPromised: fewer would be left than are promised (409)
    :raises TooManyUnits: beyond what a shop holds
    :raises NamedTwice: a variant is named by two lines
    """
    wanted = _by_variant(items)
    rows = _open_rows(wanted.keys())
    mine = _in_default_place(rows)
    _refuse_moved(mine, wanted)

    differences = {v: _difference(mine[v], adjustment) for v, adjustment in wanted.items()}
    _change(rows, mine, differences, Reason.ADJUSTED, reason, actor_id, at)
    return {variant: mine[variant].on_hand for variant in wanted}


@step
def receive_stock(
    *, units: Mapping[UUID, int], reason: Reason = Reason.RECEIVED, reference: str, actor_id: UUID | None, at: datetime
) -> None:
    """Add ``units`` (variant id -> units) to the default place. Five statements for any number of lines.

    :raises StockNotFound: a variant does not exist
    """
    rows = _open_rows(units.keys())
    _change(rows, _in_default_place(rows), units, reason, reference, actor_id, at)


@step
def declare_stock(*, units: Mapping[UUID, int], reference: str, actor_id: UUID | None, at: datetime) -> None:
    """Set the default place to ``units`` (variant id -> units on hand), in four statements where all are new.

    :raises StockNotFound: a variant does not exist
    :raises StockPromised: fewer are declared than are promised (409)
    :raises TooManyUnits: beyond what a shop holds
    """
    fresh = units.keys() - {stock.variant_id for stock in lock_stock(variant_ids=units.keys())}
    if fresh:
        _refuse_unknown(fresh)
        first = {variant: units[variant] for variant in fresh if 0 <= units[variant] <= MAX_UNITS}
        opened = open_stock(units=first, reason=Reason.DECLARED, reference=reference, actor_id=actor_id, at=at)
        units = {variant: wanted for variant, wanted in units.items() if variant not in opened}
    if not units:
        return
    rows = _open_rows(units.keys())
    mine = _in_default_place(rows)
    differences = {variant: wanted - mine[variant].on_hand for variant, wanted in units.items()}
    _change(rows, mine, differences, Reason.DECLARED, reference, actor_id, at)


def _by_variant(items: Sequence[Adjustment]) -> dict[UUID, Adjustment]:
    skus = [item.sku for item in items if item.sku is not None]
    by_sku = product_reads.variants_by_sku(skus=skus) if skus else {}
    unknown = [sku for sku in skus if sku not in by_sku]
    if unknown:
        raise StockNotFound(skus=unknown)
    wanted: dict[UUID, Adjustment] = {}
    for item in items:
        variant_id = item.variant or by_sku[item.sku or ""]
        if variant_id in wanted:
            raise NamedTwice(variant=str(variant_id))
        wanted[variant_id] = item
    return wanted


def _open_rows(variant_ids: Collection[UUID]) -> list[StockRow]:
    """Lock the rows of the variants; those that have none yet get one, empty, in the default place."""
    rows = lock_stock(variant_ids=variant_ids)
    missing = set(variant_ids) - {stock.variant_id for stock in rows if stock.is_default}
    if not missing:
        return rows
    _refuse_unknown(missing)
    place = Place.objects.get(is_default=True)
    Stock.objects.bulk_create(
        [Stock(variant_id=variant, place=place) for variant in sorted(missing)], ignore_conflicts=True
    )
    return lock_stock(variant_ids=variant_ids)


def _refuse_unknown(variant_ids: Collection[UUID]) -> None:
    unknown = product_reads.unknown_variants(variant_ids=variant_ids)
    if unknown:
        raise StockNotFound(variants=sorted(map(str, unknown)))


def _in_default_place(rows: list[StockRow]) -> dict[UUID, StockRow]:
    return {stock.variant_id: stock for stock in rows if stock.is_default}


def _refuse_moved(mine: Mapping[UUID, StockRow], wanted: Mapping[UUID, Adjustment]) -> None:
    moved = {
        str(variant): mine[variant].on_hand
        for variant, adjustment in wanted.items()
        if adjustment.expected is not None and adjustment.expected != mine[variant].on_hand
    }
    if moved:
        raise StockMoved(on_hand=moved)


def _difference(stock: StockRow, adjustment: Adjustment) -> int:
    if adjustment.quantity is not None:
        return adjustment.quantity - stock.on_hand
    return adjustment.difference or 0


def _change(
    rows: list[StockRow],
    mine: Mapping[UUID, StockRow],
    differences: Mapping[UUID, int],
    reason: Reason,
    reference: str,
    actor_id: UUID | None,
    at: datetime,
) -> None:
    moving = {variant: difference for variant, difference in differences.items() if difference}
    if any(mine[variant].on_hand + difference > MAX_UNITS for variant, difference in moving.items()):
        raise TooManyUnits(most=MAX_UNITS)
    short = {str(v): mine[v].reserved for v, d in moving.items() if mine[v].on_hand + d < mine[v].reserved}
    if short:
        raise StockPromised(promised=short)
    if not moving:
        return
    write_changes(rows=rows, changes=[Change(mine[v], on_hand=d) for v, d in moving.items()])
    write_movements(
        differences={mine[v].pk: d for v, d in moving.items()},
        reason=reason,
        reference=reference,
        actor_id=actor_id,
        at=at,
    )
