"""A clock that a test sets: nobody waits for a lease or a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from django.utils import timezone

from core import clock as shared_clock


class Clock:
    """The time as edges read it: the true one, and as much later as the test wants."""

    def __init__(self) -> None:
        self._true_now = timezone.now
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the time that it shows."""
        return self._true_now() + self._ahead

    def go_on(self, by: timedelta) -> datetime:
        """Let time pass, and return what it shows then."""
        self._ahead += by
        return self.now()


@contextmanager
def set_clock() -> Iterator[Clock]:
    """Have every edge in the block read the clock that is returned."""
    clock = Clock()
    with patch.object(timezone, "now", clock.now), patch.object(shared_clock, "database_now", clock.now):
        yield clock
