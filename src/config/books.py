"""Every balance of the shop, re-derived: what ``manage.py verify_books`` and the clock look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from inventory import selectors as stock_reads
from orders import selectors as order_reads
from payments import selectors as payment_reads
from promotions import selectors as promotion_reads

# Finished facts leave the outbox after a week (core.tasks.forget_finished); younger ones are all there.
_OUTBOX_IS_WHOLE = timedelta(days=6)


def find_differences(*, now: datetime) -> list[str]:
    """Return, in words, what does not agree. Statements over all rows, none of which is cut short.

    All of them see what was committed at one moment, though people buy meanwhile, and nobody waits for any; but for
    receipts, each of which is compared by itself.

    :param now: the time to judge reservations by
    """
    with _at_one_moment():
        found = [
            *stock_reads.find_differences(now=now),
            *order_reads.find_differences(events_since=now - _OUTBOX_IS_WHOLE),
            *payment_reads.find_differences(),
            *_compare_with_providers(),
            *promotion_reads.find_differences(),
        ]
    return [*found, *order_reads.find_receipts_that_differ()]


def _compare_with_providers() -> Iterator[str]:
    """Compare with the books of those providers that keep theirs in this house."""
    for provider, books in settings.PROVIDER_BOOKS.items():
        yield from payment_reads.compare_books(provider=provider, theirs=import_string(books)())


@contextmanager
def _at_one_moment() -> Iterator[None]:
    """Show the block's statements the same rows, and let them take as long as they take, within the block alone.

    Within a transaction that has begun already they see what that sees.
    """
    is_first = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if is_first:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SHOW statement_timeout")
            [before] = cursor.fetchone()
            cursor.execute("SET LOCAL statement_timeout = 0")
        yield
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
