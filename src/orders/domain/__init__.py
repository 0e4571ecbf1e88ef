"""Words and rules of orders: states, moves, numbers; and invoices, from what was charged to their XML."""

from orders.domain.after import (
    OPEN_RETURNS,
    RETURN_MOVES,
    DraftStatus,
    Resolution,
    ReturnReason,
    ReturnStatus,
    WithdrawalStatus,
)
from orders.domain.invoicing import Charged, Draft, compose_credit, compose_invoice, vat_category
from orders.domain.papers import (
    EXEMPTIONS,
    Address,
    Amounts,
    Paper,
    PaperKind,
    Party,
    Row,
    SellerData,
    TaxRow,
    VatCategory,
    invoice_number,
    places_of,
)
from orders.domain.states import MOVES, MovedBy, OrderStatus, may_move, order_number
from orders.domain.ubl import to_ubl

__all__ = [
    "EXEMPTIONS",
    "MOVES",
    "OPEN_RETURNS",
    "RETURN_MOVES",
    "Address",
    "Amounts",
    "Charged",
    "Draft",
    "DraftStatus",
    "MovedBy",
    "OrderStatus",
    "Paper",
    "PaperKind",
    "Party",
    "Resolution",
    "ReturnReason",
    "ReturnStatus",
    "Row",
    "SellerData",
    "TaxRow",
    "VatCategory",
    "WithdrawalStatus",
    "compose_credit",
    "compose_invoice",
    "invoice_number",
    "may_move",
    "order_number",
    "places_of",
    "to_ubl",
    "vat_category",
]
