"""What leaves an order: units in a parcel, or units that will not be sent. Steps on an order that is locked.

The lines are counted in one statement, whatever their number; in memory too, so that the order shows what it is now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from django.db import connection, models
from django.db.models import F
from django.db.models.functions import Greatest

from core.models import remember_related
from core.sql import insert_together
from core.transactions import step
from inventory import services as inventory
from orders.errors import UnitsRefused
from orders.models import Fulfilment, FulfilmentLine, OrderLine

if TYPE_CHECKING:
    from accounts.models import User
    from orders.models import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """How goods go: with whom, under which number; ``tracking_url`` where the number alone does not lead there."""

    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    request_key: str = ""


@step
def lines_of(*, order: Order) -> list[OrderLine]:
    """Return the lines of a locked order; later steps on it count on these. One query, the first time."""
    if "lines" not in getattr(order, "_prefetched_objects_cache", {}):
        remember_related(order, lines=list(order.lines.order_by("position")))
    return list(order.lines.all())


@step
def open_units(*, order: Order, wanted: Mapping[UUID, int] | None) -> dict[UUID, int]:
    """Return line id -> units that are to go: those wanted, or all that are still owed.

    :raises UnitsRefused: a line owes fewer, or is none of the order's; or nothing is wanted (409)
    """
    left = {line.pk: line.open for line in lines_of(order=order)}
    if wanted is None:
        return {line: units for line, units in left.items() if units}
    if not wanted:
        raise UnitsRefused(left={str(line): units for line, units in left.items()})
    short = {str(line): left.get(line, 0) for line, units in wanted.items() if units > left.get(line, 0)}
    if short:
        raise UnitsRefused(left=short)
    return dict(wanted)


@step
def send_parcel(
    *, order: Order, units: Mapping[UUID, int], parcel: Parcel, actor: User | None, at: datetime
) -> Fulfilment:
    """Send units (line id -> units, all of them owed) of an order. Locks its stock rows. Eight statements.

    All that is owed is all that is promised: then stock is not told which.
    """
    fulfilment = Fulfilment(
        order=order,
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        tracking_url=parcel.tracking_url,
        request_key=parcel.request_key,
        shipped_at=at,
        actor=actor,
    )
    contents = [FulfilmentLine(fulfilment=fulfilment, line_id=line, quantity=count) for line, count in units.items()]
    insert_together([fulfilment], contents)
    _count(order, "shipped", units)
    inventory.ship_stock(
        reference=order.pk,
        units=_by_variant(order, units) if is_owed(order=order) else None,
        actor_id=actor.pk if actor else None,
        at=at,
    )
    return fulfilment


@step
def cancel_units(*, order: Order, units: Mapping[UUID, int]) -> None:
    """Free units (line id -> units, all of them owed) of an order. Locks its stock rows. Five statements."""
    _count(order, "cancelled", units)
    inventory.release_stock(reference=order.pk, units=_by_variant(order, units))


@step
def cancel_all(*, order: Order) -> None:
    """Owe nothing of an order of which nothing was sent, and free its stock. Five statements."""
    _forget(order)
    OrderLine.objects.filter(order=order).update(cancelled=F("quantity"))
    inventory.release_stock(reference=order.pk)


@step
def owe_all_again(*, order: Order) -> None:
    """Owe everything of an order that was cancelled and is taken up again. One statement."""
    _forget(order)
    OrderLine.objects.filter(order=order).update(cancelled=0)


@step
def is_owed(*, order: Order) -> bool:
    """Tell whether something of a locked order is still to be sent."""
    return any(line.open for line in lines_of(order=order))


@step
def deliver_all(*, order: Order, at: datetime) -> None:
    """Note that all parcels have arrived. One statement."""
    # A clock may be behind the one that noted the sending.
    arrived = Greatest(F("shipped_at"), models.Value(at))
    Fulfilment.objects.filter(order=order, delivered_at__isnull=True).update(delivered_at=arrived, updated_at=at)


def _by_variant(order: Order, units: Mapping[UUID, int]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for line in lines_of(order=order):
        if count := units.get(line.pk):
            found[line.variant_id] = found.get(line.variant_id, 0) + count
    return found


_COUNT = """
    UPDATE orders_orderline l
       SET shipped = l.shipped + c.shipped, cancelled = l.cancelled + c.cancelled, updated_at = now()
      FROM jsonb_to_recordset(%s::jsonb) AS c (id uuid, shipped int, cancelled int)
     WHERE l.id = c.id
"""


def _count(order: Order, what: str, units: Mapping[UUID, int]) -> None:
    nothing = {"shipped": 0, "cancelled": 0}
    values: Sequence[dict[str, object]] = [{"id": line, **nothing, what: count} for line, count in units.items()]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [orjson.dumps(values).decode()])
    for line in lines_of(order=order):
        setattr(line, what, getattr(line, what) + units.get(line.pk, 0))


def _forget(order: Order) -> None:
    """Let the lines be read anew when they are asked for."""
    getattr(order, "_prefetched_objects_cache", {}).pop("lines", None)
