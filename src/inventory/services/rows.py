"""Locking stock rows, writing them back in one statement, and telling the catalogue what sold out or came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from core.transactions import step
from inventory.domain import Reason
from inventory.models import Movement, Stock
from products import services as products


@step
def lock_stock(*, variant_ids: Collection[UUID]) -> list[Stock]:
    """Lock the rows of these variants in all places, and return them, the default place first. One statement."""
    rows = list(Stock.objects.filter(variant_id__in=variant_ids).select_related("place").locked())
    return sorted(rows, key=lambda stock: (not stock.place.is_default, stock.pk))


def free_by_variant(rows: Iterable[Stock]) -> Counter[UUID]:
    """Return variant id -> units that are not promised, over all places."""
    free: Counter[UUID] = Counter()
    for stock in rows:
        free[stock.variant_id] += stock.free
    return free


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one locked row."""

    stock: Stock
    on_hand: int = 0
    reserved: int = 0


@step
def write_changes(*, rows: list[Stock], changes: Collection[Change]) -> None:
    """Apply changes to locked rows in one statement; variants that sold out or came back are told to the catalogue.

    :param rows: every row of the variants concerned, as ``lock_stock`` returned them
    """
    before = free_by_variant(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE inventory_stock s
               SET on_hand = s.on_hand + c.on_hand, reserved = s.reserved + c.reserved, updated_at = now()
              FROM unnest(%s::uuid[], %s::int[], %s::int[]) AS c (id, on_hand, reserved)
             WHERE s.id = c.id
            """,
            [[c.stock.pk for c in changes], [c.on_hand for c in changes], [c.reserved for c in changes]],
        )
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
    Movement.objects.bulk_create(
        Movement(
            stock_id=stock_id,
            difference=difference,
            reason=reason.value,
            reference=reference[:100],
            actor_id=actor_id,
            at=at,
        )
        for stock_id, difference in differences.items()
        if difference
    )
