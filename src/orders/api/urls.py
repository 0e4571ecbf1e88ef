"""Addresses of orders, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from orders.api import views

urlpatterns = [
    path("orders", views.OrderCollection.as_view()),
    path("orders/<uuid:order_id>", views.OrderDetail.as_view()),
    path("orders/<uuid:order_id>/cancel", views.OrderCancel.as_view()),
    path("orders/<uuid:order_id>/moves", views.OrderMoves.as_view()),
    path("orders/<uuid:order_id>/notes", views.OrderNotes.as_view()),
]
