"""Addresses of promotions, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from promotions.api import coupons, promotions

urlpatterns = [
    path("promotions", promotions.PromotionCollection.as_view()),
    path("promotions/<uuid:promotion_id>", promotions.PromotionDetail.as_view()),
    path("promotions/<uuid:promotion_id>/coupons", coupons.CouponCollection.as_view()),
]
