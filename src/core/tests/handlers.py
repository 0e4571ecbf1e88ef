"""Reactions of the tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

from core.models import OutboxEvent
from core.tests.factories import NOON
from core.transactions import in_transaction, step

seen: list[dict[str, Any]] = []


called: list[tuple[list[str], bool]] = []
refused: set[str] = set()


def call(*, facts: Sequence[dict[str, Any]]) -> None:
    """Call somebody, who refuses some."""
    ids = [fact["delivery_id"] for fact in facts]
    called.append((ids, in_transaction()))
    if refused & set(ids):
        raise ConnectionError("nobody there")


def remember(**payload: Any) -> None:
    seen.append(payload)


@step
def write(*, delivery_id: str, **_: object) -> None:
    OutboxEvent.objects.create(name="tests.written", aggregate=delivery_id, payload={}, occurred_at=NOON)


@step
def write_and_fail(*, delivery_id: str, **_: object) -> None:
    write(delivery_id=delivery_id)
    raise RuntimeError("no\0t today")


def take_worker_down(**_: object) -> None:
    """As a fault in a library would, or the system where memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(**_: object) -> None:
    raise ValueError("refused")


def remember_all(*, facts: Sequence[dict[str, Any]]) -> None:
    seen.append({"together": facts})


@step
def write_all(*, facts: Sequence[dict[str, Any]]) -> None:
    for fact in facts:
        write(**fact)
        if fact["units"] < 0:
            raise RuntimeError("not this one")


@step
def write_some(*, delivery_id: str, units: int, **_: object) -> None:
    write_all(facts=[{"delivery_id": delivery_id, "units": units}])
