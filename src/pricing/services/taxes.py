"""Tax rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from core.transactions import command
from markets import services as markets
from pricing.domain.taxes import STANDARD, WHOLE
from pricing.errors import TaxRateInvalid, TaxRateNotFound, TaxRatesOverlap
from pricing.models import TaxRate
from pricing.services.places import is_country, is_region
from pricing.services.rows import refused_when_taken


@dataclass(frozen=True, kw_only=True)
class TaxRateData:
    """A rate in per cent for a class of goods, in a country or a region of it (ISO 3166-2), on some days.

    Both days are included; without ``valid_until`` it holds until further notice.
    """

    country: str
    name: str
    percent: Decimal
    valid_from: date
    region: str = ""
    tax_class: str = STANDARD
    valid_until: date | None = None


@command
def create_tax_rate(*, data: TaxRateData) -> TaxRate:
    """Enter a rate.

    :raises TaxRateInvalid: an unknown country or region, more than 100 %, or days out of order
    :raises TaxRatesOverlap: another rate holds there for that class on some of those days
    """
    lock_tax_rates()
    rate = TaxRate(country=data.country, region=data.region, tax_class=data.tax_class)
    _check_place(rate)
    _write(rate, {name: getattr(data, name) for name in ("name", "percent", "valid_from", "valid_until")})
    markets.rules_changed()
    return rate


@command
def update_tax_rate(*, rate_id: UUID, changes: Mapping[str, Any]) -> TaxRate:
    """Change a rate's name, per cent, or days. A rate that changes in life is ended, and a new one entered.

    :raises TaxRateNotFound: there is none
    :raises TaxRateInvalid: more than 100 %, or days out of order
    :raises TaxRatesOverlap: another rate holds there for that class on some of those days
    """
    rate = _lock(rate_id)
    _write(rate, changes)
    markets.rules_changed()
    return rate


@command
def delete_tax_rate(*, rate_id: UUID) -> None:
    """Delete a rate. Orders keep the tax that they bore.

    :raises TaxRateNotFound: there is none
    """
    _lock(rate_id).delete()
    markets.rules_changed()


def lock_tax_rates() -> None:
    """Let no other write tax rates until the end of the transaction.

    Of two that write overlapping rates at once, each would wait for the other in the exclusion constraint: a deadlock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('pricing_taxrate'))")


def _lock(rate_id: UUID) -> TaxRate:
    lock_tax_rates()
    rate: TaxRate | None = TaxRate.objects.filter(pk=rate_id).locked().first()
    if rate is None:
        raise TaxRateNotFound
    return rate


def _write(rate: TaxRate, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if name == "percent":
            rate.rate_ppm = ppm_of(value)
        else:
            setattr(rate, name, value)
    if rate.valid_until is not None and rate.valid_until < rate.valid_from:
        raise TaxRateInvalid("The days are out of order.", field="valid_until")
    with refused_when_taken({"tax_rates_do_not_overlap": TaxRatesOverlap()}):
        rate.save()


def ppm_of(percent: Decimal) -> int:
    """Return per cent as millionths.

    :raises TaxRateInvalid: below 0 or above 100, or more than four decimal digits
    """
    scaled = percent.scaleb(4)
    if not 0 <= scaled <= WHOLE or scaled != int(scaled):
        raise TaxRateInvalid("From 0 to 100 per cent, with at most four digits.", field="percent")
    return int(scaled)


def _check_place(rate: TaxRate) -> None:
    if not is_country(rate.country):
        raise TaxRateInvalid("The country is not in ISO 3166-1.", field="country")
    if rate.region and not is_region(rate.region, country=rate.country):
        raise TaxRateInvalid("The region is not in ISO 3166-2, or not of the country.", field="region")
