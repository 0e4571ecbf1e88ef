"""Settlement files as providers write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from payments import services
from payments.tests.factories import NOON

if TYPE_CHECKING:
    from payments.models import Settlement

STRIPE = (
    *("balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net"),
    *("reporting_category", "source_id", "description", "charge_id", "payment_intent_id"),
)
SANDBOX = ("type", "id", "charge", "reference", "currency", "amount", "at")
PAYPAL = (
    *("CH", "Transaction ID", "Invoice ID", "PayPal Reference ID", "PayPal Reference ID Type"),
    *("Transaction Event Code", "Transaction Initiation Date", "Transaction Completion Date"),
    *("Transaction  Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency"),
    *("Fee Debit or Credit", "Fee Amount", "Fee Currency", "Custom Field", "Consumer ID"),
)
ACTIVITY = (
    *("Date", "Time", "TimeZone", "Name", "Type", "Status", "Currency", "Gross", "Fee", "Net"),
    *("Transaction ID", "Reference Txn ID", "Custom Number"),
)
FLUTTERWAVE = ("id", "tx_ref", "flw_ref", "type", "status", "currency", "amount", "app_fee", "created_at")


def table(heads: Sequence[str], rows: Iterable[Mapping[str, Any] | Sequence[Any]], *, delimiter: str = ",") -> bytes:
    """Return a CSV file; a row is its cells, or only those that are not empty, by head."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([row.get(head, "") for head in heads] if isinstance(row, Mapping) else row)
    return buffer.getvalue().encode()


def stripe_row(category: str, gross: str, **cells: str) -> dict[str, str]:
    """Return a row of Stripe's itemised report, in pounds, at noon."""
    usual = {"created_utc": "2026-06-01 12:00:00", "currency": "gbp", "fee": "0.00", "net": gross}
    return usual | {"reporting_category": category, "gross": gross} | cells


def take(content: bytes, provider: str = "stripe", name: str = "june.csv") -> Settlement:
    """Import a file."""
    file = services.SettlementFile(provider=provider, name=name, content=content)
    return services.import_settlement(file=file, actor=None, at=NOON)


def settlement_file(reference: str = "ch_1") -> bytes:
    """Return a file of the sandbox with a charge that nobody knows."""
    row = ["captured", reference, reference, "r", "GBP", "9.00", "2026-06-01T12:00:00+00:00"]
    return table(SANDBOX, [row])
