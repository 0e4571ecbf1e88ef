"""Tables of payments, by activity."""

from payments.models.balances import Balance
from payments.models.ledger import LedgerEntry, Posting
from payments.models.paying import Attempt, Decline, Payment, ProviderEvent, Refund
from payments.models.saving import SavedMethod
from payments.models.settling import Settlement, SettlementLine

__all__ = [
    "Attempt",
    "Balance",
    "Decline",
    "LedgerEntry",
    "Payment",
    "Posting",
    "ProviderEvent",
    "Refund",
    "SavedMethod",
    "Settlement",
    "SettlementLine",
]
