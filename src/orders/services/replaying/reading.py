"""Invoices out of a file of invoice lines, in the order of their times. Memory does not grow with the file."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO, cast

from orders.errors import InvoicesUnreadable

COLUMNS = ("invoice", "sku", "description", "quantity", "invoiced_at", "unit_price", "customer", "country")
# Lines of one invoice can stand apart, but not further than the till took to print it.
_WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One line as the file has it, but that the SKU is in capitals. ``unit_price`` is in major units."""

    sku: str
    quantity: int
    unit_price: Decimal


@dataclass(slots=True, kw_only=True)
class Invoice:
    """Lines that share a number. The time is that of the first; ``customer`` is empty for a guest."""

    number: str
    at: datetime
    customer: str
    country: str
    lines: list[InvoiceLine]

    @property
    def is_cancellation(self) -> bool:
        return self.number.startswith("C")


def read_invoices(path: Path) -> Iterator[Invoice]:
    """Yield the invoices of a CSV file (also ``.gz``) whose lines are in the order of time.

    :raises InvoicesUnreadable: no such file, a wrong header, or a line that is none, with its number
    """
    waiting: dict[str, Invoice] = {}
    for number, row in _rows(path):
        try:
            at = datetime.fromisoformat(row["invoiced_at"])
            line = InvoiceLine(
                sku=row["sku"].strip().upper(), quantity=int(row["quantity"]), unit_price=Decimal(row["unit_price"])
            )
        except (ValueError, InvalidOperation, AttributeError, TypeError) as error:
            raise InvoicesUnreadable(f"{path.name}, line {number}: {error}") from error
        while waiting and (oldest := next(iter(waiting.values()))).at < at - _WINDOW:
            yield waiting.pop(oldest.number)
        invoice = waiting.get(row["invoice"])
        if invoice is None:
            customer, country = row["customer"].strip(), row["country"].strip()
            invoice = Invoice(number=row["invoice"], at=at, customer=customer, country=country, lines=[])
            waiting[invoice.number] = invoice
        invoice.lines.append(line)
    yield from waiting.values()


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with _open(path) as file:
            rows = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise InvoicesUnreadable(f"{path.name}: the header lacks {', '.join(missing)}")
            for row in rows:
                yield rows.line_num, row
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InvoicesUnreadable(f"{path.name}: {error}") from error


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return cast("TextIO", gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")
