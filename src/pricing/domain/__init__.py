"""What a cart costs, and why: pure functions from facts to a quote with its receipt."""

from __future__ import annotations

from pricing.domain.quoting import Quote, QuoteLine, price_lines

__all__ = ["Quote", "QuoteLine", "price_lines"]
