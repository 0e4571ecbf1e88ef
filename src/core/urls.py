"""Addresses of the health endpoints."""

from __future__ import annotations

from django.urls import path

from core import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
