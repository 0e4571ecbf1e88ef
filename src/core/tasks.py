"""Background work of the outbox and of idempotency."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from core import idempotency, outbox


@shared_task(acks_late=True)
def relay(**_: object) -> None:
    """Hand due deliveries to workers."""
    while due := outbox.claim_due(now=timezone.now()):
        for delivery in due:
            deliver.delay(delivery_id=str(delivery.pk))


@shared_task(acks_late=True)
def deliver(*, delivery_id: str, **_: object) -> None:
    """Run one handler for one event; a second copy of the message finds it done and stops."""
    if outbox.deliver(delivery_id=delivery_id):
        relay.delay()


@shared_task
def forget_finished(**_: object) -> None:
    """Remove deliveries done a week ago and expired idempotency keys."""
    now = timezone.now()
    outbox.forget_finished(before=now - timedelta(days=7))
    idempotency.forget_expired(now=now)
