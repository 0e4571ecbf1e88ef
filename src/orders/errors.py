from __future__ import annotations

from typing import Any

from core.errors import Conflict, Invalid, NotFound


class OrderNotFound(NotFound):
    """There is no such order, or it is someone else's."""

    code = "orders.order_not_found"
    title = "There is no such order."


class MoveRefused(Conflict):
    """The order cannot go there from where it stands."""

    code = "orders.move_refused"
    title = "The order cannot do that in its present state."


class TotalChanged(Conflict):
    """The total is not the expected one any more; the new quote stands in the answer."""

    code = "orders.total_changed"
    title = "The price has changed since you last saw it."

    def __init__(self, *, expected: dict[str, str], quote: dict[str, Any]) -> None:
        super().__init__(expected_total=expected, quote=quote)


class ItemsUnavailable(Conflict):
    """Something in the cart is not sold any more."""

    code = "orders.items_unavailable"
    title = "Some items are no longer sold."


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


class CouponUnknown(Invalid):
    """No such coupon is offered."""

    code = "orders.coupon_unknown"
    title = "There is no such coupon."


class InvoicesUnreadable(Invalid):
    """The file of invoices to replay is not one."""

    code = "orders.invoices_unreadable"
    title = "The invoices cannot be read."
