"""Writes of orders. Each locks the order, or the cart it comes from, before anything else."""

from orders.services.crediting import Credit, credit_refund, issue_credit_note
from orders.services.forgetting import scrub_customer
from orders.services.invoicing import invoice_paid_order, issue_invoice
from orders.services.moving import add_note, expire_unpaid, move_order, move_orders
from orders.services.paying import Payer, confirm_payment, pay_order, show_payment, stop_paying
from orders.services.placing import PlaceOrder, place_order
from orders.services.refunding import RefundItem, RefundOrder, refund_order, refund_payment
from orders.services.returning import record_return
from orders.services.selling import SellerWish, save_seller

__all__ = [
    "Credit",
    "Payer",
    "PlaceOrder",
    "RefundItem",
    "RefundOrder",
    "SellerWish",
    "add_note",
    "confirm_payment",
    "credit_refund",
    "expire_unpaid",
    "invoice_paid_order",
    "issue_credit_note",
    "issue_invoice",
    "move_order",
    "move_orders",
    "pay_order",
    "place_order",
    "record_return",
    "refund_order",
    "refund_payment",
    "save_seller",
    "scrub_customer",
    "show_payment",
    "stop_paying",
]
