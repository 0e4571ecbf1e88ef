"""Words of markets."""

from __future__ import annotations

import secrets
from enum import Enum


class TaxRounding(Enum):
    """Where tax is rounded: on each line, or once on the sum of each rate."""

    LINE = "line"
    TOTAL = "total"


def new_version() -> int:
    """Return a version of the rules that there never was, not even in a transaction that was rolled back."""
    return secrets.randbits(63)
