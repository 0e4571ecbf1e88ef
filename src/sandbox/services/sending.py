"""Webhooks leave the house: claim, commit, send, record. No transaction is open while the merchant is talked to."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import certifi
import httpx
from django.conf import settings

from core.compiled import Compiled
from core.outbox import back_off
from core.sql import insert_all, update_together
from core.transactions import command
from sandbox.domain import sign
from sandbox.models import Attempt, Event

MAX_TRIES = 12
_TIMEOUT_SECONDS = 5.0
# How long a worker that took a webhook has, before another may take it.
_LEASE = timedelta(seconds=30)
# As many as can be sent within the lease, even where each try runs into its time-out.
_BATCH = 5

_DUE: Compiled[Event] = Compiled(
    lambda now: Event.objects.filter(due_at__lte=now).locked(skip_locked=True).order_by("due_at", "pk")[:_BATCH],
    now=datetime,
)
_LOCKED: Compiled[Event] = Compiled(lambda event: Event.objects.filter(pk=event).locked(), event=UUID)

Clock = Callable[[], datetime]


def send_due_events(*, clock: Clock) -> int:
    """Send the webhooks that are due, record each try, and return how many arrived."""
    arrived = 0
    with httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False, verify=_trusted()) as client:
        while events := claim_events(now=clock()):
            arrived += sum(_send(client, event, clock) for event in events)
    return arrived


@cache
def _trusted() -> ssl.SSLContext:
    """Return whom TLS trusts: read once, which takes tens of milliseconds."""
    return ssl.create_default_context(cafile=certifi.where())


@command
def claim_events(*, now: datetime) -> list[Event]:
    """Take webhooks that are due for the length of a lease: in their order, the reordered ones backwards and last."""
    events = _DUE.all(now=now)
    for event in events:
        event.tries += 1
        event.due_at = now + _LEASE
    if events:
        update_together(*((event, ("tries", "due_at")) for event in events))
    in_order = [event for event in events if not event.is_reordered]
    return in_order + [event for event in reversed(events) if event.is_reordered]


def _send(client: httpx.Client, event: Event, clock: Clock) -> bool:
    body, now = event.body.encode(), clock()
    headers = {
        "Content-Type": "application/json",
        "Sandbox-Signature": sign(secret=settings.SANDBOX_WEBHOOK_SECRETS[0], at=int(now.timestamp()), body=body),
    }
    attempt = Attempt(event=event, at=now)
    try:
        attempt.status = client.post(settings.SANDBOX_WEBHOOK_URL, content=body, headers=headers).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        attempt.error = f"{type(error).__name__}: {error}"[:200]
    record_attempt(attempt=attempt, at=clock())
    return attempt.is_success


@command
def record_attempt(*, attempt: Attempt, at: datetime) -> None:
    """Write down how a try went, and when the next is due: never where it arrived as often as it should."""
    insert_all([attempt])
    event = _LOCKED.first(event=attempt.event_id)
    if event is None:
        raise Event.DoesNotExist
    if attempt.is_success:
        event.sent_at = event.sent_at or at
        event.copies = max(event.copies - 1, 0)
        event.due_at = at if event.copies else None
    else:
        event.due_at = at + back_off(event.tries) if event.tries < MAX_TRIES else None
    update_together((event, ("sent_at", "copies", "due_at")))
