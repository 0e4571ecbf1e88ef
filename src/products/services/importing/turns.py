"""The turns of batches that are written two at a time, and why one of them is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from threading import Event

from django.db import connection

from core.transactions import step

# So many batches are written at once, by all imports together.
LANES = 2


class NotNew(Exception):
    """A batch has products that are there already: they are changed with nothing else under way."""


class PathsMissing(Exception):
    """Categories have to be made before."""

    def __init__(self, paths: Collection[tuple[str, ...]]) -> None:
        super().__init__(paths)
        self.paths = paths


class FellBehind(Exception):
    """The batch before was not written, so that this one would count its rows as done."""


@dataclass(slots=True, eq=False, kw_only=True)
class Turn:
    """A batch's place among the others: it means the progress from ``after`` to ``done``.

    What makes two at a time as safe as one after the other:

    * A batch begins when the one before has its locks and slugs. It writes its progress when that has committed:
      whoever waits here has nothing that the one before waits for.
    * The one before tells its slugs, which nobody sees yet, and they count as taken. SKUs are not shared by the two.
    * All imports together have two lanes. Two batches that know of each other fill both, and of two that do not none
      waits here: these meet at the unique indexes, and the database sees who waits for whom.
    """

    lane: int
    after: int
    done: int
    slugs_before: AbstractSet[str] = frozenset()
    ended_before: Event | None = None
    slugs: AbstractSet[str] = frozenset()
    begun: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)

    @step
    def take(self) -> None:
        """Have the lane until the transaction ends. Before any other lock."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('products_import'), %s)", [self.lane])

    @step
    def let_next_begin(self, slugs: Iterable[str]) -> None:
        """Tell that all locks are held and these slugs given out."""
        self.slugs = frozenset(slugs)
        self.begun.set()

    @step
    def wait_for_the_one_before(self) -> None:
        """Wait until the batch before is written, or is not."""
        if self.ended_before is not None:
            self.ended_before.wait()

    def end(self) -> None:
        """Tell that the batch is written, or is not."""
        self.begun.set()
        self.ended.set()
