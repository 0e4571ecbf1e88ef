"""Writes of the money ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from core.ids import new_id
from core.sql import insert_values
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
    entry_id = new_id()
    insert_values(LedgerEntry, [{"id": entry_id, "kind": kind, "reference": reference, "at": at}])
    insert_values(
        Posting,
        [
            {"entry_id": entry_id, "account": account, "currency": currency, "amount_minor": amount}
            for account, amount in moving.items()
        ],
    )
