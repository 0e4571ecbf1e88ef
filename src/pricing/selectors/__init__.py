"""Reads of prices: the quote of a cart, and the rules that it goes by."""

from __future__ import annotations

from pricing.selectors.quoting import quote
from pricing.selectors.shipping import get_method, get_zone, list_methods, list_zones
from pricing.selectors.taxes import get_tax_rate, list_tax_rates

__all__ = [
    "get_method",
    "get_tax_rate",
    "get_zone",
    "list_methods",
    "list_tax_rates",
    "list_zones",
    "quote",
]
