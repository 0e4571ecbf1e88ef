"""What an import did not take, or took otherwise than it stood there: a CSV file with a line for each."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO

_COLUMNS = ("line", "outcome", "key", "reason")
# What a spreadsheet would take for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass
class Report:
    """Counts, and the file behind them. ``refused`` rows were not taken; ``noted`` ones were, or are not ours.

    Whoever reads ahead and whoever writes both report.
    """

    path: Path
    file: IO[str]
    refused: int = 0
    noted: int = 0
    _turn: Lock = field(default_factory=Lock)
    _is_secure: bool = False

    def refuse(self, *, line: int, key: object, reason: str) -> None:
        """Note a row that was not taken."""
        with self._turn:
            self.refused += 1
            self._write(line, "refused", key, reason)

    def note(self, *, line: int, key: object, reason: str) -> None:
        """Note something that whoever sent the file should know."""
        with self._turn:
            self.noted += 1
            self._write(line, "note", key, reason)

    def secure(self) -> None:
        """Bring what was written so far to the disk: called before the progress beside it is committed."""
        with self._turn:
            if self._is_secure:
                return
            self.file.flush()
            self._is_secure = True
        os.fsync(self.file.fileno())

    def _write(self, line: int, outcome: str, key: object, reason: str) -> None:
        self._is_secure = False
        csv.writer(self.file).writerow([line, outcome, _harmless(str(key or "")), _harmless(reason)])


@contextmanager
def open_report(path: Path, *, after_line: int) -> Iterator[Report]:
    """Open the report. An import that goes on after ``after_line`` keeps what stood there up to it."""
    kept = _kept(path, after_line) if after_line else []
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_COLUMNS)
        rows.writerows(kept)
        refused = sum(row[1] == "refused" for row in kept)
        yield Report(path, file, refused, len(kept) - refused)


def _kept(path: Path, after_line: int) -> list[list[str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [row for row in rows if len(row) == len(_COLUMNS) and row[0].isdigit() and int(row[0]) <= after_line]


def _harmless(text: str) -> str:
    plain = text.encode("utf-8", "replace").decode()[:500]
    return f"'{plain}" if plain.startswith(_FORMULA) else plain
