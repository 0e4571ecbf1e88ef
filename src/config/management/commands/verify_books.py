"""Re-derive every balance of the shop."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config.books import find_differences


class Command(BaseCommand):
    """Exits non-zero and names each difference (HARD-CASES, section 3)."""

    help = "Re-derive all balances of stock, orders and money, and fail on a difference."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--at", type=datetime.fromisoformat, help="the time to judge reservations by (ISO 8601)")

    def handle(self, *_: Any, at: datetime | None = None, **__: Any) -> None:
        found = find_differences(now=at or timezone.now())
        for difference in found:
            self.stderr.write(difference)
        if found:
            raise CommandError(f"{len(found)} differences")
        self.stdout.write("The books agree.")
