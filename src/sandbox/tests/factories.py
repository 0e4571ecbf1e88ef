"""Charges for tests, through the services that the wire uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.ids import new_id_text
from sandbox import services
from sandbox.domain import NewCharge
from sandbox.models import Charge

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
RETURN_URL = "https://shop.example/back?payment=p1&x=%2F"


def wanted(**fields: Any) -> NewCharge:
    """Return the wish for a charge of 12.50 GBP by the card that is accepted."""
    usual: dict[str, Any] = {
        "amount": 1250,
        "currency": "GBP",
        "reference": new_id_text(),
        "return_url": RETURN_URL,
        "card": "success",
    }
    return NewCharge(**usual | fields)


def make_charge(**fields: Any) -> Charge:
    """Return a charge: captured, unless its card or ``capture`` says otherwise."""
    return services.create_charge(wanted=wanted(**fields), key=None, at=NOON)
