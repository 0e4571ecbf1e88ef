"""Not asking those who are known to be down."""

from __future__ import annotations

import threading
import time

_FAILURES = 3
_OPEN_SECONDS = 5.0


class Circuit:
    """Open after a few failures in a row, for a few seconds; then one caller tries.

    Each process learns for itself: it costs it three failures, and there is no shared memory that could be down, too.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    def enter(self) -> bool:
        """Tell whether a call may be made now."""
        with self._lock:
            if self._failures < _FAILURES:
                return True
            if time.monotonic() < self._closed_until:
                return False
            self._closed_until = time.monotonic() + _OPEN_SECONDS
            return True

    def leave(self, *, is_well: bool) -> None:
        """Note how the call ended."""
        with self._lock:
            self._failures = 0 if is_well else self._failures + 1
            if self._failures >= _FAILURES:
                self._closed_until = time.monotonic() + _OPEN_SECONDS
