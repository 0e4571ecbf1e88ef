"""A clock that a test sets: nobody waits for a lease or a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from django.utils import timezone

from core import clock as shared_clock

# So that what follows is later than what it follows.
_TICK = timedelta(milliseconds=1)


class Clock:
    """The time as edges read it: it stands still but for a tick at each reading, and goes on when the test wants.

    However slow the machine is, the same happens at the same time in each telling of a story.
    """

    def __init__(self) -> None:
        self._now = timezone.now()

    def now(self) -> datetime:
        """Return the time that it shows."""
        return self.go_on(_TICK)

    def go_on(self, by: timedelta) -> datetime:
        """Let time pass, and return what it shows then."""
        self._now += by
        return self._now


@contextmanager
def set_clock() -> Iterator[Clock]:
    """Have every edge in the block read the clock that is returned."""
    clock = Clock()
    with patch.object(timezone, "now", clock.now), patch.object(shared_clock, "database_now", clock.now):
        yield clock
