"""What a shop needs before it opens, as the model has it: rules, goods, coupons, customers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.tests.factories import make_address, make_session, make_user
from inventory.tests.factories import make_stock
from markets.tests.factories import make_market
from pricing.tests.rules import make_method, make_rate
from products.tests.factories import make_variant
from promotions.tests.factories import make_coupon, make_promotion
from tests.model.goods import FREE_FROM, SHIPPING, Coupon, Good


def set_rules() -> None:
    """Let goods be sold and sent in Britain."""
    make_market()
    make_rate("GB")
    make_method("GB", amount_minor=SHIPPING, free_from_minor=FREE_FROM)


def lay_out(sku: str, good: Good) -> str:
    """Put units of something into stock, and return its variant's id."""
    variant = make_variant(sku=sku, price_minor=good.price, is_available=False)
    make_stock(on_hand=good.on_hand, variant=variant)
    return str(variant.pk)


def make_customer(who: str) -> Any:
    """Return a customer who has an address."""
    user = make_user(f"{who}@example.com")
    make_address(user, is_default=True)
    return user


def header_of(user: Any, at: datetime) -> dict[str, str]:
    """Return the header by which somebody is known who signed in at that time."""
    return {"Authorization": f"Bearer {make_session(user, at=at).access}"}


def offer_coupon(code: str, coupon: Coupon) -> None:
    """Let the shop take a coupon as the model has it."""
    amounts = {"GBP": {"amount": coupon.amount, "minimum_spend": coupon.minimum}} if coupon.amount else {}
    promotion = make_promotion(
        code,
        needs_code=True,
        benefit="amount" if coupon.amount else "percent",
        percent_bp=coupon.percent * 100,
        amounts=amounts,
        usage_limit=coupon.limit,
        per_customer_limit=coupon.each,
    )
    make_coupon(code, promotion=promotion)
