from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from core import money
from core.errors import DomainError
from orders.services.replaying import ReplayWish, replay_invoices


class Command(BaseCommand):
    help = "Turn a CSV file of invoice lines into customers, carts, orders and returns. Interrupted, it goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--most", type=int, help="only the first so many invoices")
        parser.add_argument("--report", type=Path, help="where the import of the SKUs reports; else FILE.report.csv")

    def handle(self, *, file: Path, most: int | None, report: Path | None, **_: Any) -> None:
        wish = ReplayWish(path=file, report=report or Path(f"{file.name}.report.csv"), most=most)
        began = time.monotonic()
        try:
            with tqdm(unit=" invoices", desc=file.name, total=most, mininterval=0.5) as bar:
                done = replay_invoices(wish=wish, at=timezone.now(), progress=bar.update)
        except DomainError as error:
            raise CommandError(f"{error} {error.facts or ''}".strip()) from error
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{done.invoices} invoices, {done.done_before} of them done before: {done.orders} orders, {done.settled} "
            f"returns, corrections and bookings; {seconds:.0f} s, {done.invoices / max(seconds, 0.001):.0f}/s"
        )
        for month, minor in done.months.items():
            self.stdout.write(f"{month} {money.to_text(minor, 'GBP'):>14} GBP")
