"""Shipping and tax for tests, through the same commands that the shop uses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from core.money import Money
from markets.tests.factories import make_market
from pricing import services
from pricing.models import ShippingMethod, ShippingZone, TaxRate
from pricing.services import RateData

DAY = date(2026, 6, 1)


def gbp(minor: int) -> Money:
    """Return so many pence."""
    return Money(minor, "GBP")


def make_zone(name: str = "Britain", **fields: Any) -> ShippingZone:
    """Return a zone; without places, the rest of the world."""
    return services.create_zone(data=services.ZoneData(name=name, **fields))


def make_method(zone: ShippingZone | None = None, code: str = "post", **fields: Any) -> ShippingMethod:
    """Return a method, flat at 3.95 GBP unless told otherwise."""
    zone = zone or make_zone(f"Zone of {code}", countries=["GB"])
    fields.setdefault("rates", [RateData(price=gbp(395))])
    return services.create_method(
        data=services.MethodData(zone=zone.pk, code=code, **{"name": code.capitalize(), **fields})
    )


def make_tax_rate(country: str = "GB", percent: str = "20", **fields: Any) -> TaxRate:
    """Return a rate of VAT that holds from 2026 on."""
    defaults: dict[str, Any] = {"name": "VAT", "valid_from": date(2026, 1, 1)}
    data = services.TaxRateData(country=country, percent=Decimal(percent), **(defaults | fields))
    return services.create_tax_rate(data=data)


def rules_version() -> int:
    """Return the version of the default market's rules, as it is now."""
    market = make_market()
    market.refresh_from_db()
    return market.rules_version
