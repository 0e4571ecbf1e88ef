"""Reads of orders. Whose they are cannot be forgotten."""

from orders.selectors.books import find_differences, find_receipts_that_differ
from orders.selectors.drafts import DraftQuote, draw_draft, get_draft, list_drafts, quote_draft
from orders.selectors.editing import EditQuote, get_edit, list_edits, quote_edit
from orders.selectors.invoicing import (
    find_seller,
    get_invoice,
    list_invoices,
    list_sellers,
    missing_for_invoice,
    paper_of,
)
from orders.selectors.linking import digest_of_link, find_payment_link, get_payment_link, state_of_link, url_of_link
from orders.selectors.personal import PersonalOrder, drafts_for, personal_orders
from orders.selectors.reading import (
    get_fulfilment,
    get_moves,
    get_order,
    get_order_for_message,
    get_orders_for_messages,
    list_fulfilments,
    list_notes,
    list_orders,
    visible_orders,
)
from orders.selectors.receipts import Receipt, find_receipt, get_receipt
from orders.selectors.rehearsing import Rehearsal, rehearse_promotion
from orders.selectors.rendering import invoice_as_pdf, invoice_as_xml, packing_slip
from orders.selectors.reporting import OrdersRow, TaxRow, report_orders, report_tax
from orders.selectors.returns import (
    OrderReturns,
    find_delivered_at,
    get_return,
    get_return_for_message,
    get_return_picture,
    list_order_returns,
    list_returns,
    returnable_units,
)
from orders.selectors.withdrawals import (
    get_withdrawal,
    get_withdrawal_for_message,
    link_digest,
    link_fits,
    list_withdrawals,
)

__all__ = [
    "DraftQuote",
    "EditQuote",
    "OrderReturns",
    "OrdersRow",
    "PersonalOrder",
    "Receipt",
    "Rehearsal",
    "TaxRow",
    "digest_of_link",
    "drafts_for",
    "draw_draft",
    "find_delivered_at",
    "find_differences",
    "find_payment_link",
    "find_receipt",
    "find_receipts_that_differ",
    "find_seller",
    "get_draft",
    "get_edit",
    "get_fulfilment",
    "get_invoice",
    "get_moves",
    "get_order",
    "get_order_for_message",
    "get_orders_for_messages",
    "get_payment_link",
    "get_receipt",
    "get_return",
    "get_return_for_message",
    "get_return_picture",
    "get_withdrawal",
    "get_withdrawal_for_message",
    "invoice_as_pdf",
    "invoice_as_xml",
    "link_digest",
    "link_fits",
    "list_drafts",
    "list_edits",
    "list_fulfilments",
    "list_invoices",
    "list_notes",
    "list_order_returns",
    "list_orders",
    "list_returns",
    "list_sellers",
    "list_withdrawals",
    "missing_for_invoice",
    "packing_slip",
    "paper_of",
    "personal_orders",
    "quote_draft",
    "quote_edit",
    "rehearse_promotion",
    "report_orders",
    "report_tax",
    "returnable_units",
    "state_of_link",
    "url_of_link",
    "visible_orders",
]
