"""Not asking those who are known to be down."""

from __future__ import annotations

import threading
import time

_FAILURES = 3
_OPEN_SECONDS = 5.0
# Whoever is waited for so long counts as failing already; whoever is waited for no longer was forgotten.
_OVERDUE_SECONDS, _FORGOTTEN_SECONDS = 3.0, 60.0


class Circuit:
    """Open after a few failures in a row, for a few seconds; then one caller tries.

    Open, too, while as many calls are overdue, however long they may still take. Each process learns for itself: it
    costs it three failures, and there is no shared memory that could be down, too.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0
        # Thread -> since when it waits.
        self._waiting: dict[int, float] = {}

    def enter(self) -> bool:
        """Tell whether a call may be made now. Whoever was told so says how it ended (:meth:`leave`)."""
        with self._lock:
            now = time.monotonic()
            waits = [now - since for since in self._waiting.values()]
            if sum(_OVERDUE_SECONDS < wait < _FORGOTTEN_SECONDS for wait in waits) >= _FAILURES:
                return False
            if self._failures >= _FAILURES:
                if now < self._closed_until:
                    return False
                self._closed_until = now + _OPEN_SECONDS
            self._waiting[threading.get_ident()] = now
            return True

    def leave(self, *, is_well: bool) -> None:
        """Note how the call ended."""
        with self._lock:
            self._waiting.pop(threading.get_ident(), None)
            self._failures = 0 if is_well else self._failures + 1
            if self._failures >= _FAILURES:
                self._closed_until = time.monotonic() + _OPEN_SECONDS
