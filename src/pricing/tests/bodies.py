"""Addresses and bodies of shipping and tax, and who may send them."""

from __future__ import annotations

from typing import Any

from accounts.domain import Role
from accounts.tests.factories import client_of, make_user
from pricing.models import ShippingZone

ZONES, METHODS, RATES = "/api/v1/shipping-zones", "/api/v1/shipping-methods", "/api/v1/tax-rates"
ZONE = {"name": "Britain", "countries": ["GB"], "regions": ["US-NY"]}
RATE = {"country": "GB", "name": "VAT", "percent": "17.5", "valid_from": "2026-01-01"}
PRICE = {"amount": "3.95", "currency": "GBP"}
# What is no amount, no integer of the usual size, and so on.
NO_AMOUNT: list[Any] = [-1, 2**63, 1.5, "1e2", "NaN", True, None, [], {}]
NO_INTEGER: list[Any] = [2**31, *NO_AMOUNT]
NO_KIND: list[Any] = ["post", "", None, 1, ["flat"], True]
NO_RATES: list[Any] = [[], None, {}, "x", [1], [{}], [{"price": "1"}]]


def staff() -> Any:
    """Return the client of someone who looks after shipping and tax."""
    return client_of(make_user(roles=[Role.ORDER_MANAGER]))


def method_body(zone: ShippingZone, **changes: Any) -> dict[str, Any]:
    """Return a flat method of that zone."""
    body = {"zone": str(zone.pk), "code": "post", "name": "Post", "kind": "flat", "rates": [{"price": PRICE}]}
    return body | changes
