"""Re-derive every balance of the shop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.module_loading import import_string

from inventory import selectors as stock_reads
from orders import selectors as order_reads
from payments import selectors as payment_reads
from promotions import selectors as promotion_reads

# Finished facts leave the outbox after a week (core.tasks.forget_finished); younger ones are all there.
_OUTBOX_IS_WHOLE = timedelta(days=6)


class Command(BaseCommand):
    """Exits non-zero and names each difference (HARD-CASES, section 3)."""

    help = "Re-derive all balances of stock, orders and money, and fail on a difference."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--at", type=datetime.fromisoformat, help="the time to judge reservations by (ISO 8601)")

    def handle(self, *_: Any, at: datetime | None = None, **__: Any) -> None:
        now = at or timezone.now()
        found = [
            *stock_reads.find_differences(now=now),
            *order_reads.find_differences(events_since=now - _OUTBOX_IS_WHOLE),
            *payment_reads.find_differences(),
            *_compare_with_providers(),
            *promotion_reads.find_differences(),
        ]
        for difference in found:
            self.stderr.write(difference)
        if found:
            raise CommandError(f"{len(found)} differences")
        self.stdout.write("The books agree.")


def _compare_with_providers() -> Iterator[str]:
    """Compare with the books of those providers that keep theirs in this house."""
    for provider, books in settings.PROVIDER_BOOKS.items():
        yield from payment_reads.compare_books(provider=provider, theirs=import_string(books)())
