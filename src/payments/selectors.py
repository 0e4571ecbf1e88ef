"""Reads of the money ledger."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from django.db.models import Sum
from django.db.models.functions import TruncMonth

from payments.models import LedgerEntry, Posting


def balance(*, account: str, currency: str, before: datetime | None = None) -> int:
    """Return an account's balance in minor units: debits less credits. One query."""
    rows = Posting.objects.filter(account=account, currency=currency)
    if before is not None:
        rows = rows.filter(entry__at__lt=before)
    total: int | None = rows.aggregate(total=Sum("amount_minor"))["total"]
    return total or 0


def entry_references(*, prefix: str) -> set[str]:
    """Return the references of entries that begin like this. One query."""
    return set(LedgerEntry.objects.filter(reference__startswith=prefix).values_list("reference", flat=True))


def monthly_balances(*, accounts: Collection[str], currency: str) -> dict[str, int]:
    """Return month ("2011-03", in UTC) -> debits less credits of these accounts together. One query."""
    rows = Posting.objects.filter(account__in=accounts, currency=currency)
    months = rows.values_list(TruncMonth("entry__at", tzinfo=UTC)).annotate(total=Sum("amount_minor"))
    return {f"{month:%Y-%m}": total for month, total in months if total}


def find_differences() -> list[str]:
    """Return, in words, every entry whose postings do not add up to nothing per currency. One query."""
    rows = Posting.objects.values("entry_id", "currency").annotate(total=Sum("amount_minor")).exclude(total=0)
    return [f"entry {row['entry_id']}: off by {row['total']} {row['currency']}" for row in rows]
