"""How the engine refuses, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class EngineAway(Exception):
    """It was not reached, did not answer in time or not whole, or is not asked for a moment."""


class NoIndex(Exception):
    """There is no index of that name, or not yet."""


class Refused(Exception):
    """It does not take what it was sent."""


class InTransaction(RuntimeError):
    """It was called while rows may be locked: a defect of the caller."""


class Taken(NamedTuple):
    """What was found, the best first, and how many: where they are more than were asked for, only that."""

    ids: Sequence[str]
    scores: Sequence[float]
    total: int
