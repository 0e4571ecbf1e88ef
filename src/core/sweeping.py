"""Rows that nobody needs any more, removed in parts: however many there are, no statement takes long."""

from __future__ import annotations

import time
from typing import Any

from django.db.models import QuerySet

from core.transactions import command

PART = 5000
# Longer than that nobody sweeps at a time: what is left is for the next time that the clock asks.
SECONDS = 900.0


def sweep(rows: QuerySet[Any], *, part: int = PART) -> int:
    """Remove these rows, with what goes by them, so many in a transaction, and return how many there were.

    What somebody holds at the time stays for the next time. Not to be called in a transaction.
    """
    began, count = time.monotonic(), 0
    while True:
        removed = _sweep_part(rows=rows, most=part)
        count += removed
        if removed < part or time.monotonic() - began > SECONDS:
            return count


@command
def _sweep_part(*, rows: QuerySet[Any], most: int) -> int:
    # Whoever skips what is locked waits for nobody, in whatever order the rows come.
    chosen = list(rows.locked(skip_locked=True).order_by().values_list("pk", flat=True)[:most])  # type: ignore[attr-defined]
    rows.model.objects.filter(pk__in=chosen).delete()
    return len(chosen)
