"""Rows out of files, one after the other: CSV, XLSX, JSON, also in gzip. Memory does not grow with the file."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import ijson
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from core.errors import TooLarge
from products.errors import FileUnreadable

FORMATS = (".csv", ".xlsx", ".json")
_CHUNK = 1 << 20
_MOST_LEVELS = 32
_DAMAGED = (OSError, EOFError, zipfile.BadZipFile, InvalidFileException, KeyError, csv.Error)
# What openpyxl, and the parsers of XML below it, say of a sheet that is none. Those parsers resolve no entities.
_NO_SHEET = (SyntaxError, ValueError, IndexError, TypeError, AttributeError)


@dataclass(slots=True, kw_only=True)
class Record:
    """One row as the file has it. ``line`` counts CSV lines and sheet rows from the header on, and JSON items, from 1.

    Where the row cannot be taken apart at all, ``broken`` says why.
    """

    line: int
    values: dict[str, Any]
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An open file: the names of its columns (of JSON: the keys of the first item) and its rows."""

    columns: tuple[str, ...]
    records: Iterator[Record]


def digest_of(path: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hex.

    :raises FileUnreadable: there is no such file
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileUnreadable(f"{path}: {error.strerror}") from error


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a file of rows by the ending of its name: ``.csv``, ``.xlsx`` or ``.json``, with or without ``.gz``.

    :raises FileUnreadable: another ending, or not such a file inside; also while it is read
    """
    name = path.name.lower().removesuffix(".gz")
    kind = next((ending for ending in FORMATS if name.endswith(ending)), None)
    if kind is None:
        raise FileUnreadable(f"{path.name}: the name has to end in {', '.join(FORMATS)} (and .gz)")
    readers = {".csv": _read_csv, ".xlsx": _read_xlsx, ".json": _read_json}
    try:
        with _open_bytes(path) as file:
            yield readers[kind](file)
    except (*_DAMAGED, ijson.JSONError) as error:
        raise FileUnreadable(f"{path.name}: {error or type(error).__name__}") from error


def check_unpacked(path: Path, *, most_bytes: int) -> None:
    """Measure a file that may be packed, before anything is made of it. At most so many bytes are unpacked for that.

    :raises FileUnreadable: it is JSON, and nested deeper than any goods are: the reader's paths would fill the memory
    :raises TooLarge: unpacked, by gzip or as the archive that a spreadsheet is, it would have more bytes than that
    """
    try:
        with _open_bytes(path) as file:
            size = 0
            while size <= most_bytes and (part := file.read(_CHUNK)):
                size += len(part)
            if size <= most_bytes and zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    size = sum(member.file_size for member in archive.infolist())
            elif size <= most_bytes and path.name.lower().removesuffix(".gz").endswith(".json"):
                _check_depth(file)
    except (*_DAMAGED, ijson.JSONError):
        return  # whoever reads it says so
    if size > most_bytes:
        raise TooLarge(max_bytes=most_bytes)


def _check_depth(file: IO[bytes]) -> None:
    file.seek(0)
    depth = 0
    for event, _ in ijson.basic_parse(file):
        depth += event.startswith("start_") - event.startswith("end_")
        if depth > _MOST_LEVELS:
            raise FileUnreadable(f"It is nested more than {_MOST_LEVELS} levels deep.")


def _open_bytes(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.name.lower().endswith(".gz") else path.open("rb")


def _read_csv(file: IO[bytes]) -> Source:
    # What is not UTF-8 comes through as surrogates, which the check of each row refuses with its line.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.reader(text)
    header = [name.strip() for name in next(rows, [])]
    return Source(columns=tuple(header), records=_csv_records(rows, header))


def _csv_records(rows: Any, header: Sequence[str]) -> Iterator[Record]:
    line = rows.line_num + 1
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(line=line, values={}, broken=str(error))
        else:
            if row:
                yield _record(line, header, row)
        line = rows.line_num + 1


def _record(line: int, header: Sequence[str], row: Sequence[Any]) -> Record:
    broken = "" if len(row) == len(header) else f"has {len(row)} fields, but the header {len(header)}"
    return Record(line=line, values=dict(zip(header, row, strict=False)), broken=broken)


def _read_xlsx(file: IO[bytes]) -> Source:
    rows = _sheet_rows(file)
    header = [str(name).strip() for name in next(rows, ()) if name is not None]
    return Source(columns=tuple(header), records=_sheet_records(rows, header))


def _sheet_rows(file: IO[bytes]) -> Iterator[tuple[Any, ...]]:
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        yield from book.worksheets[0].iter_rows(values_only=True)
    except _NO_SHEET as error:
        raise FileUnreadable(f"The sheet cannot be read: {type(error).__name__}") from error


def _sheet_records(rows: Iterator[tuple[Any, ...]], header: Sequence[str]) -> Iterator[Record]:
    for line, row in enumerate(rows, start=2):
        if any(cell is not None for cell in row):
            cells = ["" if cell is None else cell for cell in row]
            # A sheet is as wide as its widest row: empty cells on the right are nobody's.
            filled = cells + [""] * (len(header) - len(cells))
            while len(filled) > len(header) and filled[-1] == "":
                filled.pop()
            yield _record(line, header, filled)


def _read_json(file: IO[bytes]) -> Source:
    items = _json_records(ijson.items(file, "item"))
    first = next(items, None)
    if first is None:
        raise FileUnreadable("the JSON is not an array with items")
    return Source(columns=tuple(first.values), records=_chain(first, items))


def _json_records(items: Iterator[Any]) -> Iterator[Record]:
    for number, item in enumerate(items, start=1):
        is_object = isinstance(item, dict)
        yield Record(line=number, values=item if is_object else {}, broken="" if is_object else "is not an object")


def _chain(first: Record, rest: Iterator[Record]) -> Iterator[Record]:
    yield first
    yield from rest
