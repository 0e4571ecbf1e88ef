"""Ready-made tables of tax rates, as the shop brings them: one TOML file each in ``pricing/rates``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.sql import insert_all
from core.transactions import command
from markets import services as markets
from pricing.errors import UnknownTaxTable
from pricing.models import TaxRate
from pricing.services.taxes import lock_tax_rates, ppm_of

_FOLDER = Path(__file__).parent.parent / "rates"


def known_tax_tables() -> dict[str, str]:
    """Return name -> title of the ready-made tables."""
    return {path.stem: str(tomllib.loads(path.read_text())["title"]) for path in sorted(_FOLDER.glob("*.toml"))}


@command
def load_tax_table(*, name: str) -> int:
    """Enter the rates of a ready-made table, and return how many were new.

    Where there is any rate for a country, region and class, staff have the say: nothing is entered or changed there.
    So a second run changes nothing, except that it brings back what was deleted.

    :raises UnknownTaxTable: there is none of that name
    """
    known = known_tax_tables()
    if name not in known:
        raise UnknownTaxTable(known=sorted(known))
    lock_tax_rates()
    taken = set(TaxRate.objects.values_list("country", "region", "tax_class").distinct())
    rates = [rate for rate in _read(name) if (rate.country, rate.region, rate.tax_class) not in taken]
    if rates:
        insert_all(rates)
        markets.rules_changed()
    return len(rates)


def _read(name: str) -> Iterator[TaxRate]:
    told: dict[str, Any] = tomllib.loads((_FOLDER / f"{name}.toml").read_text(), parse_float=Decimal)
    for place, classes in told["rates"].items():
        for tax_class, given in classes.items():
            for spell in given if isinstance(given, list) else [{"percent": given}]:
                yield TaxRate(
                    country=place[:2],
                    region=place if len(place) > 2 else "",
                    tax_class=tax_class,
                    name=told["tax"],
                    rate_ppm=ppm_of(Decimal(spell["percent"])),
                    valid_from=spell.get("from", told["from"]),
                    valid_until=spell.get("until"),
                )
