"""Addresses of payments, below ``/api/v1/``. Paying itself stands with orders, which know whose it is."""

from __future__ import annotations

from django.urls import path

from payments.api import views

urlpatterns = [path("webhooks/<str:provider>", views.Webhooks.as_view())]
