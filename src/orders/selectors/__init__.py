"""Reads of orders. Whose they are cannot be forgotten."""

from orders.selectors.books import find_differences
from orders.selectors.invoicing import (
    find_seller,
    get_invoice,
    list_invoices,
    list_sellers,
    missing_for_invoice,
    paper_of,
)
from orders.selectors.reading import (
    get_move,
    get_order,
    get_order_for_message,
    list_notes,
    list_orders,
    visible_orders,
)
from orders.selectors.receipts import find_receipt, get_receipt
from orders.selectors.rehearsing import Rehearsal, rehearse_promotion
from orders.selectors.rendering import invoice_as_pdf, invoice_as_xml, packing_slip

__all__ = [
    "Rehearsal",
    "find_differences",
    "find_receipt",
    "find_seller",
    "get_invoice",
    "get_move",
    "get_order",
    "get_order_for_message",
    "get_receipt",
    "invoice_as_pdf",
    "invoice_as_xml",
    "list_invoices",
    "list_notes",
    "list_orders",
    "list_sellers",
    "missing_for_invoice",
    "packing_slip",
    "paper_of",
    "rehearse_promotion",
    "visible_orders",
]
