"""Writes of promotions: what there is, the codes for it, and who used it."""

from promotions.services.coupons import (
    MAX_BATCH,
    MAX_CODE,
    BatchData,
    CouponData,
    create_coupon,
    create_coupon_batch,
)
from promotions.services.drafts import PromotionData, money_of
from promotions.services.terms import Use
from promotions.services.using import count_order, lock_uses, renew_uses, return_uses, use_promotions
from promotions.services.writing import create_promotion, delete_promotion, update_promotion

__all__ = [
    "MAX_BATCH",
    "MAX_CODE",
    "BatchData",
    "CouponData",
    "PromotionData",
    "Use",
    "count_order",
    "create_coupon",
    "create_coupon_batch",
    "create_promotion",
    "delete_promotion",
    "lock_uses",
    "money_of",
    "renew_uses",
    "return_uses",
    "update_promotion",
    "use_promotions",
]
