"""Loaded at the start of each process whose clock is set by libfaketime.

Its ``clock_nanosleep``, by which Python sleeps, refuses clocks that are left alone (libfaketime 0.9.10, of Debian 12).
"""

from __future__ import annotations

import threading
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex, /) -> None:
    threading.Event().wait(float(seconds))


time.sleep = _sleep
