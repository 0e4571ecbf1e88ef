"""What messages of all activities share: amounts, links, what is shown of an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from babel.numbers import format_decimal, get_currency_symbol
from django.conf import settings

from core import money

if TYPE_CHECKING:
    from orders.models import Order

_LOCALE = "en_GB"


def order_data(order: Order) -> dict[str, str]:
    """Return what every message about an order carries for the app."""
    return {"order_id": str(order.pk), "order_number": order.number}


def order_context(order: Order) -> dict[str, Any]:
    """Return what templates show of an order."""
    sums = [
        ("Subtotal", order.subtotal_minor),
        ("Discount", -order.discount_minor),
        ("Delivery", order.shipping_minor),
        ("Tax", order.tax_minor),
    ]
    return {
        "number": order.number,
        "lines": [
            {
                "name": line.name,
                "options": ", ".join(str(value) for value in line.options.values()),
                "quantity": line.quantity,
                "subtotal": money_text(line.subtotal_minor, order.currency),
            }
            for line in sorted(order.lines.all(), key=lambda line: line.position)
        ],
        "sums": [(label, money_text(minor, order.currency)) for label, minor in sums if minor or label == "Subtotal"],
        "total": money_text(order.total_minor, order.currency),
        "action_url": order_link(order),
    }


def order_link(order: Order) -> str:
    """Return where an order is shown.

    A guest's link carries the order's token behind the hash, which browsers keep to themselves.
    """
    url = link(f"orders/{order.pk}", number=order.number)
    return url if order.customer_id is not None else f"{url}#{urlencode({'token': order.guest_token})}"


def money_text(minor: int, currency: str) -> str:
    """Return an amount as people read it. The digits are those of ISO 4217, where Babel would take CLDR's."""
    places = money.digits(currency)
    pattern = "#,##0." + "0" * places if places else "#,##0"
    amount = format_decimal(money.to_decimal(abs(minor), currency), format=pattern, locale=_LOCALE)
    return f"{'-' if minor < 0 else ''}{get_currency_symbol(currency, locale=_LOCALE)}{amount}"


def link(path: str, **query: str) -> str:
    """Return an address: links lead to the merchant's storefront, whatever host a request named."""
    address = f"{settings.STOREFRONT_URL.rstrip('/')}/{path}"
    return f"{address}?{urlencode(query)}" if query else address
