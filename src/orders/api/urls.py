"""Addresses of orders, below ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from orders.api import invoices, payments, receipts, rehearsals, sellers, views

urlpatterns = [
    path("orders", views.OrderCollection.as_view()),
    path("orders/<uuid:order_id>", views.OrderDetail.as_view()),
    path("orders/<uuid:order_id>/cancel", views.OrderCancel.as_view()),
    path("orders/<uuid:order_id>/moves", views.OrderMoves.as_view()),
    path("orders/<uuid:order_id>/receipt", receipts.OrderReceipt.as_view()),
    path("orders/<uuid:order_id>/notes", views.OrderNotes.as_view()),
    path("orders/<uuid:order_id>/invoices", invoices.OrderInvoices.as_view()),
    path("orders/<uuid:order_id>/packing-slip.pdf", invoices.PackingSlip.as_view()),
    path("invoices/<uuid:invoice_id>", invoices.InvoiceDetail.as_view()),
    path("invoices/<uuid:invoice_id>.pdf", invoices.InvoicePdf.as_view()),
    path("invoices/<uuid:invoice_id>.xml", invoices.InvoiceXml.as_view()),
    path("sellers", sellers.SellerCollection.as_view()),
    path("sellers/<slug:market>", sellers.SellerDetail.as_view()),
    path("promotions/<uuid:promotion_id>/rehearse", rehearsals.PromotionRehearsal.as_view()),
    path("payments", payments.PaymentCollection.as_view()),
    path("payments/<uuid:payment_id>", payments.PaymentDetail.as_view()),
    path("payments/<uuid:payment_id>/refunds", payments.PaymentRefunds.as_view()),
]
