"""Addresses of shipping and tax, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from pricing.api import shipping, taxes

urlpatterns = [
    path("shipping-zones", shipping.ZoneCollection.as_view()),
    path("shipping-zones/<uuid:zone_id>", shipping.ZoneDetail.as_view()),
    path("shipping-methods", shipping.MethodCollection.as_view()),
    path("shipping-methods/<uuid:method_id>", shipping.MethodDetail.as_view()),
    path("tax-rates", taxes.TaxRateCollection.as_view()),
    path("tax-rates/<uuid:rate_id>", taxes.TaxRateDetail.as_view()),
]
