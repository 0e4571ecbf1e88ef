"""Clock-driven work of payments."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from payments import services


@shared_task
def sweep(**_: object) -> None:
    """Ask providers about what is not settled."""
    services.sweep(now=timezone.now())


@shared_task
def forget_declines(**_: object) -> None:
    """Remove declined cards that count no more."""
    services.forget_declines(now=timezone.now())
