"""Writes of the money ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.sql import insert_together
from core.transactions import step
from payments.errors import DoesNotBalance
from payments.models import LedgerEntry, Posting


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact about money.

    :param amounts: account -> minor units; positive is debit, negative is credit; together they are zero
    """

    kind: str
    reference: str
    currency: str
    amounts: Mapping[str, int]


@step
def post_entries(*, entries: Iterable[Entry], at: datetime) -> None:
    """Write entries with their postings. One statement; what is nothing but zeros is not written.

    :raises DoesNotBalance: the amounts of one are together not zero
    :raises IntegrityError: there is an entry of that kind and reference: it happens once
    """
    rows, postings = [], []
    for entry in entries:
        if sum(entry.amounts.values()):
            raise DoesNotBalance(entry.kind)
        moving = {account: amount for account, amount in entry.amounts.items() if amount}
        if not moving:
            continue
        row = LedgerEntry(kind=entry.kind, reference=entry.reference, at=at)
        rows.append(row)
        postings += [
            Posting(entry=row, account=account, currency=entry.currency, amount_minor=amount)
            for account, amount in moving.items()
        ]
    if rows:
        insert_together(rows, postings)


@step
def post_entry(*, kind: str, reference: str, currency: str, amounts: Mapping[str, int], at: datetime) -> None:
    """Write one entry with its postings: see ``post_entries``."""
    post_entries(entries=[Entry(kind=kind, reference=reference, currency=currency, amounts=amounts)], at=at)
