"""What the demo shop prices its carts by: tax, shipping and a few offers."""

from __future__ import annotations

from core.money import Money
from pricing import selectors as pricing_reads
from pricing import services as pricing
from pricing.domain import EU, ShippingKind
from pricing.services import MethodData, RateData, ZoneData
from promotions import selectors as promotion_reads
from promotions import services as promotions
from promotions.domain import Benefit
from promotions.services import CouponData, PromotionData

COUPON = "WELCOME10"


def _pounds(minor: int) -> Money:
    return Money(minor, "GBP")


def load_rules() -> None:
    """Enter the demo's rules, as far as the shop has none of their kind yet."""
    pricing.load_tax_table(name="uk")
    if not pricing_reads.list_zones().exists():
        _load_shipping()
    if not promotion_reads.list_promotions().exists():
        _load_offers()


def _load_shipping() -> None:
    home = pricing.create_zone(data=ZoneData(name="United Kingdom", countries=["GB"]))
    europe = pricing.create_zone(data=ZoneData(name="European Union", countries=sorted(EU)))
    elsewhere = pricing.create_zone(data=ZoneData(name="Rest of the world"))
    methods = [
        MethodData(
            zone=home.pk,
            code="standard",
            name="Standard delivery",
            rates=[RateData(price=_pounds(395))],
            free_from=[_pounds(5000)],
            min_days=2,
            max_days=4,
        ),
        MethodData(
            zone=home.pk,
            code="express",
            name="Express delivery",
            kind=ShippingKind.WEIGHT.value,
            rates=[
                RateData(price=_pounds(795), from_weight_grams=0),
                RateData(price=_pounds(1495), from_weight_grams=5000),
            ],
            min_days=1,
            max_days=1,
        ),
        MethodData(
            zone=europe.pk,
            code="europe",
            name="Delivery to Europe",
            rates=[RateData(price=_pounds(995))],
            min_days=3,
            max_days=7,
        ),
        MethodData(
            zone=elsewhere.pk,
            code="world",
            name="Airmail",
            rates=[RateData(price=_pounds(1995))],
            min_days=5,
            max_days=15,
        ),
    ]
    for method in methods:
        pricing.create_method(data=method)


def _load_offers() -> None:
    welcome = promotions.create_promotion(
        data=PromotionData(
            name="10 % off your order",
            benefit=Benefit.PERCENT,
            percent_bp=1000,
            needs_code=True,
            per_customer_limit=1,
        )
    )
    promotions.create_coupon(promotion_id=welcome.pk, data=CouponData(code=COUPON))
    promotions.create_promotion(
        data=PromotionData(
            name="10 off 150 or more",
            benefit=Benefit.AMOUNT,
            amounts=[_pounds(1000)],
            minimum_spends=[_pounds(15_000)],
        )
    )
