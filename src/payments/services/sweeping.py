"""What the clock sees to: attempts of which nothing was heard, refunds that were not confirmed, methods given up."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from core.transactions import command
from payments.domain import IN_FLIGHT, pause
from payments.models import Attempt, Refund, SavedMethod
from payments.services.calling import ask, carry_out_refund
from payments.services.saving import carry_out_removal

log = structlog.get_logger(__name__)

_MOST = 100
# Longer than a call takes: nobody else asks about the same meanwhile.
_LEASE = timedelta(seconds=15)


def sweep(*, now: datetime) -> int:
    """Ask about every attempt, tell of every refund and every method given up that is due; return how many there were.

    It charges nothing: attempts are asked about, refunds repeated under their own key. One that cannot be taken in
    holds up no other.
    """
    attempts, refunds, methods = _claim(now=now)
    works = [
        *(partial(ask, attempt_id=attempt_id, at=now) for attempt_id in attempts),
        *(partial(carry_out_refund, refund_id=refund_id, at=now) for refund_id in refunds),
        *(partial(carry_out_removal, method_id=method_id, at=now) for method_id in methods),
    ]
    for work in works:
        try:
            work()
        except Exception:
            log.exception("sweep stumbles", **work.keywords)
    return len(works)


@command
def _claim(*, now: datetime) -> tuple[list[UUID], list[UUID], list[UUID]]:
    """Take what is due for the length of a call, skipping what someone else took: attempts, refunds, methods."""
    attempts = list(_due(Attempt.objects, now))
    for attempt in attempts:
        is_in_flight = attempt.state in IN_FLIGHT or attempt.unwanted_at is not None
        attempt.ask_at = now + pause(age=now - attempt.created_at, is_in_flight=is_in_flight)
    Attempt.objects.bulk_update(attempts, ["ask_at"])
    return [attempt.pk for attempt in attempts], _lease(Refund.objects, now), _lease(SavedMethod.objects, now)


def _lease(rows: Any, now: datetime) -> list[UUID]:
    due = [row.pk for row in _due(rows, now)]
    rows.filter(pk__in=due).update(ask_at=now + _LEASE)
    return due


def _due(rows: Any, now: datetime) -> Any:
    return rows.filter(ask_at__lte=now).locked(skip_locked=True)[:_MOST]
