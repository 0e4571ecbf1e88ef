"""Writes that follow each other go to the database as one statement.

A write of which nothing is asked back waits until the command sends a statement that may see it, or ends. So a command
costs a round trip for each answer that it needs, rather than one for each table that it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import connection

from core.statements import Waiting, execute


@dataclass(frozen=True, slots=True)
class Write:
    """An ``INSERT``, or an ``UPDATE`` of rows that were there before, with its parameters."""

    statement: str
    values: Sequence[Any]
    table: str
    is_update: bool = False


class _Batch(Waiting):
    def __init__(self) -> None:
        self._writes: list[Write] = []

    def add(self, writes: Sequence[Write]) -> None:
        # The parts of a statement do not see each other's rows, and of two changes of a row one would be lost.
        touched = {write.table for write in self._writes}
        if any(write.is_update and write.table in touched for write in writes):
            self.send()
        self._writes += writes

    def send(self) -> None:
        if self._writes:
            writes, self._writes = self._writes, []
            _execute(writes)

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Send what waits ahead of another statement, as an ``execute_wrapper`` of Django."""
        if self._writes and isinstance(sql, str) and sql.startswith("ROLLBACK TO "):
            self._writes = []
        self.send()
        return execute(sql, params, many, context)


_batch: ContextVar[_Batch | None] = ContextVar("batch", default=None)


@contextmanager
def batched() -> Iterator[None]:
    """Let the block's writes wait for each other. What waits is sent at its end, unless it fails."""
    batch = _Batch()
    token = _batch.set(batch)
    try:
        with connection.execute_wrapper(batch):
            yield
            batch.send()
    finally:
        _batch.reset(token)


def write(*writes: Write) -> None:
    """Add writes to the batch, or execute them as one statement where there is none.

    No two of them may change the same row. An error may surface at a later statement, or at the end of the command.

    :raises IntegrityError: a constraint refuses one of them, and so all
    """
    batch = _batch.get()
    if batch is None:
        _execute(writes)
    else:
        batch.add(writes)


def send_batch() -> None:
    """Send what waits: for statements that go past Django's cursors."""
    batch = _batch.get()
    if batch is not None:
        batch.send()


def _execute(writes: Sequence[Write]) -> None:
    *first, last = [write.statement for write in writes]
    named = ", ".join(f"w{number} AS ({statement})" for number, statement in enumerate(first))
    execute(f"WITH {named} {last}" if named else last, [value for write in writes for value in write.values])
