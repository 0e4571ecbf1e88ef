"""Sending, and what the clock removes."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from notifications import services


@shared_task(acks_late=True)
def send_waiting_mail(**_: object) -> None:
    """Send the mails that are due."""
    services.send_waiting_mail()


@shared_task(acks_late=True)
def send_mail(*, mail_id: str, **_: object) -> None:
    """Send one mail, if it is due."""
    services.send_mail(mail_id=UUID(mail_id))


@shared_task
def forget_old(**_: object) -> None:
    """Remove notifications and mails whose time is over."""
    services.forget_old(now=timezone.now())
