"""Background work of the outbox and of idempotency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from core import clock, courier, idempotency, media, outbox


@shared_task(acks_late=True)
def relay(**_: object) -> None:
    """Hand due deliveries to workers."""
    while due := outbox.claim_due(now=clock.database_now()):
        for handler, ids in outbox.parcelled(due):
            deliver.delay(delivery_ids=ids, handler=handler)


@shared_task(acks_late=True)
def deliver(*, delivery_ids: Sequence[str], handler: str = "", **_: object) -> None:
    """Run a handler for some events, and ask for a relay where more waited for these."""
    if outbox.deliver(delivery_ids=delivery_ids, handler=handler):
        courier.wake()


@shared_task
def forget_finished(**_: object) -> None:
    """Remove deliveries done a week ago."""
    outbox.forget_finished(before=timezone.now() - timedelta(days=7))


@shared_task
def forget_expired_keys(**_: object) -> None:
    """Remove expired idempotency keys."""
    idempotency.forget_expired(now=timezone.now())


@shared_task
def sweep_files(**_: object) -> None:
    """Remove files that were stored or forgotten a day ago and that no row names."""
    media.sweep_files(before=timezone.now() - timedelta(days=1))
