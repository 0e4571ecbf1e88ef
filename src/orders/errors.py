from __future__ import annotations

from typing import Any

from core.errors import Conflict, Invalid, NotFound


class OrderNotFound(NotFound):
    """There is no such order, or it is someone else's."""

    code = "orders.order_not_found"
    title = "There is no such order."


class ReceiptNotFound(NotFound):
    """The order's prices were agreed elsewhere: nothing was calculated here."""

    code = "orders.receipt_not_found"
    title = "This order has no receipt: its prices were agreed elsewhere."


class MoveRefused(Conflict):
    """The order cannot go there from where it stands."""

    code = "orders.move_refused"
    title = "The order cannot do that in its present state."
    example = {"from_status": "shipped", "wanted": "cancelled", "order": "N-7K3-Q9XW"}


class TotalChanged(Conflict):
    """The total is not the expected one any more; the new quote stands in the answer."""

    code = "orders.total_changed"
    title = "The price has changed since you last saw it."
    example = {
        "expected_total": {"amount": "12.50", "currency": "GBP"},
        "quote": {
            "items": [
                {
                    "variant": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4",
                    "sku": "MUG-BLUE",
                    "quantity": 1,
                    "unit_price": {"amount": "14.00", "currency": "GBP"},
                }
            ],
            "subtotal": {"amount": "14.00", "currency": "GBP"},
            "discount": {"amount": "0.00", "currency": "GBP"},
            "shipping": {"amount": "0.00", "currency": "GBP"},
            "tax": {"amount": "0.00", "currency": "GBP"},
            "total": {"amount": "14.00", "currency": "GBP"},
        },
    }

    def __init__(self, *, expected: dict[str, str], quote: dict[str, Any]) -> None:
        super().__init__(expected_total=expected, quote=quote)


class ItemsUnavailable(Conflict):
    """Something in the cart is not sold any more."""

    code = "orders.items_unavailable"
    title = "Some items are no longer sold."
    example = {"variants": ["0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"]}


class AddressMissing(Invalid):
    """There is no address to ship to."""

    code = "orders.address_missing"
    title = "Where should it go? Give a shipping address."


class EmailMissing(Invalid):
    """A guest has to say where to reach them."""

    code = "orders.email_missing"
    title = "Guests have to give an e-mail address."


class ShippingMethodUnknown(Invalid):
    """No such shipping method is offered."""

    code = "orders.shipping_method_unknown"
    title = "There is no such shipping method."
    example = {"shipping_method": "by-balloon"}


class CouponUnknown(Invalid):
    """No such coupon is offered."""

    code = "orders.coupon_unknown"
    title = "There is no such coupon."
    example = {"coupon": "SPRING"}


class CouponRefused(Conflict):
    """The coupon does not apply to this cart, or not any more; ``reason`` says why."""

    code = "orders.coupon_refused"
    title = "This coupon does not apply."
    example = {"coupon": "SPRING", "reason": "below_minimum_spend"}


class NotDelivered(Invalid):
    """Nothing that the shop has goes there."""

    code = "orders.not_delivered"
    title = "We do not deliver there."
    example = {"country": "AQ"}


class InvoicesUnreadable(Invalid):
    """The file of invoices to replay is not one."""

    code = "orders.invoices_unreadable"
    title = "The invoices cannot be read."


class InvoiceNotFound(NotFound):
    """There is no such invoice or credit note, or it is someone else's."""

    code = "orders.invoice_not_found"
    title = "There is no such invoice."


class InvoiceRefused(Conflict):
    """The order cannot be invoiced, or not yet; ``reason`` says why."""

    code = "orders.invoice_refused"
    title = "This order cannot be invoiced now."
    example = {"reason": "no_seller"}


class CreditTooLarge(Conflict):
    """More than what is left of the invoice."""

    code = "orders.credit_too_large"
    title = "That is more than what is left of the invoice."
    example = {"left": {"amount": "12.50", "currency": "GBP"}, "position": 1}


class SellerInvalid(Invalid):
    """The seller cannot stand on an invoice like that."""

    code = "orders.seller_invalid"
    title = "The seller's data are not enough for an invoice."
    example = {"errors": [{"field": "vat_id", "code": "invalid", "message": "A VAT id begins with its country."}]}
