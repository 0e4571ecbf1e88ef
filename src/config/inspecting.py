"""What the shop looks into each day: whether its books agree, and whether the log of the staff is as it was written.

What is found is logged as an error, and kept where metrics and the status page read it.
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice

import structlog

from config.books import find_differences
from core import auditing, inspections

log = structlog.get_logger("nexus.inspection")

# So many are named in the log; the commands name all.
_NAMED = 20
_MOST_BREAKS = 10_000


def verify_books(*, now: datetime) -> None:
    """Look whether all balances agree, if that is due."""
    if inspections.claim(name=inspections.BOOKS, now=now):
        _tell("books disagree", inspections.BOOKS, find_differences(now=now), now)


def verify_audit(*, now: datetime) -> None:
    """Follow the chain of the audit log, if that is due."""
    if inspections.claim(name=inspections.AUDIT, now=now):
        _tell("audit log broken", inspections.AUDIT, list(islice(auditing.find_breaks(), _MOST_BREAKS)), now)


def _tell(event: str, name: str, found: list[str], now: datetime) -> None:
    if found:
        log.error(event, found=len(found), first=found[:_NAMED])
    inspections.note(name=name, found=len(found), at=now)
