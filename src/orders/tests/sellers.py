"""Sellers and paid orders for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from accounts.tests.factories import make_user
from inventory.tests.factories import NOON
from orders import services
from orders.domain import OrderStatus
from orders.tests.factories import make_order

if TYPE_CHECKING:
    from inventory.models import Stock
    from orders.models import Invoice, Order, Seller

DAY = datetime(2026, 6, 2, 9, tzinfo=UTC)
COMPANY = {
    "name": "Nexus Ltd",
    "line1": "1 High Street",
    "city": "London",
    "postal_code": "EC1A 1BB",
    "country": "GB",
    "vat_id": "GB980780684",
    "registration": "01234567",
}


def make_seller(**fields: Any) -> Seller:
    """Return who sells in all markets, or in one."""
    return services.save_seller(wish=services.SellerWish(**COMPANY | fields))


def pay(order: Order) -> Order:
    """Have staff mark an order paid."""
    clerk = make_user(is_staff=True, is_superuser=True)
    return services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=clerk, at=NOON)


def make_invoice(order: Order) -> Invoice:
    """Return the invoice of an order that was not paid yet."""
    make_seller()
    return services.issue_invoice(order_id=pay(order).pk, at=NOON)


def make_paid_order(*wanted: tuple[Stock, int]) -> Order:
    """Return a customer's order that is paid; without lines named, of one unit."""
    return pay(make_order(*wanted))


def issue(order: Order) -> Invoice:
    """Return the invoice of a paid order."""
    return services.issue_invoice(order_id=order.pk, at=DAY)


def credit(order: Order, **given: Any) -> Invoice:
    """Return a credit note over something of an order's invoice."""
    return services.issue_credit_note(order_id=order.pk, credit=services.Credit(**given), at=DAY)
