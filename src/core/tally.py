"""What is counted while the shop works, for whoever watches it: nothing, until ``config.seeing`` says where to."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from django.db import transaction


class Tally(Protocol):
    """Keeps figures by name and labels. It is called on the way of requests: no method waits for anything."""

    def count(self, name: str, *labels: str) -> None:
        """Count one more."""

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Note how long something took."""


_kept: Tally | None = None


def keep_in(tally: Tally | None) -> None:
    """Count there from now on, in this process; ``None``: nowhere."""
    global _kept  # noqa: PLW0603 - set once, at the start
    _kept = tally


def count(name: str, *labels: str) -> None:
    """Count one more of it."""
    if _kept is not None:
        _kept.count(name, *labels)


def observe(name: str, seconds: float, *labels: str) -> None:
    """Note how long it took."""
    if _kept is not None:
        _kept.observe(name, seconds, *labels)


def count_once_committed(name: str, *labels: str) -> None:
    """Count one more, if the transaction comes about."""
    if _kept is not None:
        transaction.on_commit(partial(_kept.count, name, *labels))
