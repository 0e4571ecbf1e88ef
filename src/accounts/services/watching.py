"""What happens at the door, told to the log as ``nexus.security``: who, how, with which outcome; never what was typed.

A refused sign-in may be of an account that is not there. It is known by ``tried`` and ``origin`` instead: keyed digests
of the counters that it counts for, so that the guesses at one account, or from one address, are found together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from core.errors import DomainError

if TYPE_CHECKING:
    from accounts.services.throttling import Counter

log = structlog.get_logger("nexus.security")
_DIGITS = 16


@contextmanager
def watched(event: str, **facts: Any) -> Iterator[dict[str, Any]]:
    """Tell of what is tried in the block once it is over, done or refused; yield the facts, to be added to."""
    try:
        yield facts
    except DomainError as refusal:
        log.warning(event, outcome="refused", code=refusal.code, **facts)
        raise
    log.info(event, outcome="done", **facts)


def tell(event: str, **facts: Any) -> None:
    """Tell of what was done."""
    log.info(event, outcome="done", **facts)


def warn(event: str, **facts: Any) -> None:
    """Tell of what nobody does who is who they say."""
    log.warning(event, outcome="refused", **facts)


def marks_of(counters: Sequence[Counter]) -> dict[str, str]:
    """Return ``tried`` (the account and the address that asks) and ``origin`` (the address) as digests.

    :param counters: of tries at a password
    """
    account, address = counters
    return {"tried": account.subject[:_DIGITS], "origin": address.subject[:_DIGITS]}
