"""Promotions, their coupons and their uses, in the back office."""

from promotions.admin.coupons import CouponAdmin, PromotionUseAdmin
from promotions.admin.promotions import PromotionAdmin

__all__ = ["CouponAdmin", "PromotionAdmin", "PromotionUseAdmin"]
