"""Reads of prices: the quote of a cart, and the rules that it goes by."""

from __future__ import annotations

from pricing.selectors.quoting import quote

__all__ = ["quote"]
