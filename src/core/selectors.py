"""Reads of the outbox, for staff."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from core.models import Delivery

_BY_STATE = {
    "owed": Q(done_at__isnull=True, dead_at__isnull=True),
    "dead": Q(dead_at__isnull=False),
    "done": Q(done_at__isnull=False),
}
STATES = tuple(_BY_STATE)


def list_deliveries(*, state: str | None = None) -> QuerySet[Delivery]:
    """Return the deliveries in that state (all of them for ``None``) with their events. One query."""
    rows: QuerySet[Delivery] = Delivery.objects.select_related("event")
    return rows if state is None else rows.filter(_BY_STATE[state])
