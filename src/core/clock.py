"""The one clock that all processes share.

Those of machines differ by seconds, or by minutes where something is wrong. What one process promises until a time and
another takes back after it, both go by this one.
"""

from __future__ import annotations

from datetime import datetime

from core.statements import fetch


def database_now() -> datetime:
    """Return the time by the database's clock. One query."""
    now: datetime = fetch("SELECT clock_timestamp()")[0][0]
    return now
