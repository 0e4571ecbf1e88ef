"""Tables as CSV that a spreadsheet does not run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

# What a spreadsheet takes for a formula (OWASP, CSV injection), also behind blanks, which some of them drop.
_FORMULA = re.compile(r"\A[ \u00a0]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def harmless(value: Any) -> Any:
    """Return the cell; a text that begins like a formula gets an apostrophe before it. Numbers stay numbers."""
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def csv_lines(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Return a table line by line, heads first (RFC 4180): cells that no spreadsheet runs."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in chain([heads], rows):
        writer.writerow([harmless(cell) for cell in row])
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
