"""What the clock sees to: attempts of which nothing was heard, refunds that were not confirmed, methods given up."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from core.sweeping import go_by_index
from core.transactions import command
from payments.domain import IN_FLIGHT, pause
from payments.models import Attempt, Refund, SavedMethod
from payments.services.calling import ask, carry_out_refund
from payments.services.saving import carry_out_removal

log = structlog.get_logger(__name__)

# Of each kind, claimed at once: few, for the lease is that of a call, and none is kept from others for long.
_TOGETHER = 5
# Longer than a call takes: nobody else asks about the same meanwhile.
_LEASE = timedelta(seconds=15)
# Longer than that nobody sweeps at a time: the clock asks again, and other work waits for the same workers.
_SECONDS = 60.0


def sweep(*, now: datetime) -> int:
    """Ask about every attempt, tell of every refund and every method given up that is due; return how many there were.

    It charges nothing: attempts are asked about, refunds repeated under their own key. One that cannot be taken in
    holds up no other. Several may sweep at once. After a minute the rest is left for the next time.
    """
    began, passed, count = time.monotonic(), 0.0, 0
    while passed < _SECONDS and (works := _works(due_by=now, at=now + timedelta(seconds=passed))):
        for work in works:
            try:
                work()
            except Exception:
                log.exception("sweep stumbles", **work.keywords)
        count += len(works)
        passed = time.monotonic() - began
    return count


def _works(*, due_by: datetime, at: datetime) -> list[partial[None]]:
    attempts, refunds, methods = _claim(due_by=due_by, now=at)
    return [
        *(partial(ask, attempt_id=attempt_id, at=at) for attempt_id in attempts),
        *(partial(carry_out_refund, refund_id=refund_id, at=at) for refund_id in refunds),
        *(partial(carry_out_removal, method_id=method_id, at=at) for method_id in methods),
    ]


@command
def _claim(*, due_by: datetime, now: datetime) -> tuple[list[UUID], list[UUID], list[UUID]]:
    """Take what is due for the length of a call, skipping what someone else took: attempts, refunds, methods."""
    go_by_index()
    attempts = list(_due(Attempt.objects, due_by))
    for attempt in attempts:
        is_in_flight = attempt.state in IN_FLIGHT or attempt.unwanted_at is not None
        attempt.ask_at = now + pause(age=now - attempt.created_at, is_in_flight=is_in_flight)
    Attempt.objects.bulk_update(attempts, ["ask_at"])
    refunds, methods = (_lease(model.objects, due_by, now) for model in (Refund, SavedMethod))
    return [attempt.pk for attempt in attempts], refunds, methods


def _lease(rows: Any, due_by: datetime, now: datetime) -> list[UUID]:
    due = [row.pk for row in _due(rows, due_by)]
    if due:
        rows.filter(pk__in=due).update(ask_at=now + _LEASE)
    return due


def _due(rows: Any, due_by: datetime) -> Any:
    """Return the longest waiting. In the order of ids, those that are due again and again would hold up the rest."""
    return rows.filter(ask_at__lte=due_by).locked(skip_locked=True).order_by("ask_at", "pk")[:_TOGETHER]
