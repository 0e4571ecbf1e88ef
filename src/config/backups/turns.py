"""When something is done again that takes the longer the more there is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

# Of all the time, as one part of so many.
SHARE = 20


class Turn:
    """Has something done at most once in so many seconds, and for a twentieth of the time at most.

    A store of a million files takes minutes to be listed: it is not listed each minute.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds, self._due_at, self._is_taken = seconds, 0.0, False

    def is_due(self) -> bool:
        """Tell whether it may be done now. While it is done, it is not due."""
        return not self._is_taken and time.monotonic() >= self._due_at

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Do it in the block, however that ends."""
        began, self._is_taken = time.monotonic(), True
        try:
            yield
        finally:
            over = time.monotonic()
            self._due_at = over + max(self._seconds, (SHARE - 1) * (over - began))
            self._is_taken = False
