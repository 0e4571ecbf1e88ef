"""Promotions for tests: rows written directly."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from promotions import services
from promotions.models import Coupon, Promotion
from promotions.selectors import code_key
from promotions.services import Use

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
_numbers = count(1)


def make_promotion(name: str = "Sale", **fields: Any) -> Promotion:
    """Return a promotion: 10 % off everything, by itself, unless told otherwise."""
    fields.setdefault("benefit", "percent")
    if fields["benefit"] in ("percent", "cheapest", "buy_x_get_y"):
        fields.setdefault("percent_bp", 1000)
    promotion: Promotion = Promotion.objects.create(name=name, **fields)
    return promotion


def make_coupon(code: str | None = None, *, promotion: Promotion | None = None, **fields: Any) -> Coupon:
    """Return a coupon of a promotion, a new one that needs a code unless one is given."""
    code = code or f"CODE{next(_numbers)}"
    promotion = promotion or make_promotion(needs_code=True)
    coupon: Coupon = Coupon.objects.create(promotion=promotion, code=code, code_key=code_key(code), **fields)
    return coupon


def use_of(thing: Promotion | Coupon, *, amount_minor: int = 100, currency: str = "GBP") -> Use:
    """Return a use of a promotion, or of a coupon and its promotion."""
    coupon_id = thing.pk if isinstance(thing, Coupon) else None
    promotion_id = thing.promotion_id if isinstance(thing, Coupon) else thing.pk
    return Use(promotion_id=promotion_id, coupon_id=coupon_id, amount_minor=amount_minor, currency=currency)


def make_use(thing: Promotion | Coupon, buyer: str = "ada", *, order_id: UUID | None = None) -> UUID:
    """Use a promotion, or a coupon and its promotion, for an order, and return the order's id."""
    order_id = order_id or uuid4()
    with transaction.atomic():
        services.use_promotions(uses=[use_of(thing)], order_id=order_id, buyer=buyer, at=NOON)
    return order_id


def wide(text: str) -> str:
    """Return ASCII text in full-width letters: it reads the same and is another text."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)
