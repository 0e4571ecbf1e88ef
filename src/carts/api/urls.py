"""Addresses of the cart, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from carts.api import views

urlpatterns = [
    path("cart", views.CartView.as_view()),
    path("cart/items", views.CartItemCollection.as_view()),
    path("cart/items/<uuid:item_id>", views.CartItemDetail.as_view()),
    path("cart/quote", views.CartQuote.as_view()),
    path("cart/shipping-methods", views.CartShippingMethods.as_view()),
    path("cart/merge", views.CartMerge.as_view()),
]
