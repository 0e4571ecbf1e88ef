"""Reads of stock."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet, Sum

from core.sql import uuid_array
from core.statements import fetch
from inventory.models import Movement, Place, Stock

# A reservation may outlive its time by as long as the clock's work takes to come round (HARD-CASES, I10).
_GRACE = timedelta(seconds=60)

_CHECKS = {
    "stock {0}: {1} on hand, but its movements add up to {2}": """
        SELECT s.id, s.on_hand, coalesce(sum(m.difference), 0) FROM inventory_stock s
          LEFT JOIN inventory_movement m ON m.stock_id = s.id
         GROUP BY s.id HAVING s.on_hand <> coalesce(sum(m.difference), 0)""",
    "stock {0}: {1} reserved, but its reservations add up to {2}": """
        SELECT s.id, s.reserved, coalesce(sum(r.quantity - r.shipped - r.released), 0) FROM inventory_stock s
          LEFT JOIN inventory_reservation r ON r.stock_id = s.id AND r.state IN ('held', 'claimed')
         GROUP BY s.id HAVING s.reserved <> coalesce(sum(r.quantity - r.shipped - r.released), 0)""",
    "reservation of {0}: {1} units shipped, but {2} left the shelf for it": """
        SELECT r.reference, r.shipped, coalesce(m.units, 0) FROM inventory_reservation r
          LEFT JOIN (SELECT stock_id, reference, -sum(difference) AS units FROM inventory_movement
                      WHERE reason = 'shipped' GROUP BY stock_id, reference) m
            ON m.stock_id = r.stock_id AND m.reference = r.reference::text
         WHERE r.shipped <> coalesce(m.units, 0)""",
    "stock {0}: {1} on hand, {2} reserved": """
        SELECT id, on_hand, reserved FROM inventory_stock WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand""",
    "variant {0}: shown as available: {1}, but {2} units are free": """
        SELECT v.id, v.is_available, coalesce(sum(s.on_hand - s.reserved), 0) FROM products_variant v
          LEFT JOIN inventory_stock s ON s.variant_id = v.id WHERE v.deleted_at IS NULL
         GROUP BY v.id HAVING v.is_available <> (coalesce(sum(s.on_hand - s.reserved), 0) > 0)""",
}


def free_units(*, variant_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return variant id -> units not promised, over all places; absent where none were ever stocked. One query."""
    if not variant_ids:
        return {}
    found = fetch(
        "SELECT variant_id, sum(on_hand - reserved) FROM inventory_stock"
        " WHERE variant_id = ANY((SELECT %s::uuid[])::uuid[]) GROUP BY variant_id",
        [uuid_array(variant_ids)],
    )
    return dict(found)


def list_stock(*, sku: str | None = None, below: int | None = None) -> QuerySet[Stock]:
    """Return the stock rows of living variants, with variant and place; order them by ``-updated_at, -pk``. One query.

    :param below: only rows with fewer free units
    """
    rows: QuerySet[Stock] = Stock.objects.select_related("variant", "place").filter(variant__deleted_at__isnull=True)
    if sku is not None:
        rows = rows.filter(variant__sku=sku)
    if below is not None:
        rows = rows.filter(on_hand__lt=F("reserved") + below)
    return rows


def list_movements(*, sku: str | None = None) -> QuerySet[Movement]:
    """Return the ledger with variants; order it by ``-pk``. One query."""
    rows: QuerySet[Movement] = Movement.objects.select_related("stock__variant")
    return rows if sku is None else rows.filter(stock__variant__sku=sku)


def moved_units(*, reference: str) -> dict[UUID, int]:
    """Return variant id -> units that came with that reference, less those that went. One query."""
    rows = Movement.objects.filter(reference=reference).values_list("stock__variant_id")
    return dict(rows.annotate(units=Sum("difference")))


def movement_references(*, prefix: str) -> set[str]:
    """Return the references of movements that begin like this. One query."""
    return set(Movement.objects.filter(reference__startswith=prefix).values_list("reference", flat=True))


def find_differences(*, now: datetime) -> list[str]:
    """Re-derive every balance of stock and return what does not agree, in words. Six queries over all rows."""
    found = []
    with connection.cursor() as cursor:
        for sentence, query in _CHECKS.items():
            cursor.execute(query)
            found += [sentence.format(*row) for row in cursor.fetchall()]
        cursor.execute(
            "SELECT reference, expires_at FROM inventory_reservation WHERE state = 'held' AND expires_at < %s",
            [now - _GRACE],
        )
        found += [f"reservation of {reference} should have lapsed at {at}" for reference, at in cursor.fetchall()]
    return found


def find_place(*, code: str) -> Place | None:
    """Return the place of that code, if there is one. One query."""
    place: Place | None = Place.objects.filter(code=code).first()
    return place
