"""What a cart costs, and why: pure functions from facts to a quote with its receipt."""

from __future__ import annotations

from pricing.domain.destinations import Destination
from pricing.domain.engine import (
    NOT_DELIVERED,
    UNKNOWN_METHOD,
    LinePrice,
    Priced,
    TaxSum,
    percent_text,
    price_cart,
    rate_label,
)
from pricing.domain.facts import CartFacts, LineFacts, ShippingFacts
from pricing.domain.quoting import Asking, Quote, QuoteLine, compose_quote, line_facts
from pricing.domain.receipt import IN_WORDS, Kind, Step, Tried, in_words
from pricing.domain.shipping import MethodFacts, ShippingKind
from pricing.domain.taxes import EU, vat_id_is_wrong

__all__ = [
    "EU",
    "IN_WORDS",
    "NOT_DELIVERED",
    "UNKNOWN_METHOD",
    "Asking",
    "CartFacts",
    "Destination",
    "Kind",
    "LineFacts",
    "LinePrice",
    "MethodFacts",
    "Priced",
    "Quote",
    "QuoteLine",
    "ShippingFacts",
    "ShippingKind",
    "Step",
    "TaxSum",
    "Tried",
    "compose_quote",
    "in_words",
    "line_facts",
    "percent_text",
    "price_cart",
    "rate_label",
    "vat_id_is_wrong",
]
