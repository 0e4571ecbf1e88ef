"""Locking stock rows, writing them back in one statement, and telling the catalogue what sold out or came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.db import connection

from core.batching import Write, write
from core.compiled import Compiled
from core.ids import new_id_text
from core.lookups import array_literal
from core.sql import insert_values
from core.transactions import step
from inventory.domain import Reason
from inventory.models import Movement, Stock
from products import services as products


@dataclass(slots=True)
class StockRow:
    """A locked row: what counts of it, without the weight of a model instance."""

    pk: UUID
    variant_id: UUID
    on_hand: int
    reserved: int
    is_default: bool

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved


_LOCKED = Compiled(
    lambda variant_ids: (
        Stock.objects.filter(variant__any_of=variant_ids)
        .locked()
        .values_list("pk", "variant_id", "on_hand", "reserved", "place__is_default")
    ),
    variant_ids=[UUID],
)


@step
def lock_stock(*, variant_ids: Collection[UUID]) -> list[StockRow]:
    """Lock the rows of these variants in all places, and return them, the default place first. One statement."""
    rows = [StockRow(*row) for row in _LOCKED.all(variant_ids=variant_ids)]
    return sorted(rows, key=lambda row: (not row.is_default, row.pk))


@step
def open_stock(
    *, units: Mapping[UUID, int], reason: Reason, reference: str, actor_id: UUID | None, at: datetime
) -> set[UUID]:
    """Open rows in the default place for variants that had none anywhere, with their units, and enter the movements.

    :param units: variant id -> units on hand, not negative
    :returns: the variants that got a row; for the others somebody else was faster, and nothing was done
    """
    ordered = sorted(units)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH opened AS (
                INSERT INTO inventory_stock (id, created_at, updated_at, variant_id, place_id, on_hand, reserved)
                SELECT u.id, now(), now(), u.variant_id, p.id, u.units, 0
                  FROM unnest(%s::uuid[], %s::uuid[], %s::int[]) AS u (id, variant_id, units)
                  JOIN inventory_place p ON p.is_default
                ON CONFLICT (variant_id, place_id) DO NOTHING
                RETURNING id, variant_id, on_hand),
            moved AS (
                INSERT INTO inventory_movement (stock_id, difference, reason, reference, actor_id, at)
                SELECT id, on_hand, %s, %s, %s, %s FROM opened WHERE on_hand > 0)
            SELECT variant_id FROM opened
            """,
            [
                array_literal(new_id_text() for _ in ordered),
                array_literal(ordered),
                array_literal(units[variant] for variant in ordered),
                reason.value,
                reference[:100],
                actor_id,
                at,
            ],
        )
        opened = {variant for (variant,) in cursor.fetchall()}
    products.set_availability(available={variant: True for variant in opened if units[variant] > 0})
    return opened


def free_by_variant(rows: Iterable[StockRow]) -> Counter[UUID]:
    """Return variant id -> units that are not promised, over all places."""
    free: Counter[UUID] = Counter()
    for row in rows:
        free[row.variant_id] += row.free
    return free


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one locked row."""

    stock: StockRow
    on_hand: int = 0
    reserved: int = 0


_CHANGE = """
    UPDATE inventory_stock s
       SET on_hand = s.on_hand + c.on_hand, reserved = s.reserved + c.reserved, updated_at = now()
      FROM jsonb_to_recordset(%s::jsonb) AS c (id uuid, on_hand int, reserved int)
     WHERE s.id = c.id
"""


@step
def write_changes(*, rows: Collection[StockRow], changes: Collection[Change]) -> None:
    """Apply changes to locked rows in one statement; variants that sold out or came back are told to the catalogue.

    :param rows: every row of the variants concerned, as ``lock_stock`` returned them
    """
    before = free_by_variant(rows)
    values = [{"id": c.stock.pk, "on_hand": c.on_hand, "reserved": c.reserved} for c in changes]
    write(Write(_CHANGE, [orjson.dumps(values).decode()], "inventory_stock", is_update=True))
    for change in changes:
        change.stock.on_hand += change.on_hand
        change.stock.reserved += change.reserved
    after = free_by_variant(rows)
    flipped = {variant: after[variant] > 0 for variant in after if (before[variant] > 0) != (after[variant] > 0)}
    if flipped:
        products.set_availability(available=flipped)


@step
def write_movements(
    *, differences: Mapping[UUID, int], reason: Reason, reference: str, actor_id: UUID | None, at: datetime
) -> None:
    """Append to the ledger. One statement.

    :param differences: stock id -> change of ``on_hand``; zeros are left out
    """
    insert_values(
        Movement,
        [
            {
                "stock_id": stock_id,
                "difference": difference,
                "reason": reason.value,
                "reference": reference[:100],
                "actor_id": actor_id,
                "at": at,
            }
            for stock_id, difference in differences.items()
            if difference
        ],
    )
