"""The one clock that all processes share.

Those of machines differ by seconds, or by minutes where something is wrong. What one process promises until a time and
another takes back after it, both go by this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from core.statements import fetch

_told: ContextVar[datetime | None] = ContextVar("told", default=None)


def database_now() -> datetime:
    """Return the time by the database's clock. One query, or none where it was ``told`` just now."""
    if (told_now := _told.get()) is not None:
        return told_now
    now: datetime = fetch("SELECT clock_timestamp()")[0][0]
    return now


@contextmanager
def told(now: datetime) -> Iterator[None]:
    """Have the block go by a time that the database has told beside something else. It should be a short one."""
    token = _told.set(now)
    try:
        yield
    finally:
        _told.reset(token)
