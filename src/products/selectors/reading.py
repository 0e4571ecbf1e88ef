"""What all statements about documents share: which market is asked for, and what a customer group reads there."""

from __future__ import annotations

DEFAULT_MARKET, NAMED_MARKET = "m.is_default", "m.code = %(market)s::text"
# What a customer group reads instead, where its prices make it something else.
OVERLAY = """
    LEFT JOIN products_groupdocument o
      ON o.product_id = d.product_id AND o.market_id = d.market_id AND o.group_id = %(group)s::uuid"""
_OWN = {f"d.{name}": f"coalesce(o.{name}, d.{name})" for name in ("document", "version", "price_minor")}


def for_group(text: str) -> str:
    """Put what a group reads in the place of what all read."""
    for public, own in _OWN.items():
        text = text.replace(public, own)
    return text
