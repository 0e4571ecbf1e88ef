"""How promotions refuse."""

from __future__ import annotations

from core.errors import Conflict, Invalid, NotFound


class PromotionNotFound(NotFound):
    """There is no such promotion."""

    code = "promotions.promotion_not_found"
    title = "There is no such promotion."


class PromotionInvalid(Invalid):
    """A promotion or a coupon cannot be like that."""

    code = "promotions.invalid"
    title = "A promotion cannot be like that."
    example = {"field": "amounts", "currency": "XXX", "most": 10_000, "unknown": ["mars"]}


class NeedsNoCode(Conflict):
    """Coupons are for promotions that need a code; this one applies by itself."""

    code = "promotions.needs_no_code"
    title = "The promotion needs no code."


class CouponTaken(Conflict):
    """There is a coupon of that code, perhaps in other letters that read the same."""

    code = "promotions.coupon_taken"
    title = "There is a coupon with that code."
    example = {"coupon": "SUMMER10"}


class LimitBelowUses(Conflict):
    """The limit would be lower than what was used already."""

    code = "promotions.limit_below_uses"
    title = "It was used more often than that already."
    example = {"uses": 12}


class PromotionUsedUp(Conflict):
    """A promotion or its coupon has no use left, for anybody or for this customer."""

    code = "promotions.used_up"
    title = "The promotion is used up."
    example = {"promotion": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4", "name": "Summer", "coupon": "SUMMER10"}


class FirstOrderOnly(Conflict):
    """The promotion is for somebody's first order, and there was one already."""

    code = "promotions.first_order_only"
    title = "The promotion is for the first order only."
    example = {"promotion": "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4", "name": "Welcome", "coupon": "WELCOME"}
