"""Addresses of the outbox, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from core.api import audit, outbox

urlpatterns = [
    path("audit", audit.AuditLog.as_view()),
    path("outbox/deliveries", outbox.DeliveryCollection.as_view()),
    path("outbox/deliveries/<uuid:delivery_id>/retry", outbox.DeliveryRetry.as_view()),
]
