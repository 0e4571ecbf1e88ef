"""Batches of rows that commit together with the progress they mean."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db import IntegrityError

from core.errors import DomainError
from core.transactions import command
from products.domain import MarketFacts
from products.models import ImportRun
from products.services import categories
from products.services.documents import list_markets
from products.services.importing.graph import CategoryGraph
from products.services.importing.mappings import Mapping
from products.services.importing.overlapping import Batch, lanes
from products.services.importing.reports import Report
from products.services.importing.rows import ProductRow
from products.services.importing.tree import Change, write_nodes
from products.services.importing.turns import LANES
from products.services.importing.writing import (
    Item,
    Tally,
    make_item,
    refresh_catalogue_statistics,
    refresh_plans,
    write_batch,
)

BATCH = 1000
# After so many written batches the tables have outgrown what the database last knew of them, and its plans with them.
_GROWN = (1, 4, 16, 64)
# So many objects more than before make Python look for circles; the batches that are in hand have less.
_ALLOCATIONS = 250_000
_TURN_SECONDS = 0.0001
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One import of one file, over all its tries. ``done`` is the line, or the number, up to which all is committed."""

    id: UUID
    started_at: datetime
    done: int
    is_finished: bool


@command
def begin(*, digest: str, file_name: str, again: bool, at: datetime) -> Run:
    """Return the run of that file and mapping: new, or interrupted, or finished; with ``again`` anew."""
    row, _ = ImportRun.objects.get_or_create(digest=digest, defaults={"file_name": file_name[:255], "created_at": at})
    if again and row.finished_at is not None:
        row.rows_done, row.finished_at, row.created_at = 0, None, at
        row.save()
    return Run(id=row.pk, started_at=row.created_at, done=row.rows_done, is_finished=row.finished_at is not None)


@command
def finish(*, run: Run, tally: Tally, at: datetime) -> None:
    """Note that the file is done."""
    ImportRun.objects.filter(pk=run.id).update(finished_at=at, updated_at=at)
    if tally.created or tally.changed:
        refresh_catalogue_statistics()


def write_batches(numbered: Iterable[tuple[int, ProductRow]], mapping: Mapping, run: Run, report: Report) -> Tally:
    """Write rows, each with the progress that it means, a thousand in one transaction.

    Batches of new products are written two at a time (``overlapping``), others alone. Where one is refused its rows are
    tried one by one, so that the bad one alone is refused. Meanwhile the next is read and prepared, in a thread.
    """
    tally = Tally()
    items = _prepared(numbered, mapping, run, report, list_markets())

    def write_alone(batch: Batch) -> None:
        _write_each(batch, run, report, tally)

    with _tuned(), lanes(run_id=run.id, at=run.started_at, done=run.done, tally=tally, alone=write_alone) as writing:
        for count, found in enumerate(_read_ahead(_in_batches(items, BATCH)), start=1):
            batch = Batch(items=_without_repeats(found, report), done=found[-1].number)
            report.secure()
            writing.write(batch, is_last=len(found) < BATCH)
            if count - LANES in _GROWN and tally.created:
                refresh_plans()
    return tally


def _write_each(batch: Batch, run: Run, report: Report, tally: Tally) -> None:
    try:
        tally.add(_write(batch.items, batch.done, run, report))
    except (DomainError, IntegrityError):
        for item in batch.items:
            _write_alone(item, run, report, tally)


def _prepared(
    numbered: Iterable[tuple[int, ProductRow]],
    mapping: Mapping,
    run: Run,
    report: Report,
    markets: Sequence[MarketFacts],
) -> Iterator[Item]:
    for number, row in numbered:
        try:
            yield make_item(number=number, row=row, currency=mapping.currency, at=run.started_at, markets=markets)
        except DomainError as error:
            _refuse(row.line, row.sku, error, report)


def write_tree(graph: CategoryGraph, run: Run, report: Report) -> Tally:
    """Write a tree level by level. What is there is passed over, so that a second try needs no progress."""
    tally = Tally()
    for level in graph.levels():
        for nodes in _in_batches(level, BATCH):
            created, changes = _write_nodes(nodes=nodes, at=run.started_at)
            for change in changes:
                _move(change, run, report)
            tally.add(Tally(created, len(changes), len(nodes) - created - len(changes)))
    return tally


_write_nodes = command(write_nodes)


def _move(change: Change, run: Run, report: Report) -> None:
    changes = {"name": change.name, "parent": change.parent}
    try:
        categories.update_category(slug=change.slug, changes=changes, at=run.started_at)
    except DomainError as error:
        report.refuse(line=0, key=change.slug, reason=f"{error.title} {error.detail}".strip())


def _write(items: Sequence[Item], done: int, run: Run, report: Report) -> Tally:
    report.secure()
    return write_batch(items=items, run_id=run.id, done=done, at=run.started_at)


def _write_alone(item: Item, run: Run, report: Report, tally: Tally) -> None:
    try:
        tally.add(_write([item], item.number, run, report))
    except (DomainError, IntegrityError) as error:
        _refuse(item.line, item.draft.sku, error, report)


def _refuse(line: int, sku: str, error: DomainError | IntegrityError, report: Report) -> None:
    reason = f"{error.title} {error.detail}" if isinstance(error, DomainError) else "the database refuses it"
    report.refuse(line=line, key=sku, reason=reason.strip())


def _without_repeats(batch: Sequence[Item], report: Report) -> list[Item]:
    first: dict[str, Item] = {}
    for item in batch:
        sku = item.draft.sku
        if sku in first:
            report.refuse(line=item.line, key=sku, reason=f"sku: stands in line {first[sku].line} before")
        else:
            first[sku] = item
    return list(first.values())


@contextmanager
def _tuned() -> Iterator[None]:
    """Have Python look for circles rarely, and its threads take short turns, while the block writes batches.

    A batch has many objects and no circles, and who hands it to the database needs a moment again and again, for
    which it would wait out the turn of the reader.
    """
    turn, usual = sys.getswitchinterval(), gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, *usual[1:])
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(turn)
        gc.set_threshold(*usual)
        gc.unfreeze()


def _read_ahead(batches: Iterator[list[T]]) -> Iterator[list[T]]:
    """Give one batch after the other, the next of which is made meanwhile: the database works on another core."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="import-reader") as reader:
        coming: Future[list[T]] = reader.submit(next, batches, [])
        while batch := coming.result():
            coming = reader.submit(next, batches, [])
            yield batch


def _in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
