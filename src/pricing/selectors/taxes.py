"""Tax rates: as rules that price, and as rows for staff."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from uuid import UUID

from django.db.models import Q, QuerySet

from pricing.domain.taxes import RateFacts, TaxTable
from pricing.errors import TaxRateNotFound
from pricing.models import TaxRate


def load_taxes(*, on: date) -> TaxTable:
    """Return the rates that hold on a day. One query."""
    rates: dict[tuple[str, str], dict[str, RateFacts]] = defaultdict(dict)
    rows = list_tax_rates(on=on).values_list("country", "region", "tax_class", "name", "rate_ppm")
    for country, region, tax_class, name, ppm in rows:
        rates[country, region][tax_class] = RateFacts(name, ppm)
    return TaxTable(rates=dict(rates))


def list_tax_rates(
    *, country: str | None = None, region: str | None = None, tax_class: str | None = None, on: date | None = None
) -> QuerySet[TaxRate]:
    """Return the rates, or those of a country, a region, a class, or a day."""
    wanted = {"country": country, "region": region, "tax_class": tax_class}
    rows: QuerySet[TaxRate] = TaxRate.objects.filter(**{name: value for name, value in wanted.items() if value})
    if on is not None:
        rows = rows.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=on), valid_from__lte=on)
    return rows


def get_tax_rate(*, rate_id: UUID) -> TaxRate:
    """Return a rate. One query.

    :raises TaxRateNotFound: there is none
    """
    rate: TaxRate | None = TaxRate.objects.filter(pk=rate_id).first()
    if rate is None:
        raise TaxRateNotFound
    return rate
