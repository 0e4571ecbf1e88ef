"""Payments and the money ledger, in the back office: to read. Money goes back from the order's page."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from core.admin import PeriodForm, ServiceAdmin, ViewInline, as_words, money_cell, report_page, row_link
from payments import selectors
from payments.domain import AttemptStatus
from payments.models import Attempt, LedgerEntry, Payment, Posting, ProviderEvent, Refund

_COLOURS = {
    "pending": "warning",
    "requires_action": "warning",
    "authorised": "info",
    "captured": "success",
    "partially_refunded": "info",
    "refunded": "info",
    "failed": "danger",
    "cancelled": "danger",
}


class _Postings(ViewInline):
    model = Posting
    fields = ("account", "shown_amount")
    readonly_fields = fields

    @display(description="Amount")
    def shown_amount(self, row: Posting) -> str:
        return money_cell(row.amount_minor, row.currency)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ServiceAdmin):
    """Facts about money. They stay as they are."""

    list_display = ("shown_kind", "about", "at")
    list_filter = ("kind",)
    search_fields = ("reference",)
    fields = ("shown_kind", "about", "at")
    readonly_fields = ("shown_kind", "about")
    ordering = ("-at", "-pk")
    inlines = (_Postings,)

    @display(description="Kind", ordering="kind")
    def shown_kind(self, row: LedgerEntry) -> str:
        return as_words(row.kind)

    @display(description="About")
    def about(self, row: LedgerEntry) -> SafeString | str:
        return row_link("order", row.reference)


class _Attempts(ViewInline):
    model = Attempt
    fields = ("created_at", "provider", "provider_reference", "status", "captured", "given_back", "failure")
    readonly_fields = fields
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        rows: QuerySet[Attempt] = super().get_queryset(request).select_related("payment")
        return rows

    @display(description="Captured")
    def captured(self, row: Attempt) -> str:
        return money_cell(row.captured_minor, row.payment.currency)

    @display(description="Given back")
    def given_back(self, row: Attempt) -> str:
        return money_cell(row.refunded_minor, row.payment.currency)


class _Refunds(ViewInline):
    model = Refund
    fields = ("created_at", "shown_amount", "to", "status", "reason", "actor", "failure")
    readonly_fields = fields
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Refund]:
        rows: QuerySet[Refund] = super().get_queryset(request).select_related("payment", "actor")
        return rows

    @display(description="Amount")
    def shown_amount(self, row: Refund) -> str:
        return money_cell(row.amount_minor, row.payment.currency)


class PaymentsForm(PeriodForm):
    """Of all providers and states, or of one."""

    provider = forms.CharField(required=False, max_length=30)
    status = forms.ChoiceField(required=False, choices=[("", "All"), *((s.value, s.value) for s in AttemptStatus)])


@admin.register(Payment)
class PaymentAdmin(ServiceAdmin):
    """How orders are paid: every attempt, and what went back."""

    list_display = ("created_at", "about", "shown_status", "amount", "captured", "given_back")
    list_filter = ("status", "created_at")
    search_fields = ("attempts__provider_reference__iexact", "attempts__idempotency_key__iexact")
    fields = (("about", "shown_status"), ("amount", "captured", "given_back"), "created_at")
    readonly_fields = ("about", "shown_status", "amount", "captured", "given_back", "created_at")
    ordering = ("-created_at", "-pk")
    actions_list = ("payments_report",)
    inlines = (_Attempts, _Refunds)

    def has_view_report_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "view") and bool(request.user.has_perm("payments.view_ledgerentry"))

    @action(description="Payments report", icon="bar_chart", url_path="report", permissions=["view_report"])
    def payments_report(self, request: HttpRequest) -> HttpResponseBase:
        return report_page(
            self,
            request,
            title="Payments report",
            heads=selectors.PaymentsRow.HEADS,
            read=selectors.report_payments,
            form=PaymentsForm,
        )

    @display(description="About")
    def about(self, row: Payment) -> SafeString | str:
        return row_link("order", str(row.order_id))

    @display(description="Status", ordering="status", label=_COLOURS)
    def shown_status(self, row: Payment) -> str:
        return row.status

    @display(description="Amount", ordering="amount_minor")
    def amount(self, row: Payment) -> str:
        return money_cell(row.amount_minor, row.currency)

    @display(description="Captured")
    def captured(self, row: Payment) -> str:
        return money_cell(row.captured_minor, row.currency)

    @display(description="Given back")
    def given_back(self, row: Payment) -> str:
        return money_cell(row.refunded_minor, row.currency)


@admin.register(ProviderEvent)
class ProviderEventAdmin(ServiceAdmin):
    """What providers told us. The body stays sealed."""

    list_display = ("received_at", "provider", "kind", "event_id", "processed_at")
    list_filter = ("provider", "kind")
    search_fields = ("event_id__iexact",)
    fields = ("provider", "kind", "event_id", "charge", "received_at", "processed_at")
    ordering = ("-received_at", "-pk")
