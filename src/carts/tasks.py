"""Clock-driven work of carts."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from carts import services


@shared_task
def forget_abandoned(**_: object) -> None:
    """Remove carts that nobody uses any more."""
    services.forget_abandoned(now=timezone.now())
