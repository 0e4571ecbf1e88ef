"""What the catalogue does on the clock."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from products import services


@shared_task
def follow_clock(**_: object) -> None:
    """Show price lists that have begun and hide those that have ended."""
    services.follow_clock(at=timezone.now())


@shared_task
def gather_tallies(**_: object) -> None:
    """Keep the sums of what is listed short."""
    services.gather_tallies()


@shared_task
def keep_search(**_: object) -> None:
    """Fill the search engine's indexes that are missing."""
    services.fill_missing(at=timezone.now())
