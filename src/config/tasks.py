"""What the clock has looked into, across all apps."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from config import inspecting


@shared_task
def verify_books(**_: object) -> None:
    """Re-derive all balances, once a day."""
    inspecting.verify_books(now=timezone.now())


@shared_task
def verify_audit(**_: object) -> None:
    """Follow the chain of the audit log, once a day."""
    inspecting.verify_audit(now=timezone.now())
