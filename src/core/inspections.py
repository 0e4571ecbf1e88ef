"""What the shop looks into by itself, and what it found: kept in a table, so that every process can tell.

An inspection is claimed before it begins, so that two clocks or a message that comes twice are one inspection. One that
did not end is begun again after a while; ``good_at`` says how old the last answer is.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from core.models import Inspection
from core.statements import execute, fetch
from core.transactions import command

BOOKS, AUDIT, BACKUP = "books", "audit", "backup"
# The clock asks every hour: so one begins each day, whatever was late the day before.
_EVERY, _GIVEN_UP = timedelta(hours=23, minutes=30), timedelta(hours=4)

_CLAIM = """
INSERT INTO core_inspection AS known (name, begun_at, found) VALUES (%s, %s, 0)
ON CONFLICT (name) DO UPDATE SET begun_at = excluded.begun_at
 WHERE coalesce(known.good_at, '-infinity') <= %s AND coalesce(known.begun_at, '-infinity') <= %s
RETURNING name
"""
_NOTE = """
INSERT INTO core_inspection AS known (name, good_at, found) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET good_at = excluded.good_at, found = excluded.found
 WHERE coalesce(known.good_at, '-infinity') <= excluded.good_at
"""


@command
def claim(*, name: str, now: datetime) -> bool:
    """Tell whether the caller is to look now: a day after the last time, or hours after one that did not end."""
    return bool(fetch(_CLAIM, [name, now, now - _EVERY, now - _GIVEN_UP]))


@command
def note(*, name: str, found: int, at: datetime) -> None:
    """Write down how much was wrong. The latest counts, whatever the order.

    :param at: until when that is known
    """
    execute(_NOTE, [name, at, min(found, 2**31 - 1)])


def list_inspections() -> list[Inspection]:
    """Return the last of each kind. One query."""
    return list(Inspection.objects.order_by("pk"))
