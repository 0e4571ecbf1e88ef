"""What the gateway knows, as its clients are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet, Sum

from core.compiled import Compiled
from core.money import to_text
from sandbox.domain import FACES, Card, EntryKind, Status, Switch
from sandbox.errors import ChargeNotFound, MethodNotFound
from sandbox.models import Charge, Entry, Event, Fault, Method, Refund

_MOST = 100


def get_charge(*, charge_id: UUID) -> Charge:
    """Return the charge as it is written. One query.

    :raises ChargeNotFound: there is none
    """
    charge: Charge | None = Charge.objects.filter(pk=charge_id).first()
    if charge is None:
        raise ChargeNotFound
    return charge


def get_method(*, method_id: UUID) -> Method:
    """Return a card that is kept. One query.

    :raises MethodNotFound: there is none, or it was removed
    """
    method: Method | None = Method.objects.filter(pk=method_id, removed_at=None).first()
    if method is None:
        raise MethodNotFound
    return method


def list_charges(*, reference: str) -> list[Charge]:
    """Return the charges with the merchant's reference, the newest first, at most a hundred. One query."""
    return list(Charge.objects.filter(reference=reference).order_by("-pk")[:_MOST])


def list_due(*, at: datetime) -> list[UUID]:
    """Return the ids of pending charges whose time is over, the longest waiting first, at most a hundred. One query."""
    due = Charge.objects.filter(status__literally=Status.PENDING.value, due_at__lte=at)
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:_MOST])


def get_refund(*, refund_id: UUID) -> Refund:
    """Return the refund. One query.

    :raises ChargeNotFound: there is none
    """
    refund: Refund | None = Refund.objects.filter(pk=refund_id).first()
    if refund is None:
        raise ChargeNotFound
    return refund


def list_refunds(*, charge_id: UUID) -> list[Refund]:
    """Return all refunds of the charge, the oldest first. Two queries.

    :raises ChargeNotFound: there is no such charge
    """
    get_charge(charge_id=charge_id)
    return list(Refund.objects.filter(charge=charge_id).order_by("pk"))


def list_events(*, charge_id: UUID | None, reference: str) -> QuerySet[Event]:
    """Return webhooks with their tries, the newest first: of one charge, of one reference, or of all. Two queries."""
    events: QuerySet[Event] = Event.objects.prefetch_related("attempts").order_by("-pk")
    if charge_id is not None:
        events = events.filter(charge=charge_id)
    if reference:
        events = events.filter(charge__reference=reference)
    return events


_FAULTS: Compiled[tuple[str, int | None, int]] = Compiled(
    lambda: Fault.objects.filter(Q(times__isnull=True) | Q(times__gt=0)).values_list("name", "times", "seconds")
)


def faults() -> Mapping[str, Switch]:
    """Return what is set to go wrong: name -> how. One query."""
    return {name: Switch(times, seconds) for name, times, seconds in _FAULTS.all()}


def charge_document(*, charge: Charge) -> dict[str, Any]:
    """Return a charge as the wire has it. No query."""
    page = "challenge" if charge.card else "pay"
    url = f"{settings.SANDBOX_URL}/sandbox/{page}/{charge.public_id}"
    needs_action = charge.status == Status.REQUIRES_ACTION
    return {
        "id": charge.public_id,
        "status": charge.status,
        "amount": charge.amount_minor,
        "currency": charge.currency,
        "captured": charge.captured_minor,
        "refunded": charge.refunded_minor,
        "disputed": charge.disputed_minor,
        "reference": charge.reference,
        "next_action": {"type": "redirect", "url": url} if needs_action else None,
        "failure": charge.failure or None,
        "created": int(charge.created_at.timestamp()),
        "saved": _kept(charge),
    }


def _kept(charge: Charge) -> dict[str, Any] | None:
    if not charge.saves or charge.method_id is None:
        return None
    return method_document(method_id=charge.method_id, card=charge.card)


def method_document(*, method_id: UUID, card: str) -> dict[str, Any]:
    """Return a card that is kept as the wire has it. No query."""
    return {"token": f"pm_{method_id.hex}", **asdict(FACES[Card(card)])}


def refund_document(*, refund: Refund) -> dict[str, Any]:
    """Return a refund as the wire has it. No query."""
    return {
        "id": refund.public_id,
        "charge": f"ch_{refund.charge_id.hex}",
        "amount": refund.amount_minor,
        "reference": refund.reference,
        "status": "succeeded" if refund.is_done else "failed",
        "created": int(refund.created_at.timestamp()),
    }


def event_document(*, event: Event) -> dict[str, Any]:
    """Return a webhook with its bytes and its tries. No query where the tries were fetched."""
    return {
        "id": f"evt_{event.pk.hex}",
        "type": event.type,
        "charge": f"ch_{event.charge_id.hex}",
        "body": event.body,
        "copies": event.copies,
        "due_at": event.due_at,
        "sent_at": event.sent_at,
        "attempts": [
            {"at": attempt.at, "status": attempt.status, "error": attempt.error or None}
            for attempt in sorted(event.attempts.all(), key=lambda attempt: attempt.pk)
        ],
    }


def totals() -> dict[str, dict[str, int]]:
    """Return the sums of the ledger: currency -> kind of entry -> minor units. One query, nothing but the ledger."""
    found: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT currency, kind, sum(amount_minor)::bigint FROM {Entry._meta.db_table} "  # nosec B608  # noqa: S608 - our name
            "GROUP BY currency, kind ORDER BY currency, kind"
        )
        for currency, kind, minor in cursor.fetchall():
            found.setdefault(currency, {})[kind] = minor
    return found


