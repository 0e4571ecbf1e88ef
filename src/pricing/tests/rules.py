"""Rules of price for tests: each tells that the rules changed, as the services do."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction

from markets.services import rules_changed
from pricing.models import FreeShipping, ShippingMethod, ShippingRate, ShippingZone, TaxRate


def tell_of_rules() -> None:
    """Have all who price carts read the rules anew."""
    with transaction.atomic():
        rules_changed()


def make_method(
    *countries: str, code: str = "post", amount_minor: int = 395, free_from_minor: int | None = None, **fields: Any
) -> ShippingMethod:
    """Return a flat method, in pounds, that goes to the countries, or to the rest of the world."""
    zone, _ = ShippingZone.objects.get_or_create(name="-".join(countries) or "Rest", countries=list(countries))
    method: ShippingMethod = ShippingMethod.objects.create(zone=zone, code=code, name=code.title(), **fields)
    ShippingRate.objects.create(method=method, currency="GBP", amount_minor=amount_minor)
    if free_from_minor is not None:
        FreeShipping.objects.create(method=method, currency="GBP", from_minor=free_from_minor)
    tell_of_rules()
    return method


def make_rate(country: str = "GB", ppm: int = 200_000, **fields: Any) -> TaxRate:
    """Return a tax rate that has held for long."""
    given = {"name": "VAT", "valid_from": date(2011, 1, 4)} | fields
    rate: TaxRate = TaxRate.objects.create(country=country, rate_ppm=ppm, **given)
    tell_of_rules()
    return rate
