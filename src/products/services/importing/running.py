"""Running an import from the first row of a file to its last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from products.services.importing import readers
from products.services.importing.batches import Run, begin, finish, write_batches, write_tree
from products.services.importing.graph import CategoryGraph
from products.services.importing.mappings import Mapping, find_mapping
from products.services.importing.readers import Record, Source
from products.services.importing.reports import Report, open_report
from products.services.importing.rows import ProductRow, RowRefused, read_row
from products.services.importing.sales import SkuBook
from products.services.importing.writing import Tally

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWish:
    """What to import, and where to report. ``mapping`` is the name of one of ours or a file; else the header decides.

    ``again`` goes through a file that was imported before, and changes what differs from it.
    """

    path: Path
    report: Path
    mapping: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the rows. ``resumed_after`` rows were done by earlier tries; all of them, if ``was_finished``."""

    mapping: str
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    noted: int = 0
    resumed_after: int = 0
    was_finished: bool = False


def import_file(*, wish: ImportWish, at: datetime, progress: Progress = lambda _: None) -> Outcome:
    """Import a file of products, categories or lines of sale into the catalogue.

    Rows that cannot be taken are refused one by one, into the report. An import that was interrupted goes on after its
    last committed batch; a file that was imported before is left alone. Not a command: each batch is one.

    :param progress: is told how many rows were read since it was last told
    :raises FileUnreadable: nothing, or nothing more, can be read from the file
    :raises MappingUnknown, HeaderWrong: before anything is written
    """
    digest = readers.digest_of(wish.path)
    with readers.open_source(wish.path) as source:
        mapping = find_mapping(wanted=wish.mapping, columns=source.columns)
        mapping.check_header(source.columns)
        key = f"{digest[:32]}-{mapping.name}"[:64]
        run = begin(digest=key, file_name=wish.path.name, again=wish.again, at=at)
        if run.is_finished:
            return Outcome(mapping=mapping.name, resumed_after=run.done, was_finished=True)
        with open_report(wish.report, after_line=run.done if mapping.kind == "products" else 0) as report:
            tally = _KINDS[mapping.kind](source, mapping, run, report, progress)
        finish(run=run, tally=tally, at=at)
    return Outcome(
        mapping=mapping.name,
        created=tally.created,
        changed=tally.changed,
        unchanged=tally.unchanged,
        refused=report.refused,
        noted=report.noted,
        resumed_after=run.done,
    )


def _import_products(source: Source, mapping: Mapping, run: Run, report: Report, progress: Progress) -> Tally:
    return write_batches(_checked(source.records, mapping, run, report, progress), mapping, run, report)


def _checked(
    records: Iterable[Record], mapping: Mapping, run: Run, report: Report, progress: Progress
) -> Iterator[tuple[int, ProductRow]]:
    """Return the good rows after those that are done, with their lines; the others stand in the report."""
    for record in records:
        progress(1)
        if record.line <= run.done:
            continue
        try:
            row = read_row(record, mapping)
        except RowRefused as refusal:
            report.refuse(line=record.line, key=record.values.get(mapping.columns["sku"]), reason=str(refusal))
        else:
            yield record.line, row


def _import_sales(source: Source, mapping: Mapping, run: Run, report: Report, progress: Progress) -> Tally:
    """Every line has to be read before the first product is known: what is done is counted in products here."""
    book = SkuBook(mapping)
    for record in source.records:
        progress(1)
        book.add(record, report)
    left = ((number, row) for number, row in enumerate(book.rows(), start=1) if number > run.done)
    return write_batches(left, mapping, run, report)


def _import_categories(source: Source, mapping: Mapping, run: Run, report: Report, progress: Progress) -> Tally:
    graph = CategoryGraph(mapping)
    for record in source.records:
        progress(1)
        graph.add(record, report)
    graph.report_other_parents(report)
    return write_tree(graph, run, report)


_KINDS: dict[str, Callable[[Source, Mapping, Run, Report, Progress], Tally]] = {
    "products": _import_products,
    "categories": _import_categories,
    "sales": _import_sales,
}
