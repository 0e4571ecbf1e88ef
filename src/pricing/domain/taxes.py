"""Which tax is due, and how much: rules without a database.

Rates are in millionths: 20 % is 200 000. A rate is found by the country, the region and the tax class of what is sold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from stdnum.eu import vat as eu_vat
from stdnum.gb import vat as gb_vat

from core import money
from markets.domain import TaxRounding
from pricing.domain.destinations import Destination

STANDARD = "standard"
# What is taxed nowhere, whatever its neighbours are: a voucher, for instance.
EXEMPT = "exempt"
# What gift cards are, whatever class their product has.
VOUCHER = "multi_purpose_voucher"
WHOLE = 1_000_000
# Directive 2006/112/EC, Art. 5 (2): the member states.
EU = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
# The same, Art. 6 (1): parts of them where the VAT of the Union does not hold (Åland, Canary Islands, Ceuta, Melilla).
_OUTSIDE = frozenset(["FI-01", "ES-CN", "ES-CE", "ES-ML"])
# VAT ids have prefixes of their own for these two (the same, Art. 215; Northern Ireland: Protocol, Art. 8).
_PREFIXES = {"GR": "EL"}
_PUNCTUATION = str.maketrans("", "", " .-")
# None is longer than that of the Netherlands or of Sweden, with 14 characters.
_LONGEST = 14


@dataclass(frozen=True, slots=True)
class RateFacts:
    """A rate of tax: what it is called, and its millionths."""

    name: str
    ppm: int


NO_TAX = RateFacts("", 0)
# Directive 2006/112/EC, Art. 30b (1): no tax is due when a multi-purpose voucher is sold, but when it is spent.
UNTAXED_VOUCHER = RateFacts("Multi-purpose voucher", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxTable:
    """The rates of one day: (country, ISO 3166-2 region or empty) -> tax class -> rate."""

    rates: Mapping[tuple[str, str], Mapping[str, RateFacts]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRules:
    """What tax a basket bears. ``home_rates`` are those that prices with tax inside contain.

    ``is_reversed``: the buyer owes the tax instead (reverse charge), so that none is taken.
    """

    country: str
    region: str
    rates: Mapping[str, RateFacts]
    home_rates: Mapping[str, RateFacts]
    is_included: bool
    rounding: TaxRounding = TaxRounding.LINE
    is_reversed: bool = False


def rules_for(
    table: TaxTable,
    destination: Destination,
    *,
    home_country: str,
    is_included: bool,
    rounding: TaxRounding = TaxRounding.LINE,
    vat_id: str = "",
) -> TaxRules:
    """Return what tax holds for something that goes from the home country to the destination.

    The rates of a region come before those of its country, class by class. Where no rates are known, none is due.
    """
    return TaxRules(
        country=destination.country,
        region=destination.areas[0] if destination.areas else "",
        rates=_rates_in(table, destination),
        home_rates=_rates_in(table, Destination(country=home_country)),
        is_included=is_included,
        rounding=rounding,
        is_reversed=is_reverse_charge(destination, home_country, vat_id),
    )


def _rates_in(table: TaxTable, place: Destination) -> Mapping[str, RateFacts]:
    found = table.rates.get((place.country, ""), {})
    for area in reversed(place.areas):
        found = {**found, **table.rates.get((place.country, area), {})}
    return found


def rate_of(rates: Mapping[str, RateFacts], tax_class: str) -> RateFacts:
    """Return the rate of a tax class; a class that has none there bears the standard rate, but ``exempt`` nothing.

    A voucher bears nothing, whatever rates there are.
    """
    if tax_class == VOUCHER:
        return UNTAXED_VOUCHER
    found = rates.get(tax_class)
    if found is None:
        return NO_TAX if tax_class == EXEMPT else rates.get(STANDARD, NO_TAX)
    return found


def tax_of(minor: int, ppm: int, *, is_included: bool) -> int:
    """Return the tax on an amount, half up: what it contains (``is_included``), or what is put on top.

    What is half is rounded away from zero, so that taking an amount back takes its tax back.
    """
    return money.portion(minor, ppm, WHOLE + ppm if is_included else WHOLE)


def vat_id_is_wrong(vat_id: str) -> bool:
    """Tell whether the id has the prefix of a state whose ids we know, and is none of them."""
    written = _compact(vat_id)
    states = [*_states_of(written), *(["GB"] if written.startswith("GB") else [])]
    return bool(states) and not any(vat_id_is_valid(written, state) for state in states)


def is_reverse_charge(destination: Destination, home_country: str, vat_id: str) -> bool:
    """Tell whether the buyer owes the tax instead of the seller: a taxable person of another member state of the EU.

    Directive 2006/112/EC, Art. 138 (goods) and 196 (services). The id is of any member state but the seller's; that it
    is in use is for the seller to ask of VIES.
    """
    if not vat_id or not _is_within(destination) or home_country not in EU or destination.country == home_country:
        return False
    return any(vat_id_is_valid(vat_id, country) for country in _states_of(vat_id) if country != home_country)


def vat_id_is_valid(vat_id: str, country: str) -> bool:
    """Tell whether that is a VAT id of the country, with its prefix, by form and check digits. Nobody is asked.

    Those of the EU member states, of Northern Ireland (``XI``), and of the United Kingdom (``GB``) are known.
    """
    written = _compact(vat_id)
    if len(written) > _LONGEST or not written.isascii() or not written.startswith(_PREFIXES.get(country, country)):
        return False
    return _is_genuine(written, country)


@lru_cache(maxsize=4096)
def _is_genuine(written: str, country: str) -> bool:
    if country in EU or country == "XI":
        return bool(eu_vat.is_valid(written))
    return country == "GB" and bool(gb_vat.is_valid(written))


def _compact(vat_id: str) -> str:
    return vat_id.upper().translate(_PUNCTUATION)


def _states_of(vat_id: str) -> list[str]:
    prefix = _compact(vat_id)[:2]
    return [country for country in (*EU, "XI") if _PREFIXES.get(country, country) == prefix]


def _is_within(destination: Destination) -> bool:
    """Goods that go to Northern Ireland go to the EU (Windsor Framework, Art. 8)."""
    if destination.country == "GB":
        return "GB-NIR" in destination.areas
    return destination.country in EU and _OUTSIDE.isdisjoint(destination.areas)
