"""The accounts of the money ledger."""

from __future__ import annotations

CASH = "cash"
SALES = "sales"
REFUNDS_DUE = "refunds_due"
RETURNS = "returns"
ADJUSTMENTS = "adjustments"
