"""Reads of markets."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from core.compiled import Compiled
from markets.errors import MarketNotFound, UnknownMarket
from markets.models import Market

_OF_CODE: Compiled[Market] = Compiled(lambda code: Market.objects.filter(is_active=True, code=code), code=str)
_DEFAULT: Compiled[Market] = Compiled(lambda: Market.objects.filter(is_active=True, is_default=True)[:1])


def get_market(*, code: str | None) -> Market:
    """Return the active market of that code, or the default for ``None``. One query.

    :raises UnknownMarket: there is none; a 400, since the code came as a parameter
    """
    market = _OF_CODE.first(code=code) if code else _DEFAULT.first()
    if market is None:
        raise UnknownMarket.field("market", "There is no such market.")
    return market


def get_market_by_id(*, market_id: UUID) -> Market:
    """Return the market, active or not. One query.

    :raises MarketNotFound: there is none
    """
    market: Market | None = Market.objects.filter(pk=market_id).first()
    if market is None:
        raise MarketNotFound
    return market


def get_market_by_code(*, code: str, active_only: bool = True) -> Market:
    """Return the market of that code. One query.

    :raises MarketNotFound: there is none, or it is closed
    """
    found = list_markets(active_only=active_only).filter(code=code).first() if code.isprintable() else None
    if found is None:
        raise MarketNotFound
    return found


def list_markets(*, active_only: bool = True) -> QuerySet[Market]:
    """Return the markets by code."""
    rows: QuerySet[Market] = Market.objects.order_by("code", "pk")
    return rows.filter(is_active=True) if active_only else rows
