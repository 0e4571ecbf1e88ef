"""Clock-driven work of accounts."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import services


@shared_task
def forget_spent_tokens(**_: object) -> None:
    """Remove expired tokens and attempts that count no more."""
    services.forget_spent_tokens(at=timezone.now())
