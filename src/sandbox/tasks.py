"""What the gateway does by its own clock."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from sandbox import services
from sandbox.services import sending


@shared_task(acks_late=True)
def send_due_events(**_: object) -> None:
    """Send the webhooks that are due."""
    sending.send_due_events(clock=timezone.now)


@shared_task(acks_late=True)
def settle_due(**_: object) -> None:
    """Decide the pending charges whose time is over."""
    services.settle_due(at=timezone.now())
