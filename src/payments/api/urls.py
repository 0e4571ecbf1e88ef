"""Addresses of payments, below ``/api/v1/``. Paying itself stands with orders, which know whose it is."""

from __future__ import annotations

from django.urls import path

from payments.api import balances, methods, settlements, views

urlpatterns = [
    path("gift-cards", balances.GiftCardCollection.as_view()),
    path("gift-cards/check", balances.GiftCardCheck.as_view()),
    path("gift-cards/<uuid:balance_id>", balances.GiftCardDetail.as_view()),
    path("gift-cards/<uuid:balance_id>/movements", balances.GiftCardMovements.as_view()),
    path("customers/<uuid:customer_id>/store-credit", balances.CustomerStoreCredit.as_view()),
    path("me/store-credit", balances.OwnStoreCredit.as_view()),
    path("me/store-credit/movements", balances.OwnMovements.as_view()),
    path("me/payment-methods", methods.MethodCollection.as_view()),
    path("me/payment-methods/<uuid:saved_method_id>", methods.MethodDetail.as_view()),
    path("settlements", settlements.SettlementCollection.as_view()),
    path("settlements/<uuid:settlement_id>", settlements.SettlementDetail.as_view()),
    path("settlements/<uuid:settlement_id>/lines", settlements.SettlementLines.as_view()),
    path("settlements/<uuid:settlement_id>/differences.csv", settlements.SettlementDifferences.as_view()),
    path("webhooks/<str:provider>", views.Webhooks.as_view()),
]
