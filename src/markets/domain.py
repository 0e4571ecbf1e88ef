"""Words of markets."""

from __future__ import annotations

from enum import Enum


class TaxRounding(Enum):
    """Where tax is rounded: on each line, or once on the sum of each rate."""

    LINE = "line"
    TOTAL = "total"
