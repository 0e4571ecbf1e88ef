"""Background work of the outbox and of idempotency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import shared_task
from django.utils import timezone

from core import auditing, clock, courier, deadletters, heartbeats, idempotency, media, outbox, relaying


@shared_task(acks_late=True)
def relay(**_: object) -> None:
    """Hand due deliveries to workers, until each handler has none due or as many under way as it may."""
    while due := relaying.claim_due(now=clock.database_now()):
        for parcel in relaying.parcelled(due):
            # The handler says which queue they belong in (config.queues).
            deliver.delay(**parcel._asdict())


@shared_task(acks_late=True)
def deliver(*, delivery_ids: Sequence[str], handler: str = "", is_suspect: bool = False, **_: object) -> None:
    """Run a handler for some events, and ask for a relay where more waited for these."""
    if outbox.deliver(delivery_ids=delivery_ids, handler=handler, is_suspect=is_suspect):
        courier.wake()


@shared_task(bind=True, acks_late=True)
def beat(task: Any, /, **_: object) -> None:
    """Note that this queue is served, and since when the message was under way."""
    now, sent_at = clock.database_now(), task.request.get("sent_at")
    heartbeats.note_heartbeat(
        queue=(task.request.delivery_info or {}).get("routing_key") or "celery",
        sent_at=datetime.fromtimestamp(sent_at, tz=UTC) if sent_at else now,
        now=now,
    )


@shared_task
def forget_finished(**_: object) -> None:
    """Remove deliveries done a week ago, and messages given up a quarter of a year ago."""
    outbox.forget_finished(before=timezone.now() - timedelta(days=7))
    deadletters.forget(before=timezone.now() - timedelta(days=90))


@shared_task
def collect_dead_letters(**_: object) -> None:
    """Write down what the broker gave up."""
    deadletters.collect(now=timezone.now())


@shared_task
def forget_expired_keys(**_: object) -> None:
    """Remove expired idempotency keys."""
    idempotency.forget_expired(now=timezone.now())


@shared_task
def sweep_files(**_: object) -> None:
    """Remove files that were stored or forgotten a day ago and that no row names."""
    media.sweep_files(before=timezone.now() - timedelta(days=1))


@shared_task
def tell_audit_head(**_: object) -> None:
    """Tell the log how far the audit log is."""
    auditing.tell_head()