def booked() -> Iterator[tuple[str, str, int, int, int]]:
    """Return the merchant's reference, currency, captured, refunded and charged back minor units of all charges.

    One query; those of one reference are together.
    """
    rows = Charge.objects.values_list("reference", "currency")
    sums = rows.annotate(Sum("captured_minor"), Sum("refunded_minor"), Sum("disputed_minor"))
    found: Iterator[tuple[str, str, int, int, int]] = sums.order_by("reference", "currency").iterator(chunk_size=5000)
    return found


def all_charges() -> Iterator[Charge]:
    """Return every charge, the oldest first, a thousand at a time."""
    rows: Iterator[Charge] = Charge.objects.order_by("pk").iterator(chunk_size=1000)
    return rows


_DIFFERENCES = """
WITH sums AS (
    SELECT c.id,
           coalesce(sum(e.amount_minor) FILTER (WHERE e.kind = 'authorised'), 0) AS authorised,
           coalesce(sum(e.amount_minor) FILTER (WHERE e.kind = 'captured'), 0) AS captured,
           coalesce(sum(e.amount_minor) FILTER (WHERE e.kind = 'released'), 0) AS released,
           coalesce(sum(e.amount_minor) FILTER (WHERE e.kind = 'refunded'), 0) AS refunded,
           coalesce(sum(e.amount_minor) FILTER (WHERE e.kind = 'disputed'), 0) AS disputed,
           bool_or(e.currency <> c.currency) AS is_mixed
      FROM sandbox_charge c LEFT JOIN sandbox_entry e ON e.charge_id = c.id
     GROUP BY c.id
), given_back AS (
    SELECT charge_id AS id, sum(amount_minor) FILTER (WHERE is_done) AS minor FROM sandbox_refund GROUP BY charge_id
), told AS (
    SELECT charge_id AS id, count(*) FILTER (WHERE type = 'charge.' || c.status) AS of_status
      FROM sandbox_event v JOIN sandbox_charge c ON c.id = v.charge_id GROUP BY charge_id
), judged AS (
    SELECT c.id, unnest(ARRAY[
        CASE WHEN c.captured_minor <> s.captured THEN 'captured is not the sum of the ledger' END,
        CASE WHEN c.refunded_minor <> s.refunded THEN 'refunded is not the sum of the ledger' END,
        CASE WHEN c.refunded_minor <> coalesce(g.minor, 0) THEN 'refunded is not the sum of the refunds' END,
        CASE WHEN c.disputed_minor <> s.disputed THEN 'disputed is not the sum of the ledger' END,
        CASE WHEN s.refunded + s.disputed > s.captured THEN 'more was given back than captured' END,
        CASE WHEN s.captured + s.released > s.authorised THEN 'more was captured or released than authorised' END,
        CASE WHEN s.authorised NOT IN (0, c.amount_minor) THEN 'not the amount was authorised' END,
        CASE WHEN (s.captured > 0) <> (c.status = 'captured') THEN 'the status is not that of the ledger' END,
        CASE WHEN c.status IN ('captured', 'voided') AND s.captured + s.released <> s.authorised
             THEN 'something is still held' END,
        CASE WHEN c.status IN ('authorised', 'captured', 'failed', 'voided') AND coalesce(t.of_status, 0) <> 1
             THEN 'the status was not told once' END,
        CASE WHEN s.is_mixed THEN 'another currency in the ledger' END
    ]) AS difference
      FROM sandbox_charge c JOIN sums s USING (id) LEFT JOIN given_back g USING (id) LEFT JOIN told t USING (id)
)
SELECT id, difference FROM judged WHERE difference IS NOT NULL ORDER BY id, difference LIMIT 1000
"""


def find_differences() -> list[dict[str, str]]:
    """Compare every charge with the ledger, its refunds and its events: ``[{"charge", "difference"}]``, best empty.

    One statement, whatever the number of charges.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES)
        return [{"charge": f"ch_{pk.hex}", "difference": difference} for pk, difference in cursor.fetchall()]


_SETTLED = [EntryKind.CAPTURED.value, EntryKind.REFUNDED.value, EntryKind.DISPUTED.value]


def settlement(*, begins_at: datetime, ends_at: datetime) -> Iterator[tuple[str, ...]]:
    """Return what the gateway took, gave back and lost from one moment to another, as texts by ``SETTLEMENT_HEADS``.

    One query, a thousand rows at a time; nothing but the ledger.
    """
    entries = Entry.objects.filter(kind__in=_SETTLED, at__gte=begins_at, at__lte=ends_at)
    rows = entries.select_related("charge", "refund").order_by("at", "pk")
    return map(_settled, rows.iterator(chunk_size=1000))


SETTLEMENT_HEADS = ("type", "id", "charge", "reference", "currency", "amount", "at")


def _settled(entry: Entry) -> tuple[str, ...]:
    charge, refund = entry.charge.public_id, entry.refund
    is_taken = entry.kind == EntryKind.CAPTURED
    name = charge if is_taken else charge.replace("ch_", "dp_")
    return (
        *(entry.kind, name if refund is None else refund.public_id, charge, entry.charge.reference, entry.currency),
        to_text(entry.amount_minor if is_taken else -entry.amount_minor, entry.currency),
        entry.at.isoformat(),
    )
