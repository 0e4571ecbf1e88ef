"""Addresses of the gateway, below ``/sandbox/``. They exist only where ``settings.SANDBOX`` is on."""

from __future__ import annotations

from django.urls import path

from sandbox.api import pages, settlement, views

urlpatterns = [
    path("v1/charges", views.ChargeCollection.as_view()),
    path("v1/charges/<str:charge_id>", views.ChargeDetail.as_view()),
    path("v1/charges/<str:charge_id>/capture", views.ChargeCapture.as_view()),
    path("v1/charges/<str:charge_id>/void", views.ChargeVoid.as_view()),
    path("v1/charges/<str:charge_id>/dispute", views.ChargeDispute.as_view()),
    path("v1/charges/<str:charge_id>/refunds", views.RefundCollection.as_view()),
    path("v1/refunds/<str:refund_id>", views.RefundDetail.as_view()),
    path("v1/methods/<str:token>", views.MethodDetail.as_view()),
    path("v1/events", views.EventCollection.as_view()),
    path("v1/faults", views.FaultSettings.as_view()),
    path("v1/books", views.Books.as_view()),
    path("v1/settlement", settlement.Settlement.as_view()),
    path("pay/<str:charge_id>", pages.pay),
    path("challenge/<str:charge_id>", pages.challenge),
]
