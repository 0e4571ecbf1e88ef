"""Rows that are due, found a few at a time; and those that nobody needs any more, removed in parts.

However many there are, no statement takes long.
"""

from __future__ import annotations

import time
from typing import Any

from django.db.models import QuerySet

from core.statements import execute
from core.transactions import command, step

PART = 5000
# Longer than that nobody sweeps at a time: what is left is for the next time that the clock asks.
SECONDS = 900.0


_BY_INDEX = """SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_seqscan', 'off', true)"""


@step
def go_by_index() -> None:
    """Have what this transaction asks for in an order be read in that order, from an index that has it.

    For the first few of what may be many. Where statistics are those of an emptier table, PostgreSQL takes all of them
    for a few, and sorts them each time, or looks through the table for a few keys. One statement; it holds until the
    transaction ends.
    """
    execute(_BY_INDEX)


def sweep(rows: QuerySet[Any], *, by: str = "", part: int = PART) -> int:
    """Remove these rows, with what goes by them, so many in a transaction, and return how many there were.

    What somebody holds at the time stays for the next time. Not to be called in a transaction.

    :param by: the first column of the index that finds them; they go in its order, so that none is looked at twice.
        Empty: in any
    """
    began, count, further = time.monotonic(), 0, rows
    while True:
        removed, last = _sweep_part(rows=further, by=by, most=part)
        count += removed
        further = rows.filter(**{f"{by}__gte": last}) if by and removed else rows
        if removed < part or time.monotonic() - began > SECONDS:
            return count


@command
def _sweep_part(*, rows: QuerySet[Any], by: str, most: int) -> tuple[int, Any]:
    if by:
        go_by_index()
    # Whoever skips what is locked waits for nobody, in whatever order the rows come.
    free = rows.locked(skip_locked=True).order_by(*filter(None, [by]))  # type: ignore[attr-defined]
    chosen = list(free.values_list("pk", by or "pk")[:most])
    # However many there are, they are found by their keys: PostgreSQL counts on ten.
    rows.model.objects.filter(pk__any_of=[pk for pk, _ in chosen]).delete()
    return len(chosen), chosen[-1][1] if chosen else None
