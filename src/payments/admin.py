"""The money ledger, in the back office: to read."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from core.admin import ServiceAdmin, ViewInline, money_cell
from payments.models import LedgerEntry, Posting


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

    list_display = ("kind", "reference", "at")
    list_filter = ("kind",)
    search_fields = ("reference",)
    fields = ("kind", "reference", "at")
    ordering = ("-at", "-pk")
    inlines = (_Postings,)
