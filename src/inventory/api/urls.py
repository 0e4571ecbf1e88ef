"""Addresses of stock, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from inventory.api import views

urlpatterns = [
    path("inventory/stock", views.StockCollection.as_view()),
    path("inventory/adjustments", views.AdjustmentCollection.as_view()),
    path("inventory/movements", views.MovementCollection.as_view()),
]
