"""What Stripe is asked, in its own words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from payments.providers.base import NewCharge
from payments.providers.stripe_reading import to_stripe

#: docs.stripe.com/payments/save-during-payment: what the shopper agreed to holds without them, too.
LATER = "off_session"

_KEY_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
# Between our clock and Stripe's, and between writing an attempt down and asking.
_AROUND_SECONDS = 900
_DAY_SECONDS = 86400


def intent_params(wanted: NewCharge, method: str) -> dict[str, Any]:
    """Return what a Payment Intent is made of that charges a payment method at once."""
    return {
        **_amount(wanted),
        "capture_method": _capture_method(wanted),
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "always"},
        "payment_method": method,
        "confirm": True,
        "return_url": _return_url(wanted),
        "metadata": {"reference": wanted.key},
    }


def page_params(wanted: NewCharge) -> dict[str, Any]:
    """Return what a Checkout Session is made of."""
    amount = _amount(wanted)
    price = {
        "currency": amount["currency"],
        "unit_amount": amount["amount"],
        "product_data": {"name": settings.PAYMENT_TITLE},
    }
    intent = {
        "capture_method": _capture_method(wanted),
        "metadata": {"reference": wanted.key, "page": "1"},
    }
    return {
        **_customer_of_page(wanted),
        "mode": "payment",
        "client_reference_id": wanted.key,
        "line_items": [{"quantity": 1, "price_data": price}],
        "success_url": _return_url(wanted),
        "cancel_url": _return_url(wanted),
        "metadata": {"reference": wanted.key},
        "payment_intent_data": intent | ({"setup_future_usage": LATER} if wanted.save else {}),
    }


def around(key: str) -> dict[str, int]:
    """Return when a charge of ours was made at the provider: our keys tell (RFC 9562, section 5.7)."""
    match = _KEY_ID.search(key)
    if match is None or UUID(match[0]).version != 7:
        return {"gte": int(datetime.now(UTC).timestamp()) - _DAY_SECONDS}
    seconds = (UUID(match[0]).int >> 80) // 1000
    return {"gte": seconds - _AROUND_SECONDS, "lte": seconds + _AROUND_SECONDS}


def _customer_of_page(wanted: NewCharge) -> dict[str, str]:
    if not wanted.save:
        return {}
    return {"customer": wanted.payer} if wanted.payer else {"customer_creation": "always"}


def _amount(wanted: NewCharge) -> dict[str, Any]:
    return {"amount": to_stripe(wanted.amount_minor, wanted.currency), "currency": wanted.currency.lower()}


def _capture_method(wanted: NewCharge) -> str:
    return "automatic" if wanted.capture else "manual"


def _return_url(wanted: NewCharge) -> str:
    return wanted.return_url or str(settings.STOREFRONT_URL)
