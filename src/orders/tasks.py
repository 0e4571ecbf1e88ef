"""Clock-driven work of orders."""

from __future__ import annotations

from celery import shared_task

from core import clock
from orders import services


@shared_task
def expire_unpaid_orders(**_: object) -> None:
    """Cancel what was not paid in time, and give its stock back."""
    services.expire_unpaid(now=clock.database_now())


@shared_task
def scrub_erased(**_: object) -> None:
    """Scrub what was written of people while they were erased."""
    services.scrub_erased(now=clock.database_now())
