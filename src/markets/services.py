"""Writes of markets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime

import pycountry
from babel import Locale, UnknownLocaleError
from django.conf import settings

from core import money, outbox
from core.kept import announce_change
from core.transactions import command, step
from markets.domain import TaxRounding, new_version
from markets.errors import MarketExists, MarketInvalid, MarketNotFound
from markets.events import MarketSaved
from markets.models import Market


@dataclass(frozen=True, kw_only=True)
class MarketData:
    """What a market is like. Its currency is for ever: prices and orders stand in it.

    Without a ``home_country``, from where is sold, the first of the countries counts as that.
    """

    code: str
    name: str
    currency: str
    countries: list[str] = field(default_factory=list)
    language: str = "en"
    prices_include_tax: bool = True
    home_country: str = ""
    tax_rounding: str = TaxRounding.LINE.value
    is_active: bool = True


@command
def ensure_default_market(*, at: datetime) -> Market:
    """Return the default market, made from ``settings.DEFAULT_MARKET`` if there is none yet."""
    market: Market | None = Market.objects.filter(is_default=True).first()
    return market or Market.objects.create(**settings.DEFAULT_MARKET, is_default=True, created_at=at)


@command
def create_market(*, data: MarketData, at: datetime) -> Market:
    """Open a market. What it lists is rendered by a worker.

    :raises MarketInvalid: unknown currency, country or language
    :raises MarketExists: the code is taken
    """
    _check(data)
    market, created = Market.objects.get_or_create(code=data.code, defaults=asdict(data))
    if not created:
        raise MarketExists(market=data.code)
    outbox.publish(MarketSaved(market_id=market.pk), at=at)
    announce_change(at=at)
    return market


@command
def update_market(*, code: str, changes: dict[str, object], at: datetime) -> Market:
    """Change a market's name, countries, language, how its prices hold tax, or whether it is active.

    :raises MarketNotFound: there is none
    :raises MarketInvalid: unknown country or language, another currency, or closing the default market
    """
    market: Market | None = Market.objects.filter(code=code).locked().first()
    if market is None:
        raise MarketNotFound
    if changes.get("currency", market.currency) != market.currency:
        raise MarketInvalid("A market keeps its currency.")
    if market.is_default and changes.get("is_active") is False:
        raise MarketInvalid("The default market stays open.")
    for name, value in changes.items():
        setattr(market, name, value)
    _check(market)
    market.rules_version = new_version()
    market.save()
    outbox.publish(MarketSaved(market_id=market.pk), at=at)
    announce_change(at=at)
    return market


@step
def rules_changed() -> None:
    """Make everybody who prices carts read the rules anew: call it last where one of them was written. One statement.

    What waits for it waits for the end of the transaction: rules are changed one after the other.
    """
    Market.objects.update(rules_version=new_version())


def _check(data: MarketData | Market) -> None:
    if not money.is_currency(data.currency):
        raise MarketInvalid("The currency is not in ISO 4217.", field="currency")
    unknown = [code for code in data.countries if pycountry.countries.get(alpha_2=code) is None]
    if unknown:
        raise MarketInvalid("A country is not in ISO 3166-1.", field="countries", unknown=unknown)
    if data.home_country and pycountry.countries.get(alpha_2=data.home_country) is None:
        raise MarketInvalid("The country is not in ISO 3166-1.", field="home_country")
    if len(set(data.countries)) < len(data.countries):
        raise MarketInvalid("A country stands twice.", field="countries")
    try:
        Locale.parse(data.language, sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise MarketInvalid("The language is not in CLDR.", field="language") from error
