"""Addresses of the outbox, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from core.api import outbox

urlpatterns = [
    path("outbox/deliveries", outbox.DeliveryCollection.as_view()),
    path("outbox/deliveries/<uuid:delivery_id>/retry", outbox.DeliveryRetry.as_view()),
]
