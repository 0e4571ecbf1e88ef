"""Batches two at a time: while the database checks and indexes one, it takes in the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection

from core.errors import DomainError
from products.services.importing.turns import LANES, FellBehind, NotNew, PathsMissing, Turn
from products.services.importing.writing import Item, Tally, make_paths, write_beside

# What a batch can be refused for beside others, and may not be when it is written alone.
_REFUSALS = (DomainError, IntegrityError, NotNew, PathsMissing, FellBehind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows to be written together; ``done`` is the progress that they mean."""

    items: Sequence[Item]
    done: int

    @property
    def skus(self) -> set[str]:
        """What the rows are called."""
        return {item.draft.sku for item in self.items}


Alone = Callable[[Batch], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flight:
    batch: Batch
    turn: Turn
    skus: AbstractSet[str]
    written: Future[Tally]


@dataclass
class Lanes:
    """Writes batches in their order, two at a time where it can. ``alone`` writes those that have to go alone.

    :param done: the progress before the first
    """

    run_id: UUID
    at: datetime
    done: int
    tally: Tally
    alone: Alone
    _threads: list[ThreadPoolExecutor] = field(default_factory=list)
    _flying: deque[_Flight] = field(default_factory=deque)

    def write(self, batch: Batch, *, is_last: bool) -> None:
        """Begin to write a batch. What is last needs no company, unless it has some."""
        skus = batch.skus
        if (is_last and not self._flying) or any(skus & flight.skus for flight in self._flying):
            self.land()
            self.alone(batch)
        else:
            self.land(most=LANES - 1)
            self._begin(batch, skus)
        self.done = batch.done

    def land(self, *, most: int = 0) -> None:
        """Wait until no more than so many are under way. What could not be written beside others is written alone."""
        while len(self._flying) > most:
            if self._is_written(self._flying[0]):
                self._flying.popleft()
            else:
                self._write_stranded()

    def close(self) -> None:
        """Wait for what is under way, and give the connections back."""
        for thread in self._threads:
            thread.submit(_give_back)
        for thread in self._threads:
            thread.shutdown()

    def _begin(self, batch: Batch, skus: AbstractSet[str]) -> None:
        flight = self._fly(batch, skus)
        if flight.turn.ended.is_set() and isinstance(missing := flight.written.exception(), PathsMissing):
            make_paths(paths=missing.paths, at=self.at)
            flight = self._fly(batch, skus)
        self._flying.append(flight)
        if flight.turn.ended.is_set() and flight.written.exception():
            self.land()

    def _fly(self, batch: Batch, skus: AbstractSet[str]) -> _Flight:
        turn = self._next_turn(batch.done)
        if turn.lane == len(self._threads):
            self._threads.append(ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"import-writer-{turn.lane}"))
        written = self._threads[turn.lane].submit(copy_context().run, self._run, batch, turn)
        turn.begun.wait()
        return _Flight(batch=batch, turn=turn, skus=skus, written=written)

    def _next_turn(self, done: int) -> Turn:
        if not self._flying:
            return Turn(lane=0, after=self.done, done=done)
        before = self._flying[-1].turn
        lane = (before.lane + 1) % LANES
        return Turn(lane=lane, after=self.done, done=done, slugs_before=before.slugs, ended_before=before.ended)

    def _run(self, batch: Batch, turn: Turn) -> Tally:
        try:
            return write_beside(items=batch.items, run_id=self.run_id, turn=turn, at=self.at)
        finally:
            turn.end()

    def _is_written(self, flight: _Flight) -> bool:
        try:
            self.tally.add(flight.written.result())
        except _REFUSALS:
            return False
        return True

    def _write_stranded(self) -> None:
        stranded = list(self._flying)
        self._flying.clear()
        wait([flight.written for flight in stranded])
        for flight in stranded:
            if not self._is_written(flight):
                self.alone(flight.batch)


@contextmanager
def lanes(*, run_id: UUID, at: datetime, done: int, tally: Tally, alone: Alone) -> Iterator[Lanes]:
    """Have the block write batches; at its end all are written. What is under way when it fails goes on to its end."""
    found = Lanes(run_id=run_id, at=at, done=done, tally=tally, alone=alone)
    try:
        yield found
        found.land()
    finally:
        found.close()


def _give_back() -> None:
    """Close this thread's connection."""
    connection.close()
