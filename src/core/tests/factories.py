"""Facts, deliveries and askers for tests."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction

from core.acting import Actor
from core.auditing import append
from core.events import Event
from core.ids import new_id
from core.models import AuditEntry, DeadLetter, Delivery, OutboxEvent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class ThingHappened(Event):
    """A fact of the tests."""

    name: ClassVar[str] = "tests.thing_happened"
    aggregate_field: ClassVar[str | None] = "thing_id"

    thing_id: UUID
    units: int = 1


@dataclass
class Asker:
    """Someone who asks, without an accounts app."""

    pk: str = "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"
    is_staff: bool = False
    held: Collection[str] = field(default_factory=frozenset)

    def has_perms(self, needed: Collection[str]) -> bool:
        return set(needed) <= set(self.held)


def make_audit_entry(**arguments: Any) -> AuditEntry:
    """Return a row of the log of the staff's actions."""
    with transaction.atomic():
        actor = Actor(user_id=new_id(), via="api", request_id="", path="POST /api/v1/things")
        append(actor=actor, action="tests.do_something", arguments=arguments)
    entry: AuditEntry = AuditEntry.objects.latest("position")
    return entry


def make_delivery(handler: str = "core.tests.handlers.remember", **fields: Any) -> Delivery:
    """Return a delivery that is due at noon, of an event of its own."""
    event = OutboxEvent.objects.create(
        name="tests.thing_happened",
        aggregate=fields.get("aggregate", ""),
        payload={"thing_id": str(new_id()), "units": 1},
        occurred_at=NOON,
    )
    delivery: Delivery = Delivery.objects.create(**{"event": event, "handler": handler, "due_at": NOON} | fields)
    return delivery


def make_dead_letter(task: str = "orders.tasks.expire_unpaid_orders", **fields: Any) -> DeadLetter:
    """Return a message that the broker gave up."""
    known = {"digest": new_id().hex, "task": task, "noted_at": NOON}
    letter: DeadLetter = DeadLetter.objects.create(**known | fields)
    return letter
