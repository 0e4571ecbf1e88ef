from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from core.errors import DomainError
from products.services.importing import ImportWish, import_file, known_mappings


class Command(BaseCommand):
    help = "Import products or categories from a CSV, XLSX or JSON file (also .gz). Interrupted, it goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--mapping", help=f"{', '.join(known_mappings())}, or a file; else by the header")
        parser.add_argument("--report", type=Path, help="where refused rows are listed; else FILE.report.csv, here")
        parser.add_argument("--again", action="store_true", help="also if this very file was imported before")

    def handle(self, *, file: Path, mapping: str | None, report: Path | None, again: bool, **_: Any) -> None:
        report = report or Path(f"{file.name}.report.csv")
        wish = ImportWish(path=file, report=report, mapping=mapping, again=again)
        began = time.monotonic()
        try:
            with tqdm(unit=" rows", desc=file.name, mininterval=0.5) as bar:
                outcome = import_file(wish=wish, at=timezone.now(), progress=bar.update)
        except DomainError as error:
            raise CommandError(str(error)) from error
        if outcome.was_finished:
            self.stdout.write(f"{file.name} was imported before: nothing to do (--again goes through it once more).")
            return
        seconds = time.monotonic() - began
        taken = outcome.created + outcome.changed + outcome.unchanged
        self.stdout.write(
            f"{outcome.mapping}: {outcome.created} created, {outcome.changed} changed, {outcome.unchanged} unchanged, "
            f"{outcome.refused} refused, {outcome.noted} noted (see {report}); "
            f"{seconds:.1f} s, {taken / max(seconds, 0.001):,.0f}/s"
        )
