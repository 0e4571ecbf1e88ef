"""Addresses of uploads and of the outbox, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from core.api import audit, direct, outbox

urlpatterns = [
    path("audit", audit.AuditLog.as_view()),
    path("uploads", direct.UploadCollection.as_view()),
    path("uploads/files/<str:ticket>", direct.UploadFile.as_view()),
    path("outbox/deliveries", outbox.DeliveryCollection.as_view()),
    path("outbox/deliveries/<uuid:delivery_id>/retry", outbox.DeliveryRetry.as_view()),
]
