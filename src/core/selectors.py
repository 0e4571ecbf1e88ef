"""Reads of the outbox, for staff."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from core.models import AuditEntry, Delivery

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


def list_audit_entries(*, actor: UUID | None = None, action: str = "") -> QuerySet[AuditEntry]:
    """Return what staff had carried out. One query.

    :param actor: one account's alone
    :param action: a part of the command's name
    """
    rows: QuerySet[AuditEntry] = AuditEntry.objects.all()
    if actor is not None:
        rows = rows.filter(actor_id=actor)
    return rows.filter(action__icontains=action) if action else rows
