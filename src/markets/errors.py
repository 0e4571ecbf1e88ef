from __future__ import annotations

from core.errors import Conflict, Invalid, Malformed, NotFound


class UnknownMarket(Malformed):
    """The request names a market that is not there."""

    code = "markets.unknown_market"
    title = "There is no such market."
    example = {"errors": [{"field": "market", "code": "invalid", "message": "There is no such market."}]}


class MarketNotFound(NotFound):
    """There is no market with that code."""

    code = "markets.market_not_found"
    title = "There is no such market."


class MarketInvalid(Invalid):
    """A market cannot be like that."""

    code = "markets.invalid"
    title = "A market cannot be like that."
    example = {"field": "currency"}


class MarketExists(Conflict):
    """The code is taken."""

    code = "markets.exists"
    title = "There is a market with that code."
    example = {"market": "de"}
