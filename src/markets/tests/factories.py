"""Markets for tests."""

from __future__ import annotations

from typing import Any

from markets.models import Market


def make_market(code: str = "uk", **fields: Any) -> Market:
    """Return the market of that code; ``uk`` is the default one, in GBP."""
    defaults = {
        "name": code.upper(),
        "countries": ["GB"],
        "currency": "GBP",
        "language": "en",
        "is_default": code == "uk",
    }
    market: Market = Market.objects.get_or_create(code=code, defaults=defaults | fields)[0]
    return market
