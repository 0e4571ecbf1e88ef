"""What a process remembers, up to so many bytes: what was asked for last stays."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
# What an entry takes beside its bytes: its key, and what holds it together.
_OVERHEAD = 1000


class Memory(Generic[T]):
    """Values by keys, for all threads of the process. Nothing here knows whether a value is still true."""

    def __init__(self, most: int) -> None:
        """:param most: bytes in all, as far as ``keep`` was told of them; 0 keeps nothing"""
        self._most = most
        self._taken = 0
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> T | None:
        """Return what is kept there, which thereby stays longer, or ``None``."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def keep(self, key: Hashable, value: T, size: int) -> None:
        """Keep a value of so many bytes in the place of what is there; what was not asked for longest goes."""
        size += _OVERHEAD
        with self._lock:
            if key in self._kept:
                self._taken -= self._kept.pop(key)[1]
            if size > self._most:
                return
            self._kept[key] = value, size
            self._taken += size
            while self._taken > self._most:
                self._taken -= self._kept.popitem(last=False)[1][1]

    def forget(self) -> None:
        """Keep nothing of what there is."""
        with self._lock:
            self._kept.clear()
            self._taken = 0
