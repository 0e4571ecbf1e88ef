"""Reads of the money ledger."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Sum

from payments.models import Posting


def balance(*, account: str, currency: str, before: datetime | None = None) -> int:
    """Return an account's balance in minor units: debits less credits. One query."""
    rows = Posting.objects.filter(account=account, currency=currency)
    if before is not None:
        rows = rows.filter(entry__at__lt=before)
    total: int | None = rows.aggregate(total=Sum("amount_minor"))["total"]
    return total or 0


def find_differences() -> list[str]:
    """Return, in words, every entry whose postings do not add up to nothing per currency. One query."""
    rows = Posting.objects.values("entry_id", "currency").annotate(total=Sum("amount_minor")).exclude(total=0)
    return [f"entry {row['entry_id']}: off by {row['total']} {row['currency']}" for row in rows]
