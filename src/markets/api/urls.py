"""Addresses of the markets, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from markets.api import views

urlpatterns = [
    path("markets", views.MarketCollection.as_view()),
    path("markets/<str:code>", views.MarketDetail.as_view()),
]
