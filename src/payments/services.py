"""Writes of the money ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from core.transactions import step
from payments.errors import DoesNotBalance
from payments.models import LedgerEntry, Posting


@step
def post_entry(*, kind: str, reference: str, currency: str, amounts: Mapping[str, int], at: datetime) -> None:
    """Write one entry with its postings. Two statements; an entry of nothing but zeros is not written.

    :param amounts: account -> minor units; positive is debit, negative is credit; together they are zero
    :raises DoesNotBalance: together they are not
    :raises IntegrityError: there is an entry of that kind and reference: it happens once
    """
    if sum(amounts.values()):
        raise DoesNotBalance(kind)
    moving = {account: amount for account, amount in amounts.items() if amount}
    if not moving:
        return
    entry = LedgerEntry.objects.create(kind=kind, reference=reference, at=at)
    Posting.objects.bulk_create(
        Posting(entry=entry, account=account, currency=currency, amount_minor=amount)
        for account, amount in moving.items()
    )
